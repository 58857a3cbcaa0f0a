// Any bytes as a checkpoint of PyTorch, and as a pickle alone: an error or weights within bounds, and nothing else.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "formats/torch/checkpoint.h"
#include "formats/torch/pickle.h"
#include "formats/torch/torch.h"
#include "formats/torch/tree.h"
#include "lib/base/error.h"

namespace {

using resnet::Buffer;

void check(const resnet::Error& error) {
  for (const char* c = error.what(); *c != '\0'; ++c) {
    if (static_cast<unsigned char>(*c) < 0x20) std::abort();
  }
}

// Every tensor can be loaded, as it was announced, or is refused; every element can be read; checking says what loading does. No
// name comes twice, and no line has what a terminal would obey.
void load(const resnet::NamedTensor& weight) {
  volatile unsigned sum = 0;
  std::string checked, loaded;
  try {
    weight.tensor.check();
  } catch (const resnet::Error& error) {
    check(error);
    checked = error.what();
  }
  try {
    const resnet::Tensor tensor = weight.tensor.load();
    if (tensor.dtype() != weight.tensor.dtype() || tensor.shape() != weight.tensor.shape()) std::abort();
    const std::span<const std::byte> bytes = tensor.bytes();
    for (const std::byte byte : bytes.first(std::min<std::size_t>(bytes.size(), 1 << 20)))
      sum = sum + static_cast<unsigned>(byte);
  } catch (const resnet::Error& error) {
    check(error);
    loaded = error.what();
  }
  if (!checked.empty() && loaded.empty()) std::abort();
}

void check(const resnet::Weights& weights) {
  std::set<std::string_view> names;
  std::size_t bytes = 0;
  for (const resnet::NamedTensor& weight : weights.tensors) {
    if (!names.insert(weight.name).second) std::abort();
    bytes += weight.tensor.size_bytes();
    if (bytes <= (64 << 20)) load(weight);
  }
  for (const std::string& note : weights.notes) {
    for (const char c : note) {
      if (static_cast<unsigned char>(c) < 0x20) std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A copy of its own: what is read past its end is seen.
  const auto owner = std::make_shared<std::string>(reinterpret_cast<const char*>(data), size);
  const auto bytes = std::as_bytes(std::span(*owner));
  try {
    check(resnet::torch::parse(Buffer::view(bytes, owner), "fuzz"));
  } catch (const resnet::Error& error) {
    check(error);
  }
  try {
    resnet::torch::Tree tree(*owner, resnet::torch::budget_of(size));
    resnet::torch::find_state_dict(tree, resnet::torch::unpickle(tree, 0).value);
  } catch (const resnet::Error& error) {
    check(error);
  }
  return 0;
}

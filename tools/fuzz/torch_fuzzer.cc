// Any bytes as a checkpoint of PyTorch, and as a pickle alone: an error or weights within bounds, and nothing else.
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

// Every element can be read, no name comes twice, and no line has what a terminal would obey.
void check(const resnet::Weights& weights) {
  std::set<std::string_view> names;
  volatile unsigned sum = 0;
  for (const resnet::NamedTensor& weight : weights.tensors) {
    if (!names.insert(weight.name).second) std::abort();
    if (weight.tensor.size_bytes() > (1 << 20)) continue;
    for (const std::byte byte : weight.tensor.bytes()) sum = sum + static_cast<unsigned>(byte);
  }
  for (const std::string& note : weights.notes) {
    for (const char c : note) {
      if (static_cast<unsigned char>(c) < 0x20) std::abort();
    }
  }
}

void check(const resnet::Error& error) {
  for (const char* c = error.what(); *c != '\0'; ++c) {
    if (static_cast<unsigned char>(*c) < 0x20) std::abort();
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

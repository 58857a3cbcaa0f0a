// Any bytes as a file for formats/safetensors, or as an index of several files: an error or a result, and nothing else. What is
// read is written, read again, and must be the same.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "formats/safetensors/safetensors.h"
#include "formats/safetensors/shards.h"
#include "lib/base/error.h"

namespace {

using resnet::Buffer;
using resnet::Weights;

Weights parse(std::string_view bytes) {
  // Memory of its own, so that a read outside of it is noticed.
  const auto owner = std::make_shared<std::string>(bytes);
  return resnet::safetensors::parse(Buffer::view(std::as_bytes(std::span(*owner)), owner), "x");
}

void check(bool holds) {
  if (!holds) std::abort();
}

void check_round_trip(const Weights& weights) {
  const std::string bytes = resnet::safetensors::to_bytes(weights);
  const Weights back = parse(bytes);
  check(back.tensors.size() == weights.tensors.size() && back.metadata == weights.metadata);
  check(resnet::safetensors::to_bytes(back) == bytes);
}

// One line that a terminal may be given.
void check_message(std::string_view line) {
  check(line.size() < 1000);
  for (const char c : line) check(static_cast<unsigned char>(c) >= 32 && c != 127);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    if (bytes.starts_with('{')) {
      const auto index = resnet::safetensors::parse_index(bytes, "x");
      check(!index.shards.empty());
      for (const std::string& shard : index.shards) check(shard.find('/') == shard.npos && shard != "..");
    } else {
      check_round_trip(parse(bytes));
    }
  } catch (const resnet::Error& error) {
    check_message(error.what());
  }
  return 0;
}

// A model's file without its large weights. They are most of it, and Protobuf would copy each of them twice: from the file into a
// buffer and from there into a string. Here the little that is left is parsed, and the weights go from the file to where they
// stay.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/tensor/tensor.h"

namespace resnet::onnx {

// `raw_data` of the graph's initializer `index`, in the file's order.
struct LargeWeight {
  std::size_t index = 0;
  std::size_t offset = 0, size = 0;  // in the file
  std::shared_ptr<Buffer> bytes;     // null until they are read
};

struct Skeleton {
  std::string proto;                 // a ModelProto whose large weights have no raw_data
  std::vector<LargeWeight> weights;  // in the order of their indices
};

// Of the file that `fd` has open. None where it is not laid out as a model's is: Protobuf is to say what is wrong with it.
std::optional<Skeleton> read_skeleton(int fd, std::size_t size);

// Reads the bytes of the weights, by several threads. Returns 0, or the error's number (EIO where the file has become shorter).
int read_weights(int fd, std::vector<LargeWeight>& weights);

}  // namespace resnet::onnx

// What Slice, Pad and Concat share. They run on the order that their input has: only the axes that they name are renamed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "lib/xnnpack/emitter.h"

namespace resnet::xnnpack {

constexpr std::size_t bytes_of_part = 64 << 10;  // of a loop that copies

inline std::int64_t place_of(const Order& order, std::size_t axis) {
  return std::find(order.begin(), order.end(), axis) - order.begin();
}

// A vector that lib/reference is given.
inline Emitter::Operand operand_of(const std::vector<std::int64_t>& list) {
  Tensor tensor = Tensor::from(Shape{static_cast<std::int64_t>(list.size())}, std::span<const std::int64_t>(list));
  return {.value = tensor, .dtype = tensor.dtype(), .shape = tensor.shape()};
}

}  // namespace resnet::xnnpack

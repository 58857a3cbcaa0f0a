// What operators that move elements share. They run on the order that their input has: only the axes that they name are renamed.
#pragma once

#include <algorithm>
#include <cstdint>

#include "lib/xnnpack/emitter.h"

namespace resnet::xnnpack {

constexpr std::size_t bytes_of_part = 64 << 10;  // of a loop that copies

inline std::int64_t place_of(const Order& order, std::size_t axis) {
  return std::find(order.begin(), order.end(), axis) - order.begin();
}

}  // namespace resnet::xnnpack

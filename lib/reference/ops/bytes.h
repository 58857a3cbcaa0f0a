// Bytes that stand for numbers, as the integer operators compute with them: int32 sums, which wrap around, and float32 for the
// rest, each operation rounded (docs/decisions/0011-integer-arithmetic.md).
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "lib/reference/ops/loops.h"

namespace resnet::reference {

// dispatch() for uint8 and int8.
template <typename Handler>
void dispatch_bytes(DType dtype, const Handler& handler) {
  dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_same_v<T, std::uint8_t> || std::is_same_v<T, std::int8_t>) {
      handler(zero);
    } else {
      unsupported_dtype(dtype_of<T>());
    }
  });
}

// The one element of a scale or zero point; `otherwise` where it is left out.
inline float single(Inputs inputs, std::size_t index, float otherwise) {
  return has(inputs, index) ? inputs[index]->values_as<float>().front() : otherwise;
}

// Of a sum that is kept exactly, below 2^53.
inline std::int32_t to_int32(double sum) { return static_cast<std::int32_t>(static_cast<std::int64_t>(sum)); }

// saturate(round half to even(value) + zero_point).
template <typename T>
T to_quantized(float value, float zero_point) {
  using Limits = std::numeric_limits<T>;
  // NaN becomes the least, as QuantizeLinear has it.
  const float rounded = std::nearbyint(value) + zero_point;
  if (!(rounded > Limits::min())) return Limits::min();
  return rounded < Limits::max() ? static_cast<T>(rounded) : Limits::max();
}

// What a sum, in units of 1 / factor of the output's, is as a byte.
template <typename T>
T rescaled(std::int32_t sum, float factor, float zero_point) {
  return to_quantized<T>(static_cast<float>(sum) * factor, zero_point);
}

}  // namespace resnet::reference

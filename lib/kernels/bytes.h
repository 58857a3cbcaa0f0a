// Loops over tensors of 8-bit integers, quantised or to be, in portable SIMD with run-time dispatch. Bytes are uint8, or int8
// where a flag says so. Results have the same bits on every instruction set, wherever the parts of a loop begin.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "lib/kernels/pool.h"

namespace resnet::kernels {

// y[i] = table[x[i]] for all of `count`: `table` has 256 entries, indexed by x as an unsigned byte. y may be x.
void look_up(const std::uint8_t* table, const std::uint8_t* x, std::uint8_t* y, std::size_t count);

// The same by a table for each channel, `channels` x 256, for the elements [begin, end) counted in memory. Element i is of
// channel i / inner % channels: inner is 1 in NHWC, height x width in NCHW. y may be x.
void look_up(const std::uint8_t* tables, std::size_t channels, std::size_t inner, const std::uint8_t* x, std::uint8_t* y,
             std::size_t begin, std::size_t end);

// The sum of two quantised tensors, with all scales and zero points gathered: y = saturate(round(fma(a, a_factor, fma(b,
// b_factor, shift)))), halves to the even neighbour, in float32. For scales s and zero points z: a_factor = sa / sy, b_factor =
// sb / sy, shift = zy - (a_factor * za + b_factor * zb).
struct ByteAddition {
  float a_factor = 1, b_factor = 1, shift = 0;
  bool a_signed = false, b_signed = false, y_signed = false;
};
// Whether no sum leaves 32 bits before it is saturated.
inline bool fits_in_integers(const ByteAddition& addition) {
  return 256 * (std::abs(addition.a_factor) + std::abs(addition.b_factor)) + std::abs(addition.shift) < 0x1p30f;
}
// Over `count` elements. y may be a or b.
void add_bytes(const ByteAddition& addition, const void* a, const void* b, void* y, std::size_t count);

// Scales and zero points (as numbers, whatever the type): one for all elements, or where `channels` is not 1 one for each place
// of the last axis, which element i has at i % channels.
struct ByteScales {
  const float* scales = nullptr;
  const std::int32_t* zero_points = nullptr;  // null: 0
  std::size_t channels = 1;
  bool is_signed = false;  // the bytes
};
// y = saturate(round(x / scale) + zero point), halves to the even neighbour, for the elements [begin, end). NaN becomes the least
// byte.
void quantize(const ByteScales& scales, const float* x, void* y, std::size_t begin, std::size_t end);
// y = (x - zero point) * scale.
void dequantize(const ByteScales& scales, const void* x, float* y, std::size_t begin, std::size_t end);

// What DynamicQuantizeLinear derives from its input's range, 0 included. Ranges of parts are joined by joined(). NaN is ignored.
struct FloatRange {
  float least = 0, most = 0;
};
FloatRange range_of(const float* x, std::size_t count);
FloatRange joined(const FloatRange& a, const FloatRange& b);
struct DynamicScale {
  float scale = 1;
  std::uint8_t zero_point = 0;
};
// scale = (most - least) / 255; zero point = saturate(round(-least / scale)). An empty range has the scale and zero point that
// the plain evaluator gives it.
DynamicScale dynamic_scale(const FloatRange& range);

// Outputs [begin, end), counted over all images, of `channels` bytes each. An empty window gives the least byte.
void max_pool(const Pool& pool, bool is_signed, const void* x, void* y, std::size_t begin, std::size_t end);

// What a mean of quantised bytes is made of.
struct ByteMean {
  float x_scale = 1, y_scale = 1;
  std::int32_t x_zero_point = 0, y_zero_point = 0;
  bool x_signed = false, y_signed = false;
};
// y = saturate(round(f(sum) * f(x_scale / f(y_scale * n))) + y_zero_point), with f() rounding to float32, n the product of the
// window's divisors, and sum that of x - x_zero_point over its places, in int32. Of global pools, too: a window over all of an
// image.
void average_pool(const Pool& pool, const ByteMean& mean, const void* x, void* y, std::size_t begin, std::size_t end);

}  // namespace resnet::kernels

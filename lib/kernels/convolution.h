// Direct convolution of NHWC maps, in portable SIMD with run-time dispatch. A tile of pixels meets one panel of the filter after
// the other, as many as stay in the second-level cache, before the next tile: pixels come from memory once, and where there are
// few of them the filter does while they are worked on. (XNNPACK's kernels stream all of the filter for every few pixels.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "lib/kernels/chain.h"

namespace resnet::kernels {

// A filter of `taps_high` x `taps_wide` positions, each a run of `channels` consecutive floats of the input. One run may span
// several pixels: a filter over few channels takes each of its rows as one tap (of an input that is padded left and right).
// With several groups the first outputs / groups outputs see the first `channels` of a pixel, the next ones the next.
struct Filter {
  std::int64_t taps_high = 1, taps_wide = 1, channels = 1;
  std::int64_t outputs = 1;  // of all groups
  std::int64_t groups = 1;

  std::int64_t taps() const { return taps_high * taps_wide; }
};

// Floats that pack_filter() writes.
std::size_t packed_size(const Filter& filter);
// `weights` is outputs x taps_high x taps_wide x channels; `bias` has `outputs` floats or is null (zeros).
void pack_filter(const Filter& filter, const float* weights, const float* bias, float* packed);

struct Convolution {
  Filter filter;
  std::int64_t batch = 1, height = 1, width = 1;  // of the input, in pixels
  std::int64_t pixel_stride = 1;                  // floats from one pixel to the next
  std::int64_t out_height = 1, out_width = 1;
  std::int64_t stride_high = 1, stride_wide = 1, dilation_high = 1, dilation_wide = 1, pad_top = 0, pad_left = 0;
  float least = -std::numeric_limits<float>::infinity(), most = std::numeric_limits<float>::infinity();
  Finish finish = {};
  std::int64_t threads = 1;  // that the parts are for; the bits do not depend on them
};

// How many parts the work is cut into; parts may run on any threads at once.
std::size_t convolution_parts(const Convolution& convolution);
// Computes the parts [begin, end): y = finish(clamp(bias + filter * x + addend, least, most)), batch x out_height x out_width x
// outputs. `addend` is of y's shape, or null. Every element's sum is made in the same order whatever the batch and the parts.
void convolve(const Convolution& convolution, const float* x, const float* packed, const float* addend, float* y,
              std::size_t begin, std::size_t end);

// Floats in a vector of this machine's.
std::size_t vector_lanes();

// Whether it was measured to be faster than XNNPACK's on this kind of machine: where vectors are of 64 bytes.
bool convolution_is_fast();
// The same of a filter of several groups: where groups fill vectors, alone or side by side.
bool grouped_convolution_is_fast(const Filter& filter);

}  // namespace resnet::kernels

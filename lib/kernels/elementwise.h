// Element-by-element loops and means that XNNPACK lacks, in portable SIMD with run-time dispatch.
#pragma once

#include <cstddef>

namespace resnet::kernels {

// y[i] = clamp(x[i], least, most). y may be x.
void clamp(const float* x, float* y, std::size_t count, float least, float most);

// Over `rows` of `channels` floats: y = clamp(x * scale[c] + shift[c], least, most). y may be x.
void scale_shift_clamped(const float* x, const float* scale, const float* shift, float* y, std::size_t rows, std::size_t channels,
                         float least, float most);

// Means over the middle of x, which is outer x reduced x inner floats: y[o][i] = sum over r of x[o][r][i] / reduced, for the
// elements [begin, end) of y (outer x inner).
void mean(const float* x, float* y, std::size_t reduced, std::size_t inner, std::size_t begin, std::size_t end);

}  // namespace resnet::kernels

// Convolutions of several groups, for lib/kernels/convolution.cc: what its functions do for a filter that has them.
#pragma once

#include <cstddef>

#include "lib/kernels/convolution.h"

namespace resnet::kernels::grouped {

std::size_t packed_size(const Filter& filter);
void pack_filter(const Filter& filter, const float* weights, const float* bias, float* packed);
std::size_t parts(const Convolution& convolution);
void convolve(const Convolution& convolution, const float* x, const float* packed, const float* addend, float* y,
              std::size_t begin, std::size_t end);

}  // namespace resnet::kernels::grouped

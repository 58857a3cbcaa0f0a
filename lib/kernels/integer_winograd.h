// 3x3 convolutions of 8-bit integers by Winograd's F(2x2,3x3), in integers: with 2G in place of G the filter and, for 8 bits of x
// less a zero point, the input take 16 bits, and what comes out is 4 times the sum. It is exact where that fits in 32 bits, which
// the number of channels says. Private to lib/kernels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/kernels/integer_convolution.h"

namespace resnet::kernels::integer_winograd {

// As packed_size() and pack_filter() are of the direct way.
std::size_t packed_size(const IntegerFilter& filter);
void pack_filter(const IntegerFilter& filter, const IntegerWeights& weights, std::uint8_t* packed);

std::size_t scratch(const IntegerConvolution& convolution, std::size_t threads);
void convolve(const IntegerConvolution& convolution, const IntegerOperands& operands, std::uint8_t* scratch, ThreadPool& pool);

}  // namespace resnet::kernels::integer_winograd

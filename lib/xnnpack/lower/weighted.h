// Convolutions and matrix products: the two that have packed weights.
#pragma once

#include "lib/xnnpack/step.h"

namespace resnet::xnnpack {

// Creates the operator of a convolution or product step. The first call packs (it needs the step's weight and bias), later ones
// find the packed weights.
Operator create_convolution(const Graph& graph, const Step& step);
Operator create_product(const Graph& graph, const Step& step);

// The weight as XNNPACK wants it, from the graph's constant: OHWI for convolutions, [in, out] or [out, in] for products.
Tensor convolution_weight(const Tensor& oihw);

}  // namespace resnet::xnnpack

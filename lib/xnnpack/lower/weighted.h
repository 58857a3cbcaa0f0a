// Convolutions and matrix products: the two that have packed weights.
#pragma once

#include "lib/kernels/convolution.h"
#include "lib/kernels/winograd.h"
#include "lib/xnnpack/step.h"

namespace resnet::xnnpack {

// Creates the operator of a convolution or product step. The first call packs (it needs the step's weight and bias), later ones
// find the packed weights.
Operator create_convolution(const Graph& graph, const Step& step);
Operator create_product(const Graph& graph, const Step& step);

// Whether lib/kernels computes it, and faster: one group, and enough channels to fill vectors.
bool fits_kernels(const Conv& conv, const Shape& weight);
// What lib/kernels packs of a weight of outputs x inputs x height x width. Few input channels make one run of a whole row.
kernels::Filter filter_of(const Conv& conv, const Shape& weight);

// The same of a matrix product: one tap.
bool fits_kernels(const kernels::Filter& product);
kernels::Filter filter_of_product(const Graph& graph, const Node& node);
// Whether a product's weight is outputs x inputs; else it is inputs x outputs.
bool rows_are_outputs(const Node& node);

kernels::WinogradFilter winograd_filter_of(kernels::Method method, const Shape& weight);

Tensor transpose(const Tensor& matrix);

// A convolution's weight, outputs x inputs x height x width in the graph, with its channels last.
Tensor convolution_weight(const Tensor& oihw);

}  // namespace resnet::xnnpack

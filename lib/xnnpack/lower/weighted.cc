#include "lib/xnnpack/lower/weighted.h"

#include "lib/base/error.h"

namespace resnet::xnnpack {

namespace {

// A pointer that is not null stands for weights that are packed already.
const float* weight_of(const Step& step) {
  static const float token[1] = {0};
  return step.weight.elements() > 0 ? step.weight.data<float>().data() : token;
}
const float* bias_of(const Step& step) {
  static const float token[1] = {0};
  if (!step.has_bias) return nullptr;
  return step.bias.elements() > 0 ? step.bias.data<float>().data() : token;
}

struct Convolution {
  std::uint32_t top, right, bottom, left, kernel_height, kernel_width, stride_height, stride_width, dilation_height,
      dilation_width, groups;
  std::size_t group_inputs, group_outputs;
};

}  // namespace

Operator create_convolution(const Graph& graph, const Step& step) {
  const Node& node = graph.node(step.node);
  const auto& conv = std::get<Conv>(node.op);
  const Shape weight = *graph.fact(node.inputs[1]).shape();
  const Dims& x = *graph.fact(node.inputs[0]).dims;
  const Window window = window_of(conv, {weight[2], weight[3]}, {x[2], x[3]});
  const auto u32 = [](std::int64_t n) { return static_cast<std::uint32_t>(n); };
  const Convolution c{.top = u32(window.pads_begin[0]),
                      .right = u32(window.pads_end[1]),
                      .bottom = u32(window.pads_end[0]),
                      .left = u32(window.pads_begin[1]),
                      .kernel_height = u32(weight[2]),
                      .kernel_width = u32(weight[3]),
                      .stride_height = u32(window.strides[0]),
                      .stride_width = u32(window.strides[1]),
                      .dilation_height = u32(window.dilations[0]),
                      .dilation_width = u32(window.dilations[1]),
                      .groups = u32(conv.group),
                      .group_inputs = static_cast<std::size_t>(weight[1]),
                      .group_outputs = static_cast<std::size_t>(weight[0] / conv.group)};
  // With one channel in and out of each group XNNPACK would pack into the cache again each time, never looking into it first.
  const bool cached = c.group_inputs > 1 || c.group_outputs > 1;
  if (!cached && step.packed->is_packed())
    throw Error(Fault::malformed, "is given packed weights, but its weights are packed anew each time");
  xnn_operator_t created = nullptr;
  check(xnn_create_convolution2d_nhwc_f32(c.top, c.right, c.bottom, c.left, c.kernel_height, c.kernel_width, c.stride_height,
                                          c.stride_width, c.dilation_height, c.dilation_width, c.groups, c.group_inputs,
                                          c.group_outputs, c.group_inputs * c.groups, c.group_outputs * c.groups, weight_of(step),
                                          bias_of(step), step.activation.least, step.activation.most, 0, nullptr,
                                          cached ? step.packed->provider() : nullptr, &created),
        "xnn_create_convolution2d_nhwc_f32");
  return Operator(created);
}

Operator create_product(const Graph& graph, const Step& step) {
  const Node& node = graph.node(step.node);
  const kernels::Filter filter = filter_of_product(graph, node);
  const auto inputs = static_cast<std::size_t>(filter.channels), outputs = static_cast<std::size_t>(filter.outputs);
  xnn_operator_t created = nullptr;
  check(xnn_create_fully_connected_nc_f32(inputs, outputs, inputs, outputs, weight_of(step), bias_of(step), step.activation.least,
                                          step.activation.most, rows_are_outputs(node) ? 0 : XNN_FLAG_TRANSPOSE_WEIGHTS, nullptr,
                                          step.packed->provider(), &created),
        "xnn_create_fully_connected_nc_f32");
  return Operator(created);
}

bool fits_kernels(const Conv& conv, const Shape& weight) {
  return kernels::convolution_is_fast() && conv.group == 1 && weight[0] >= 16 && weight[1] * weight[2] * weight[3] >= 16;
}

kernels::Filter filter_of(const Conv& conv, const Shape& weight) {
  constexpr std::int64_t few = 16;
  const bool whole_rows = weight[1] < few && weight[3] > 1 && (conv.dilations.empty() || conv.dilations[1] == 1);
  if (whole_rows) return {.taps_high = weight[2], .taps_wide = 1, .channels = weight[3] * weight[1], .outputs = weight[0]};
  return {.taps_high = weight[2], .taps_wide = weight[3], .channels = weight[1], .outputs = weight[0]};
}

bool fits_kernels(const kernels::Filter& product) {
  return kernels::convolution_is_fast() && product.outputs >= 16 && product.channels >= 16;
}

kernels::Filter filter_of_product(const Graph& graph, const Node& node) {
  const Shape weight = *graph.fact(node.inputs[1]).shape();
  return rows_are_outputs(node) ? kernels::Filter{.channels = weight[1], .outputs = weight[0]}
                                : kernels::Filter{.channels = weight[0], .outputs = weight[1]};
}

bool rows_are_outputs(const Node& node) {
  const auto* gemm = std::get_if<Gemm>(&node.op);
  return gemm != nullptr && gemm->transB;
}

kernels::WinogradFilter winograd_filter_of(kernels::Method method, const Shape& weight) {
  return {.channels = weight[1], .outputs = weight[0], .tile = method == kernels::Method::winograd2 ? 2 : 4};
}

Tensor transpose(const Tensor& matrix) {
  const std::int64_t rows = matrix.shape()[0], columns = matrix.shape()[1];
  Tensor result = Tensor::allocate(DType::float32, Shape{columns, rows});
  const float* source = matrix.data<float>().data();
  float* target = result.mutable_data<float>().data();
  for (std::int64_t i = 0; i < columns; ++i) {
    for (std::int64_t k = 0; k < rows; ++k) *target++ = source[k * columns + i];
  }
  return result;
}

Tensor convolution_weight(const Tensor& oihw) {
  const Shape& shape = oihw.shape();
  const std::int64_t outputs = shape[0], inputs = shape[1], area = shape[2] * shape[3];
  Tensor ohwi = Tensor::allocate(DType::float32, Shape{outputs, shape[2], shape[3], inputs});
  const float* source = oihw.data<float>().data();
  float* target = ohwi.mutable_data<float>().data();
  for (std::int64_t o = 0; o < outputs; ++o, source += inputs * area) {
    for (std::int64_t k = 0; k < area; ++k) {
      for (std::int64_t i = 0; i < inputs; ++i) *target++ = source[i * area + k];
    }
  }
  return ohwi;
}

}  // namespace resnet::xnnpack

#include "lib/xnnpack/kinds.h"

#include <algorithm>

#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/operands.h"

namespace resnet::xnnpack {

namespace {

bool is_float(const Fact& fact) { return fact.dtype == DType::float32; }

template <typename Op>
bool is(const Node& node) {
  return std::holds_alternative<Op>(node.op);
}

std::int64_t at(const std::vector<std::int64_t>& list, std::size_t index) { return list.empty() ? 1 : list[index]; }

// XNNPACK counts in 32 bits, where a file may hold any number: one that is cut would no longer give the graph's output.
template <typename Operator>
bool fits_window(const std::vector<std::int64_t>& kernel, const Operator& op) {
  constexpr std::int64_t most = std::int64_t{1} << 24;
  for (std::size_t i = 0; i < 2; ++i) {
    if (kernel[i] > most || at(op.strides, i) > most || at(op.dilations, i) > most) return false;
    if (kernel[i] * at(op.dilations, i) > most) return false;
  }
  return std::all_of(op.pads.begin(), op.pads.end(), [](std::int64_t pad) { return pad <= most; });
}

bool fits_convolution(const Conv& conv, const Operands& operands) {
  if (!operands.has_rank(0, 4) || !operands.is_constant(1) || (operands.has(2) && !operands.is_constant(2))) return false;
  // SAME padding depends on the size, which must then be known now.
  const Dims& x = *operands.fact(0).dims;
  const bool padding_known =
      conv.auto_pad == AutoPad::notset || conv.auto_pad == AutoPad::valid || (x[2].is_number() && x[3].is_number());
  const Tensor& weight = *operands.fact(1).value;
  return padding_known && weight.elements() > 0 && fits_window({weight.shape()[2], weight.shape()[3]}, conv);
}

bool fits_gemm(const Gemm& gemm, const Operands& operands) {
  if (gemm.transA || !operands.is_constant(1) || operands.fact(1).value->elements() == 0) return false;
  if (!operands.has(2)) return true;
  if (!operands.is_constant(2)) return false;
  const Shape& c = operands.fact(2).value->shape();
  const std::int64_t outputs = operands.fact(1).value->shape()[gemm.transB ? 0 : 1];
  return c.elements() == 1 || (c.elements() == outputs && c[c.rank() - 1] == outputs);
}

bool fits_product(const Operands& operands) {
  return operands.rank(0) >= 2 && operands.is_constant(1) && operands.fact(1).value->shape().rank() == 2 &&
         operands.fact(1).value->elements() > 0;
}

// XNNPACK refuses windows of one element and strides beyond the window. Where padding meets dilation it reads edge pixels that
// are not in the window.
bool fits_max_pool(const MaxPool& pool) {
  if (!fits_window(pool.kernel_shape, pool)) return false;
  bool dilated = false, padded = pool.auto_pad != AutoPad::notset || pool.ceil_mode;
  for (std::size_t i = 0; i < 2; ++i) {
    if (at(pool.strides, i) > pool.kernel_shape[i]) return false;
    dilated = dilated || at(pool.dilations, i) > 1;
    // A window that lies in the padding alone has nothing to take the maximum of.
    if (!pool.pads.empty() && (pool.pads[i] >= pool.kernel_shape[i] || pool.pads[i + 2] >= pool.kernel_shape[i])) return false;
  }
  for (const std::int64_t pad : pool.pads) padded = padded || pad != 0;
  return pool.kernel_shape[0] * pool.kernel_shape[1] > 1 && !(dilated && padded);
}

// XNNPACK leaves padding out of the count and knows no dilation.
bool fits_average_pool(const AveragePool& pool) {
  if (!fits_window(pool.kernel_shape, pool)) return false;
  bool padded = pool.auto_pad != AutoPad::notset;
  for (const std::int64_t pad : pool.pads) padded = padded || pad != 0;
  for (std::size_t i = 0; i < 2; ++i) {
    if (at(pool.dilations, i) != 1 || at(pool.strides, i) > pool.kernel_shape[i]) return false;
    if (!pool.pads.empty() && (pool.pads[i] >= pool.kernel_shape[i] || pool.pads[i + 2] >= pool.kernel_shape[i])) return false;
  }
  const bool counts_padding =
      pool.count_include_pad && (padded || pool.ceil_mode) && !has_fault(PlantedFault::padding_not_counted);
  return pool.kernel_shape[0] * pool.kernel_shape[1] > 1 && !counts_padding;
}

bool fits_mean(const ReduceMean& mean, const Operands& operands) {
  const Fact* facts[] = {&operands.fact(0), operands.has(1) ? &operands.fact(1) : nullptr};
  const auto axes = reduced_axes(mean, Facts(facts));
  return axes && !axes->empty() && operands.rank(0) <= 6;
}

bool fits_normalization(const BatchNormalization& norm, const Operands& operands) {
  bool fits = operands.has_rank(0, 4) && !norm.training_mode;
  for (std::size_t i = 1; i < 5; ++i) fits = fits && operands.is_constant(i);
  return fits;
}

bool fits_softmax(const Softmax& softmax, const Operands& operands) {
  const std::size_t rank = operands.rank(0);
  return rank > 0 && !softmax.coerce_to_2d &&
         (normalize_axis(softmax.axis, rank) + 1 == rank || has_fault(PlantedFault::softmax_over_any_axis));
}

// Of Add, Sub, Mul and Div.
Kind kind_of_arithmetic(const Node& node, const Operands& operands) {
  const Fact &a = operands.fact(0), &b = operands.fact(1);
  if (!a.has_rank() || !b.has_rank() || a.rank() > 6 || b.rank() > 6) return Kind::fallback;
  const bool same = *a.dims == *b.dims && !operands.is_constant(0) && !operands.is_constant(1);
  return same && is<Add>(node) ? Kind::add : Kind::binary;
}

// Kinds that do not depend on the element type.
Kind kind_of_any_type(const Node& node, const Operands& operands) {
  if (is<Reshape>(node) || is<Flatten>(node) || is<Squeeze>(node) || is<Unsqueeze>(node) || is<Identity>(node)) return Kind::view;
  if (is<Transpose>(node)) return Kind::transpose;
  if (is<Slice>(node) && operands.are_constant_from(1)) return Kind::slice;
  if (is<Pad>(node) && operands.are_constant_from(1)) return Kind::pad;
  if (is<Concat>(node)) return Kind::concat;
  if (is<Cast>(node) || is<Relu>(node) || is<HardSigmoid>(node)) return Kind::elementwise;
  if (is<QuantizeLinear>(node) || is<DequantizeLinear>(node)) {
    const auto& scale = operands.fact(1).value;
    const bool single = scale && (scale->elements() == 1 || has_fault(PlantedFault::scale_per_axis_as_one));
    return single && operands.are_constant_from(1) ? Kind::elementwise : Kind::fallback;
  }
  return Kind::fallback;
}

}  // namespace

std::optional<Activation> activation_of(const Graph& graph, const Node& node) {
  const Operands operands(graph, node);
  if (!is_float(node.outputs[0].fact)) return std::nullopt;
  Activation activation;
  if (std::holds_alternative<Relu>(node.op)) {
    activation.least = 0;
    return activation;
  }
  if (!std::holds_alternative<Clip>(node.op)) return std::nullopt;
  for (std::size_t i = 1; i < 3; ++i) {
    if (!operands.has(i)) continue;
    if (!operands.is_constant(i)) return std::nullopt;
    if (has_fault(PlantedFault::upper_bound_lost) && i == 2) continue;
    (i == 1 ? activation.least : activation.most) = operands.fact(i).value->values_as<float>().at(0);
  }
  if (!(activation.least < activation.most)) return std::nullopt;
  return activation;
}

Kind kind_of(const Graph& graph, const Node& node) {
  const Operands operands(graph, node);
  if (!is_float(node.outputs[0].fact)) return kind_of_any_type(node, operands);
  const auto if_fits = [](bool fits, Kind kind) { return fits ? kind : Kind::fallback; };
  if (const auto* conv = std::get_if<Conv>(&node.op)) return if_fits(fits_convolution(*conv, operands), Kind::convolution);
  if (const auto* gemm = std::get_if<Gemm>(&node.op)) return if_fits(fits_gemm(*gemm, operands), Kind::product);
  if (is<MatMul>(node)) return if_fits(fits_product(operands), Kind::product);
  if (const auto* pool = std::get_if<MaxPool>(&node.op)) {
    return if_fits(operands.has_rank(0, 4) && node.outputs.size() == 1 && fits_max_pool(*pool), Kind::max_pool);
  }
  if (const auto* pool = std::get_if<AveragePool>(&node.op)) {
    return if_fits(operands.has_rank(0, 4) && fits_average_pool(*pool), Kind::average_pool);
  }
  if (is<GlobalAveragePool>(node)) return if_fits(operands.rank(0) >= 3 && operands.rank(0) <= 6, Kind::mean);
  if (const auto* mean = std::get_if<ReduceMean>(&node.op)) return if_fits(fits_mean(*mean, operands), Kind::mean);
  if (const auto* norm = std::get_if<BatchNormalization>(&node.op)) {
    return if_fits(fits_normalization(*norm, operands), Kind::normalization);
  }
  if (is<Add>(node) || is<Sub>(node) || is<Mul>(node) || is<Div>(node)) return kind_of_arithmetic(node, operands);
  if (is<Sum>(node)) {
    const bool two = node.inputs.size() == 2 && operands.fact(0).has_rank();
    return if_fits(two && operands.fact(0).dims == operands.fact(1).dims, Kind::add);
  }
  if (activation_of(graph, node)) return Kind::clamp;
  if (is<Sigmoid>(node)) return Kind::sigmoid;
  if (const auto* softmax = std::get_if<Softmax>(&node.op)) return if_fits(fits_softmax(*softmax, operands), Kind::softmax);
  return kind_of_any_type(node, operands);
}

}  // namespace resnet::xnnpack

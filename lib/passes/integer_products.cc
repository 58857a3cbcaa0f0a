// How products, sums and means become integer operators.
#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/passes/integer_groups.h"

namespace resnet {

namespace {

// A vector of the channels as it meets a tensor of so many axes at the second one.
Shape along_channels(std::int64_t count, std::size_t rank) {
  std::vector<std::int64_t> dims(rank - 1, 1);
  dims[0] = count;
  return count == 1 ? Shape{} : Shape(dims);
}

}  // namespace

std::optional<IntegerGroups::Product> IntegerGroups::product(const Node& node) {
  std::size_t axis = 0;
  if (const auto* gemm = get_if<Gemm>(&node.op)) {
    const bool has_bias = node.inputs.size() > 2 && !node.inputs[2].is_none();
    if (gemm->transA || gemm->alpha != 1 || (has_bias && gemm->beta != 1)) return std::nullopt;
    axis = gemm->transB ? 0 : 1;
  } else if (holds_alternative<MatMul>(node.op)) {
    axis = 1;
  } else if (!holds_alternative<Conv>(node.op)) {
    return std::nullopt;
  }
  if (node.outputs[0].fact.dtype != DType::float32 || !node.outputs[0].fact.has_rank()) return std::nullopt;
  if (coded(node.inputs[0]) == nullptr) return std::nullopt;
  const Weight* w = weight(node.inputs[1]);
  if (w == nullptr || !w->has_one_scale_or(axis)) return std::nullopt;
  const Shape& shape = w->bytes.shape();
  if (holds_alternative<MatMul>(node.op) && shape.rank() != 2) return std::nullopt;
  const std::int64_t count = shape[axis];
  if (count == 0) return std::nullopt;
  const auto x = operand(node.inputs[0]);
  if (!x) return std::nullopt;
  const ValueId bias = node.inputs.size() > 2 ? node.inputs[2] : ValueId::none();
  return Product{*x, w, bias, shape.elements() / count, count};
}

std::optional<Tensor> IntegerGroups::whole_bias(const Product& product) const {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max(), largest_term = 255 * 255;
  if (product.terms > most / largest_term) return std::nullopt;
  const double room = static_cast<double>(most - product.terms * largest_term);
  if (product.bias.is_none()) return Tensor::allocate(DType::int32, Shape{0});
  const auto scales = product.weight->scales.values_as<float>();
  std::vector<float> units(static_cast<std::size_t>(product.count));
  for (std::size_t i = 0; i < units.size(); ++i) units[i] = product.x.quantization.scale * scales[scales.size() == 1 ? 0 : i];
  const auto bias = known(product.bias);
  if (!bias || (bias->elements() != 1 && bias->elements() != product.count) || bias->dtype() != DType::float32)
    return std::nullopt;
  // Numbers as quantizers write them, which float32 may not hold.
  const Node& node = graph_.node(product.bias.node);
  std::optional<Tensor> whole;
  if (holds_alternative<DequantizeLinear>(node.op)) whole = graph_.fact(node.inputs[0]).value;
  const auto own_scales = whole ? known(node.inputs[1]) : std::nullopt;
  const auto own_zeros = whole && node.inputs.size() > 2 ? known(node.inputs[2]) : std::nullopt;
  bool exact = whole && own_scales && whole->dtype() == DType::int32 && whole->elements() == product.count;
  if (exact) {
    const auto own = own_scales->values_as<float>();
    for (std::size_t i = 0; i < units.size(); ++i) exact = exact && own[own.size() == 1 ? 0 : i] == units[i];
    const auto zeros = own_zeros ? own_zeros->values_as<std::int64_t>() : std::vector<std::int64_t>{};
    exact = exact && std::all_of(zeros.begin(), zeros.end(), [](std::int64_t zero) { return zero == 0; });
  }
  const auto numbers = exact ? whole->values_as<double>() : bias->values_as<double>();
  Tensor result = Tensor::allocate(DType::int32, Shape{product.count});
  const auto to = result.mutable_data<std::int32_t>();
  for (std::size_t i = 0; i < units.size(); ++i) {
    const double number = numbers[numbers.size() == 1 ? 0 : i];
    const double steps = exact ? number : std::nearbyint(number / static_cast<double>(units[i]));
    if (!(std::abs(steps) <= room)) return std::nullopt;
    to[i] = static_cast<std::int32_t>(steps);
  }
  return result;
}

std::vector<ValueId> IntegerGroups::inputs_of_product(const Product& p) {
  return {p.x.bytes,          scale(p.x.quantization.scale), zero(p.x.quantization),
          p.weight->bytes_id, p.weight->scales_id,           p.weight->zeros_id};
}

std::optional<ValueId> IntegerGroups::computed(NodeId id, const Quantization& to) {
  const Node& node = graph_.node(id);
  if (holds_alternative<Conv>(node.op)) return convolved(id, to);
  if (const auto* gemm = get_if<Gemm>(&node.op)) {
    const auto p = product(node);
    return p ? multiplied(id, *p, gemm->transB, to) : std::nullopt;
  }
  if (holds_alternative<MatMul>(node.op)) {
    const auto p = product(node);
    if (p && graph_.fact(node.inputs[0]).rank() == 2) return multiplied(id, *p, false, to);
    std::vector<ValueId> inputs;
    if (p) {
      if (!whole_bias(*p)) return std::nullopt;
      inputs = inputs_of_product(*p);
    } else {
      const auto a = operand(node.inputs[0]), b = operand(node.inputs[1]);
      if (!a || !b) return std::nullopt;
      inputs = {a->bytes, scale(a->quantization.scale), zero(a->quantization),
                b->bytes, scale(b->quantization.scale), zero(b->quantization)};
    }
    inputs.insert(inputs.end(), {scale(to.scale), zero(to)});
    return emit(id, QLinearMatMul{}, std::move(inputs));
  }
  const bool adds = holds_alternative<Add>(node.op) || (holds_alternative<Sum>(node.op) && node.inputs.size() == 2);
  return adds ? added(id, to) : averaged(id, to);
}

std::optional<ValueId> IntegerGroups::convolved(NodeId id, const Quantization& to) {
  const Node& node = graph_.node(id);
  const auto p = product(node);
  const auto bias = p ? whole_bias(*p) : std::nullopt;
  if (!bias) return std::nullopt;
  std::vector<ValueId> inputs = inputs_of_product(*p);
  inputs.insert(inputs.end(), {scale(to.scale), zero(to)});
  if (bias->elements() > 0) inputs.push_back(constant(id, ".bias", *bias));
  return emit(id, QLinearConv{get<Conv>(node.op)}, std::move(inputs));
}

std::optional<ValueId> IntegerGroups::multiplied(NodeId id, const Product& product, bool transB, const Quantization& to) {
  const auto bias = whole_bias(product);
  if (!bias) return std::nullopt;
  std::vector<ValueId> inputs = inputs_of_product(product);
  inputs.push_back(bias->elements() > 0 ? constant(id, ".bias", *bias) : ValueId::none());
  inputs.insert(inputs.end(), {scale(to.scale), zero(to)});
  return emit(id, QGemm{.transB = transB}, std::move(inputs));
}

std::optional<ValueId> IntegerGroups::added(NodeId id, const Quantization& to) {
  const Node& node = graph_.node(id);
  // A matrix product with its bias.
  for (std::size_t i = 0; i < 2; ++i) {
    const ValueId value = node.inputs[i];
    const Node& made = graph_.node(value.node);
    if (!holds_alternative<MatMul>(made.op) || !readers_.only(value)) continue;
    auto p = product(made);
    const Fact& bias = graph_.fact(node.inputs[1 - i]);
    if (!p || graph_.fact(made.inputs[0]).rank() != 2 || !bias.dims || bias.dims->empty() || bias.rank() > 2) return std::nullopt;
    if (!bias.dims->back().is(p->count) || (bias.rank() == 2 && !bias.dims->front().is(1))) return std::nullopt;
    p->bias = node.inputs[1 - i];
    return multiplied(id, *p, false, to);
  }
  const auto a = operand(node.inputs[0], to.dtype), b = operand(node.inputs[1], to.dtype);
  if (!a || !b) return std::nullopt;
  return emit(id, QLinearAdd{},
              {a->bytes, scale(a->quantization.scale), zero(a->quantization), b->bytes, scale(b->quantization.scale),
               zero(b->quantization), scale(to.scale), zero(to)});
}

std::optional<ValueId> IntegerGroups::averaged(NodeId id, const Quantization& to) {
  const Node& node = graph_.node(id);
  const auto* pool = get_if<AveragePool>(&node.op);
  const auto* mean = get_if<ReduceMean>(&node.op);
  if (pool == nullptr && mean == nullptr && !holds_alternative<GlobalAveragePool>(node.op)) return std::nullopt;
  const std::size_t rank = graph_.fact(node.inputs[0]).rank();
  if (rank < 3 || coded(node.inputs[0]) == nullptr) return std::nullopt;
  std::vector<std::int64_t> spatial;
  for (std::size_t axis = 2; axis < rank; ++axis) spatial.push_back(static_cast<std::int64_t>(axis));
  if (mean != nullptr) {
    const auto axes = node.inputs.size() > 1 && !node.inputs[1].is_none() ? known(node.inputs[1]) : std::nullopt;
    if (!axes) return std::nullopt;
    std::vector<std::int64_t> reduced;
    for (const std::int64_t axis : axes->values_as<std::int64_t>())
      reduced.push_back(static_cast<std::int64_t>(normalize_axis(axis, rank)));
    std::sort(reduced.begin(), reduced.end());
    if (reduced != spatial) return std::nullopt;
  }
  const auto x = operand(node.inputs[0], to.dtype);
  if (!x) return std::nullopt;
  const std::vector<ValueId> inputs = {x->bytes, scale(x->quantization.scale), zero(x->quantization), scale(to.scale), zero(to)};
  if (pool != nullptr) return emit(id, QLinearAveragePool{*pool}, inputs);
  const ValueId averages = emit(id, QLinearGlobalAveragePool{}, inputs);
  if (mean == nullptr || mean->keepdims) return averages;
  const auto count = static_cast<std::int64_t>(spatial.size());
  return emit(
      id, Squeeze{},
      {averages, constant(id, ".axes", Tensor::from<std::int64_t>(Shape{count}, std::span<const std::int64_t>(spatial)))});
}

bool IntegerGroups::compute_in_integers(NodeId id) {
  const Node& node = graph_.node(id);
  const auto p = product(node);
  const auto bias = p && !p->bias.is_none() ? known(p->bias) : std::nullopt;
  if (!p || (!p->bias.is_none() && !bias)) return false;
  const bool is_matrix = !holds_alternative<Conv>(node.op) && graph_.fact(node.inputs[0]).rank() == 2;
  if (bias && (bias->dtype() != DType::float32 || (bias->elements() != 1 && bias->elements() != p->count))) return false;
  Product unbiased = *p;
  unbiased.bias = ValueId::none();
  if (!whole_bias(unbiased)) return false;
  if (is_matrix) {
    const auto* gemm = get_if<Gemm>(&node.op);
    const QGemm op{.transB = gemm != nullptr && gemm->transB};
    std::vector<ValueId> inputs = inputs_of_product(*p);
    if (!bias) {
      rewriter_.copy(id, op, std::move(inputs));
    } else {
      const ValueId sums = emit(id, op, std::move(inputs));
      rewriter_.copy(id, Add{},
                     std::vector{sums, constant(id, ".bias", bias->reshaped(bias->elements() == 1 ? Shape{} : Shape{p->count}))});
    }
    return true;
  }
  const auto* conv = get_if<Conv>(&node.op);
  const std::size_t rank = conv != nullptr ? p->weight->bytes.shape().rank() : 2;
  const std::vector<ValueId> inputs = {p->x.bytes, p->weight->bytes_id, zero(p->x.quantization), p->weight->zeros_id};
  const ValueId sums = emit(id, conv != nullptr ? Op(ConvInteger{*conv}) : Op(MatMulInteger{}), inputs);
  const ValueId floats = emit(id, Cast{DType::float32}, {sums});
  const std::int64_t count = p->weight->scales.elements();
  Tensor units = Tensor::allocate(DType::float32, conv != nullptr ? along_channels(count, rank)
                                                  : count == 1    ? Shape{}
                                                                  : Shape{count});
  const auto scales = p->weight->scales.values_as<float>();
  std::transform(scales.begin(), scales.end(), units.mutable_data<float>().begin(),
                 [&](float s) { return p->x.quantization.scale * s; });
  const std::vector<ValueId> factors = {floats, constant(id, ".scale", std::move(units))};
  if (!bias) {
    rewriter_.copy(id, Mul{}, factors);
    return true;
  }
  const ValueId scaled = emit(id, Mul{}, factors);
  rewriter_.copy(id, Add{}, std::vector{scaled, constant(id, ".bias", bias->reshaped(along_channels(bias->elements(), rank)))});
  return true;
}

}  // namespace resnet

#include "formats/onnx/older_operators.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <optional>
#include <utility>

#include "formats/onnx/ops/ops.h"
#include "formats/onnx/opset.h"

namespace resnet::onnx {

ValueId Replacement::constant(Tensor value) {
  return result_.add_constant(names_.fresh(node_.outputs[0].name + "_constant"), std::move(value));
}

ValueId Replacement::integers(const std::vector<std::int64_t>& values) {
  return constant(Tensor::from(Shape{std::ssize(values)}, std::span<const std::int64_t>(values)));
}

ValueId Replacement::number(double value, Shape shape) {
  Tensor tensor = Tensor::allocate(fact(0).dtype.value_or(DType::float32), std::move(shape));
  dispatch(tensor.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (T& element : tensor.mutable_data<T>()) element = T(static_cast<decltype(to_number(T{}))>(value));
  });
  return constant(std::move(tensor));
}

ValueId Replacement::shape_of_x() {
  const auto shape = fact(0).shape();
  return shape ? integers({shape->dims().begin(), shape->dims().end()}) : add(ShapeOf{}, {x()});
}

ValueId Replacement::add(Op op, std::vector<ValueId> inputs) {
  const std::string name = names_.fresh(name_of(node_) + "_part");
  return result_.append(std::move(op), std::move(inputs), name, {name});
}

ValueId Replacement::finish(Op op, std::vector<ValueId> inputs) {
  std::vector<std::string> names;
  for (const Value& value : node_.outputs) names.push_back(value.name);
  return result_.append(std::move(op), std::move(inputs), node_.name, std::move(names));
}

namespace {

// The same operator, said otherwise.

bool all_ones(const std::vector<std::int64_t>& list) {
  return !list.empty() && std::all_of(list.begin(), list.end(), [](std::int64_t n) { return n == 1; });
}

// What a rule may ask of a node.
struct Asked {
  const Graph& graph;
  const Node& node;
  std::int64_t opset;

  bool has(std::size_t index) const { return index < node.inputs.size() && !node.inputs[index].is_none(); }
  const Fact& fact(std::size_t index) const { return graph.fact(node.inputs[index]); }
  std::optional<std::vector<std::int64_t>> known(std::size_t index) const {
    return has(index) ? known_integers(fact(index)) : std::nullopt;
  }
};

Replace same_operator(const Reshape& op, const Asked& asked) {
  if (!op.allowzero || asked.opset >= 14) return nullptr;
  const auto& elements = asked.fact(1).elements;
  if (!elements || std::any_of(elements->begin(), elements->end(), [](const Dim& dim) { return dim.is(0); })) return nullptr;
  return [](Replacement& r) { return r.finish(Reshape{}, r.inputs()); };
}

template <typename Pool>
ValueId without_dilations(Replacement& r) {
  Pool pool = r.op<Pool>();
  pool.dilations.clear();
  return r.finish(std::move(pool), r.inputs());
}
Replace same_operator(const MaxPool& op, const Asked& asked) {
  return asked.opset < 10 && all_ones(op.dilations) ? without_dilations<MaxPool> : nullptr;
}
Replace same_operator(const AveragePool& op, const Asked& asked) {
  return asked.opset < 19 && all_ones(op.dilations) ? without_dilations<AveragePool> : nullptr;
}

template <Reduction reduction>
Replace same_operator(const Reduce<reduction>& op, const Asked& asked) {
  if (!op.noop_with_empty_axes || asked.opset >= op.axes_are_input) return nullptr;
  const auto axes = asked.has(1) ? asked.known(1) : std::vector<std::int64_t>{};
  if (!axes) return nullptr;
  if (axes->empty()) return [](Replacement& r) { return r.finish(Identity{}, {r.x()}); };
  return [](Replacement& r) { return r.finish(Reduce<reduction>{.keepdims = r.op<Reduce<reduction>>().keepdims}, r.inputs()); };
}

// Slice counts from the end and stops at it as Shape's start and end do.
Replace same_operator(const ShapeOf& op, const Asked& asked) {
  if (asked.opset >= 15 || (op.start == 0 && !op.end)) return nullptr;
  return [](Replacement& r) {
    const auto& shape = r.op<ShapeOf>();
    const ValueId whole = r.add(ShapeOf{}, {r.x()}), start = r.integers({shape.start});
    const ValueId end = r.integers({shape.end.value_or(std::numeric_limits<std::int64_t>::max())});
    return r.finish(Slice{}, {whole, start, end, r.integers({0})});
  };
}

// Pads for some axes: zeros for the others.
Replace same_operator(const Pad&, const Asked& asked) {
  if (asked.opset >= 18 || !asked.has(3) || !asked.fact(0).has_rank() || !asked.known(1) || !asked.known(3)) return nullptr;
  return [](Replacement& r) {
    const std::size_t rank = r.fact(0).rank();
    const auto given = *known_integers(r.fact(1)), axes = *known_integers(r.fact(3));
    std::vector<std::int64_t> pads(2 * rank, 0);
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const std::size_t axis = normalize_axis(axes[i], rank);
      pads[axis] = given.at(i);
      pads[rank + axis] = given.at(axes.size() + i);
    }
    return r.finish(r.op<Pad>(), {r.x(), r.integers(pads), r.inputs()[2]});
  };
}

// Parts of which the last one is smaller.
Replace same_operator(const Split& op, const Asked& asked) {
  if (asked.opset >= 18 || op.num_outputs < 1 || !asked.fact(0).has_rank()) return nullptr;
  const Dim& dim = (*asked.fact(0).dims)[normalize_axis(op.axis, asked.fact(0).rank())];
  if (!dim.is_number() || dim.number() % op.num_outputs == 0) return nullptr;
  return [](Replacement& r) {
    const auto& split = r.op<Split>();
    std::int64_t rest = (*r.fact(0).dims)[normalize_axis(split.axis, r.fact(0).rank())].number();
    const std::int64_t each = (rest + split.num_outputs - 1) / split.num_outputs;
    std::vector<std::int64_t> parts;
    for (std::int64_t i = 0; i < split.num_outputs; ++i, rest -= parts.back()) parts.push_back(std::min(each, rest));
    return r.finish(Split{.axis = split.axis}, {r.x(), r.integers(parts)});
  };
}

// The factors or sizes of all axes, where those of some are given, or of an aspect ratio that is kept.
struct AllAxes {
  std::vector<float> scales;
  std::vector<std::int64_t> sizes;
};

std::optional<AllAxes> all_axes(const Resize& op, const Fact& x, const Fact* scales, const Fact* sizes) {
  const bool has_scales = scales != nullptr && scales->value && scales->value->elements() > 0;
  const auto given_sizes = sizes != nullptr ? known_integers(*sizes) : std::nullopt;
  const auto given = has_scales ? scales->value->values_as<double>() : std::vector<double>{};
  if (const auto shape = x.shape(); shape && (has_scales || given_sizes)) {
    AllAxes all;
    bool by_scales = true, by_sizes = true;
    for (const ResizedAxis& axis : resized_axes(op, *shape, {}, given, given_sizes.value_or(std::vector<std::int64_t>{}))) {
      all.scales.push_back(static_cast<float>(axis.scale));
      all.sizes.push_back(axis.out);
      const double in = static_cast<double>(axis.in);
      by_scales = by_scales && std::floor(in * static_cast<double>(all.scales.back())) == static_cast<double>(axis.out);
      by_sizes = by_sizes && std::abs(axis.scale * in - static_cast<double>(axis.out)) < 1e-9 * in;
    }
    if (by_sizes && !has_scales) all.scales.clear();
    if (!all.scales.empty() && !by_scales) return std::nullopt;
    if (!all.scales.empty()) all.sizes.clear();
    return all;
  }
  if (!has_scales || !x.has_rank() || op.keep_aspect_ratio_policy != Resize::Policy::stretch) return std::nullopt;
  AllAxes all;
  all.scales.assign(x.rank(), 1.0f);
  for (std::size_t i = 0; i < op.axes.size(); ++i)
    all.scales[normalize_axis(op.axes[i], x.rank())] = static_cast<float>(given.at(i));
  return all;
}

// What is left out is an empty list below opset 13.
ValueId finish_resize(Replacement& r, Resize op, ValueId scales, ValueId sizes) {
  const auto floats = [&](ValueId value) {
    return value.is_none() && r.opset() < 13 ? r.constant(Tensor::allocate(DType::float32, Shape{0})) : value;
  };
  std::vector<ValueId> inputs = {r.x(), floats(r.inputs().size() > 1 ? r.inputs()[1] : ValueId::none()), floats(scales)};
  if (!sizes.is_none()) inputs.push_back(sizes);
  return r.finish(std::move(op), std::move(inputs));
}

Replace same_operator(const Resize& op, const Asked& asked) {
  const bool lists_some = !op.axes.empty() || op.keep_aspect_ratio_policy != Resize::Policy::stretch;
  if (asked.opset < 18 && lists_some && !asked.has(1) && !op.antialias) {
    if (!all_axes(op, asked.fact(0), asked.has(2) ? &asked.fact(2) : nullptr, asked.has(3) ? &asked.fact(3) : nullptr))
      return nullptr;
    return [](Replacement& r) {
      const auto fact_at = [&](std::size_t i) {
        return i < r.inputs().size() && !r.inputs()[i].is_none() ? &r.fact(i) : nullptr;
      };
      Resize whole = r.op<Resize>();
      const AllAxes all = *all_axes(whole, r.fact(0), fact_at(2), fact_at(3));
      whole.axes.clear();
      whole.keep_aspect_ratio_policy = Resize::Policy::stretch;
      const ValueId none = ValueId::none();
      if (all.scales.empty()) return finish_resize(r, whole, none, r.integers(all.sizes));
      const Shape shape{std::ssize(all.scales)};
      return finish_resize(r, whole, r.constant(Tensor::from(shape, std::span<const float>(all.scales))), none);
    };
  }
  if (asked.opset < 11 || asked.opset >= 13 || (asked.has(1) && asked.has(2))) return nullptr;
  return [](Replacement& r) {
    const auto at = [&](std::size_t i) { return i < r.inputs().size() ? r.inputs()[i] : ValueId::none(); };
    return finish_resize(r, r.op<Resize>(), at(2), at(3));
  };
}

template <typename T>
Replace same_operator(const T&, const Asked&) {
  return nullptr;
}

// Other operators, by those that define the one.

// Coerced to 2-D, which it is since opset 13 only where a Flatten does it; and before, along an axis that others follow, as the
// last one.
template <typename T>
Replace other_softmax(const T& op, const Asked& asked) {
  if (is_coercion_the_same(asked.fact(0).dims, op.axis) || op.coerce_to_2d == (asked.opset < 13)) return nullptr;
  if (op.coerce_to_2d) {
    return [](Replacement& r) {
      const ValueId flat = r.add(Flatten{.axis = r.op<T>().axis}, {r.x()});
      return r.finish(Reshape{}, {r.add(T{}, {flat}), r.shape_of_x()});
    };
  }
  if (!asked.fact(0).has_rank()) return nullptr;
  return [](Replacement& r) {
    std::vector<std::int64_t> perm(r.fact(0).rank());
    std::iota(perm.begin(), perm.end(), std::int64_t{0});
    std::swap(perm[normalize_axis(r.op<T>().axis, perm.size())], perm.back());
    return r.finish(Transpose{perm}, {r.add(T{}, {r.add(Transpose{perm}, {r.x()})})});
  };
}
Replace other_operators(const Softmax& op, const Asked& asked) { return other_softmax(op, asked); }
Replace other_operators(const LogSoftmax& op, const Asked& asked) { return other_softmax(op, asked); }

Replace other_operators(const HardSwish&, const Asked&) {
  return [](Replacement& r) { return r.finish(Mul{}, {r.x(), r.add(HardSigmoid{.alpha = 1.0f / 6, .beta = 0.5f}, {r.x()})}); };
}

Replace other_operators(const Swish&, const Asked&) {
  return [](Replacement& r) {
    const float alpha = r.op<Swish>().alpha;
    const ValueId scaled = alpha == 1 ? r.x() : r.add(Mul{}, {r.x(), r.number(static_cast<double>(alpha))});
    return r.finish(Mul{}, {r.x(), r.add(Sigmoid{}, {scaled})});
  };
}

Replace other_operators(const Mish&, const Asked&) {
  return [](Replacement& r) { return r.finish(Mul{}, {r.x(), r.add(Tanh{}, {r.add(Softplus{}, {r.x()})})}); };
}

// The positive part and the negative one apart: what is far from 0 would overflow in the other's formula.
Replace other_operators(const Celu& op, const Asked&) {
  if (!(op.alpha > 0)) return nullptr;
  return [](Replacement& r) {
    const ValueId alpha = r.number(static_cast<double>(r.op<Celu>().alpha));
    const ValueId negative = r.add(Neg{}, {r.add(Relu{}, {r.add(Neg{}, {r.x()})})});
    const ValueId curved = r.add(Mul{}, {r.add(Elu{}, {r.add(Div{}, {negative, alpha})}), alpha});
    return r.finish(Add{}, {r.add(Relu{}, {r.x()}), curved});
  };
}

ValueId gelu(Replacement& r) {
  ValueId inner;
  if (r.op<Gelu>().approximate == Gelu::Approximate::none) {
    inner = r.add(Erf{}, {r.add(Mul{}, {r.x(), r.number(std::numbers::sqrt2 / 2)})});
  } else {
    const ValueId square = r.add(Mul{}, {r.x(), r.x()});
    const ValueId cubic = r.add(Mul{}, {r.add(Mul{}, {square, r.x()}), r.number(0.044715)});
    const ValueId sum = r.add(Add{}, {r.x(), cubic});
    inner = r.add(Tanh{}, {r.add(Mul{}, {sum, r.number(std::sqrt(2 * std::numbers::inv_pi))})});
  }
  const ValueId share = r.add(Add{}, {inner, r.number(1)});
  return r.finish(Mul{}, {r.add(Mul{}, {r.x(), share}), r.number(0.5)});
}
Replace other_operators(const Gelu& op, const Asked& asked) {
  return op.approximate == Gelu::Approximate::tanh || asked.opset >= Erf::traits.since ? gelu : nullptr;
}

// Statistics of 16-bit numbers are made in float32, which other operators would not do.
bool is_wide(const Fact& fact) { return fact.dtype == DType::float32 || fact.dtype == DType::float64; }

// The groups as the channels of an InstanceNormalization, then a scale and a shift for each channel.
ValueId group_normalization(Replacement& r) {
  const auto& op = r.op<GroupNormalization>();
  const ValueId grouped = r.add(Reshape{}, {r.x(), r.integers({0, op.num_groups, -1})});
  const ValueId ones = r.number(1, Shape{op.num_groups}), zeros = r.number(0, Shape{op.num_groups});
  const ValueId normal = r.add(InstanceNormalization{.epsilon = op.epsilon}, {grouped, ones, zeros});
  const ValueId back = r.add(Reshape{}, {normal, r.shape_of_x()});
  std::vector<std::int64_t> vector(r.fact(0).rank() - 1, 1);
  vector[0] = -1;
  const ValueId scaled = r.add(Mul{}, {back, r.add(Reshape{}, {r.inputs()[1], r.integers(vector)})});
  return r.finish(Add{}, {scaled, r.add(Reshape{}, {r.inputs()[2], r.integers(vector)})});
}
Replace other_operators(const GroupNormalization&, const Asked& asked) {
  return asked.fact(0).has_rank() && asked.fact(0).rank() > 1 && is_wide(asked.fact(0)) ? group_normalization : nullptr;
}

// The axes from `axis` on.
std::vector<std::int64_t> axes_from(std::int64_t axis, std::size_t rank) {
  std::vector<std::int64_t> axes(rank - normalize_axis(axis, rank));
  std::iota(axes.begin(), axes.end(), static_cast<std::int64_t>(normalize_axis(axis, rank)));
  return axes;
}

// Not of the opposite: neither holds of NaN.
template <typename Strict>
ValueId or_equal(Replacement& r) {
  return r.finish(Or{}, {r.add(Strict{}, r.inputs()), r.add(Equal{}, r.inputs())});
}
Replace other_operators(const GreaterOrEqual&, const Asked& asked) { return asked.opset >= 11 ? or_equal<Greater> : nullptr; }
Replace other_operators(const LessOrEqual&, const Asked& asked) { return asked.opset >= 11 ? or_equal<Less> : nullptr; }

// x / sqrt(mean of squares + epsilon).
ValueId over_root_of_mean_square(Replacement& r, ValueId x, const std::vector<std::int64_t>& axes, float epsilon) {
  const ValueId mean = r.add(ReduceMean{}, {r.add(Mul{}, {x, x}), r.integers(axes)});
  return r.add(Div{}, {x, r.add(Sqrt{}, {r.add(Add{}, {mean, r.number(static_cast<double>(epsilon))})})});
}

ValueId layer_normalization(Replacement& r) {
  const auto& op = r.op<LayerNormalization>();
  const auto axes = axes_from(op.axis, r.fact(0).rank());
  const ValueId centred = r.add(Sub{}, {r.x(), r.add(ReduceMean{}, {r.x(), r.integers(axes)})});
  const ValueId normal = over_root_of_mean_square(r, centred, axes, op.epsilon);
  const bool has_bias = r.inputs().size() > 2 && !r.inputs()[2].is_none();
  if (!has_bias) return r.finish(Mul{}, {normal, r.inputs()[1]});
  return r.finish(Add{}, {r.add(Mul{}, {normal, r.inputs()[1]}), r.inputs()[2]});
}
Replace other_operators(const LayerNormalization&, const Asked& asked) {
  const bool fits = asked.fact(0).has_rank() && is_wide(asked.fact(0)) && asked.node.outputs.size() == 1;
  return fits ? layer_normalization : nullptr;
}

Replace other_operators(const RMSNormalization&, const Asked& asked) {
  if (!asked.fact(0).has_rank() || !is_wide(asked.fact(0))) return nullptr;
  return [](Replacement& r) {
    const auto& op = r.op<RMSNormalization>();
    const ValueId normal = over_root_of_mean_square(r, r.x(), axes_from(op.axis, r.fact(0).rank()), op.epsilon);
    return r.finish(Mul{}, {normal, r.inputs()[1]});
  };
}

template <typename T>
Replace other_operators(const T&, const Asked&) {
  return nullptr;
}

// The lowest opset that has the operator as it is meant here.
template <typename T>
std::int64_t own_since(const T&) {
  return T::traits.since;
}
std::int64_t own_since(const GroupNormalization&) { return 21; }  // a scale for each channel
std::int64_t own_since(const Softmax&) { return newest_opset + 1; }
std::int64_t own_since(const LogSoftmax&) { return newest_opset + 1; }
std::int64_t own_since(const Opaque&) { return 0; }

}  // namespace

Replace replacement_of(const Graph& graph, const Node& node, std::int64_t opset, OlderForms forms) {
  const Asked asked{graph, node, opset};
  return visit(
      [&](const auto& op) -> Replace {
        if (const Replace same = same_operator(op, asked)) return same;
        return forms == OlderForms::any && opset < own_since(op) ? other_operators(op, asked) : nullptr;
      },
      node.op);
}

}  // namespace resnet::onnx

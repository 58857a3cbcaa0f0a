#include "lib/analysis/batch_axis.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "lib/analysis/batch_rows.h"
#include "lib/base/error.h"

namespace resnet::analysis {

namespace {

using Kind = BatchMixing::Kind;

constexpr std::int64_t many_images = 1009;  // a prime, and no size that a network has

template <typename Op>
constexpr bool is_elementwise =
    (Op::traits.effect == Effect::elementwise && !OneOf<Op, QLinearAdd>) || OneOf<Op, Cast, Identity, Dropout>;
template <typename Op>
constexpr bool is_reshape = Op::traits.effect == Effect::reshapes;
// What they give depends on the sizes of their inputs alone, which no image changes.
template <typename Op>
constexpr bool is_of_sizes = OneOf<Op, Input, Constant, ConstantOfShape, ShapeOf>;

class Follower : private BatchRules {
 public:
  Follower(const Graph& graph, std::int64_t batch) : BatchRules(graph, batch) {}

  std::optional<BatchMixing> follow(std::span<const ValueId> outputs) {
    for (std::size_t id = 0; id < graph_.nodes().size(); ++id) follow(static_cast<NodeId>(id));
    std::optional<BatchMixing> found;
    for (const ValueId output : outputs) found = worse(found, at_output(output));
    return found;
  }

 private:
  std::optional<BatchMixing> at_output(ValueId id) const {
    const Rows& rows = rows_[static_cast<std::size_t>(id.node)][static_cast<std::size_t>(id.slot)];
    if (!rows.is_along_axis() || rows.same_place(Rows{})) return rows.mixing;
    return BatchMixing{Kind::mixed, id.node, describe(graph_.node(id.node)),
                       "gives its images along another axis than the first"};
  }

  void follow(NodeId id) {
    go_to(id);
    const Rows rows = visit([this](const auto& op) { return of(op); }, node_->op);
    std::vector<Rows>& outputs = rows_.emplace_back(node_->outputs.size(), rows);
    if (holds_alternative<Input>(node_->op) && is_of_images(id)) outputs[0] = {Rows::Where::axis};
    if (rows.where == Rows::Where::lost) return;
    if (holds_alternative<DynamicQuantizeLinear>(node_->op)) {
      for (std::size_t slot = 1; slot < outputs.size(); ++slot) outputs[slot] = {.mixing = rows.mixing};
    }
    // Indices into all of the images.
    if (holds_alternative<MaxPool>(node_->op) && outputs.size() > 1 && rows.is_along_axis())
      outputs[1] = lost(Kind::unknown, "gives places in the whole batch");
  }

  // The first input, and others of the same open batch.
  bool is_of_images(NodeId id) const {
    const Fact& fact = graph_.fact({id, 0});
    const bool same = batch_ == many_images && fact.dims && !fact.dims->empty() && fact.dims->front().is(many_images);
    return same || graph_.inputs()[0].node == id;
  }

  // What holds for every operator, then what holds for this one.
  template <typename Op>
  Rows of(const Op& op) {
    if constexpr (is_of_sizes<Op>) {
      return {};
    } else {
      std::optional<BatchMixing> mixing;
      bool any = false, is_lost = false, is_scattered = false;
      for (std::size_t i = 0; i < node_->inputs.size(); ++i) {
        const Rows& input = rows(i);
        mixing = worse(mixing, input.mixing);
        any = any || !input.is_nowhere();
        is_lost = is_lost || input.where == Rows::Where::lost;
        is_scattered = is_scattered || input.where == Rows::Where::scattered;
      }
      if (is_scattered && !is_lost) {
        if (is_reshape<Op>) return reshaped();
        const bool keeps = is_elementwise<Op> || OneOf<Op, QuantizeLinear, DequantizeLinear>;
        if (keeps && !rows(0).is_nowhere() && others_are_single()) return rows(0);
        is_lost = true;
      }
      if (is_lost) return {.where = Rows::Where::lost, .mixing = mixing};
      if (!any) return {.mixing = mixing};
      if (dims(0) == nullptr || !node_->outputs[0].fact.dims) return lost(Kind::unknown, "cannot be followed");
      Rows result;
      if constexpr (is_elementwise<Op>) {
        result = elementwise();
      } else if constexpr (is_reshape<Op>) {
        result = reshaped();
      } else {
        result = through(op);
      }
      result.mixing = worse(result.mixing, mixing);
      return result;
    }
  }

  // Of windows over the axes from the third on.
  Rows windowed(const Window& window) const {
    const Rows& x = rows(0);
    if (x.axis < 2) return x;
    const std::size_t i = x.axis - 2;
    const bool alone = window.kernel[i] == 1 && window.strides[i] == 1 && window.pads_begin[i] == 0 && window.pads_end[i] == 0;
    return alone ? x : mixed("has windows that reach over several images");
  }
  Dims spatial() const { return {dims(0)->begin() + 2, dims(0)->end()}; }

  Rows convolved(const Conv& conv, std::size_t w) const {
    const Rows &x = rows(0), &weights = rows(w);
    const auto shape = fact(w)->shape();
    if (x.is_nowhere() || !only({0, w}) || !shape || shape->rank() < 2)
      return lost(Kind::unknown, "has operands that are computed from the images");
    if (x.axis != 1 && !weights.is_nowhere()) return mixed("convolves each image by weights that are computed from all");
    if (x.axis == 0) return x;
    if (x.axis > 1) return windowed(window_of(conv, {shape->dims().begin() + 2, shape->dims().end()}, spatial()));
    // The images lie in the channels, as where each has weights of its own.
    const std::int64_t inputs = (*shape)[1], outputs = (*shape)[0] / conv.group;
    if (conv.group == 1 || x.after % inputs != 0) return mixed("sums over the batch");
    const Rows result{Rows::Where::axis, 1, x.before, x.after / inputs * outputs};
    if (weights.is_nowhere()) return is_same_for_all(w, 0, result) ? result : unlike();
    return weights.same_place(moved(result, 0)) ? result : mixed("convolves images by weights that are computed from others");
  }

  Rows gemm(bool transA, bool transB, std::size_t b, std::size_t c) const {
    if (!only({0, b, c})) return lost(Kind::unknown, "has operands that are computed from the images");
    Operand left = operand(0), right = operand(b);
    if (transA) left.rows.axis = 1 - left.rows.axis;
    if (transB) right.rows.axis = 1 - right.rows.axis;
    const Rows result = product(left, right, 2);
    if (result.where == Rows::Where::lost) return result;
    return elementwise({{result, 2, std::nullopt}, operand(c)});
  }
  Rows matrix_product(std::size_t b) const {
    if (!only({0, b}) || dims(b) == nullptr) return lost(Kind::unknown, "has operands that are computed from the images");
    return product(operand(0), operand(b), output_dims().size());
  }

  Rows reduced(const std::vector<std::size_t>& axes, bool keepdims, const char* what) const {
    const Rows& x = rows(0);
    if (std::find(axes.begin(), axes.end(), x.axis) != axes.end()) return mixed(what);
    const auto less = std::count_if(axes.begin(), axes.end(), [&](std::size_t axis) { return axis < x.axis; });
    return moved(x, keepdims ? x.axis : x.axis - static_cast<std::size_t>(less));
  }

  Rows softened(std::int64_t axis, bool coerce_to_2d) const {
    const std::size_t first = normalize_axis(axis, rank(0));
    const bool over = coerce_to_2d ? rows(0).axis >= first : rows(0).axis == first;
    return over ? mixed("normalises over the batch") : rows(0);
  }

  // Each with a scale of its own along the axis.
  Rows scaled(std::int64_t axis) const {
    if (!only({0})) return lost(Kind::unknown, "has scales that are computed from the images");
    const Rows& x = rows(0);
    if (rank(1) == 0 || fact(1)->shape().value_or(Shape{}).elements() == 1 || normalize_axis(axis, rank(0)) != x.axis) return x;
    if (rank(1) != 1) return lost(Kind::unknown, "has blocks of scales along the batch");
    return is_same_for_all(1, 0, x) && is_same_for_all(2, 0, x) ? x : unlike();
  }

  Rows through(const Conv& op) const { return convolved(op, 1); }
  Rows through(const ConvInteger& op) const { return convolved(op.conv, 1); }
  Rows through(const QLinearConv& op) const { return convolved(op.conv, 3); }
  Rows through(const Gemm& op) const { return gemm(op.transA, op.transB, 1, 2); }
  Rows through(const QGemm& op) const { return gemm(op.transA, op.transB, 3, 6); }
  Rows through(const MatMul&) const { return matrix_product(1); }
  Rows through(const MatMulInteger&) const { return matrix_product(1); }
  Rows through(const QLinearMatMul&) const { return matrix_product(3); }
  Rows through(const MaxPool& op) const { return windowed(window_of(op, spatial())); }
  Rows through(const AveragePool& op) const { return windowed(window_of(op, spatial())); }
  Rows through(const Softmax& op) const { return softened(op.axis, op.coerce_to_2d); }
  Rows through(const LogSoftmax& op) const { return softened(op.axis, op.coerce_to_2d); }
  Rows through(const QuantizeLinear& op) const { return scaled(op.axis); }
  Rows through(const DequantizeLinear& op) const { return scaled(op.axis); }
  Rows through(const Expand&) const { return elementwise({operand(0)}); }
  template <typename T>
  Rows through(const T&) const {
    return lost(Kind::unknown, "cannot be followed");
  }
  Rows through(const QLinearAdd&) const {
    if (!only({0, 3}) || dims(3) == nullptr) return lost(Kind::unknown, "has scales that are computed from the images");
    return elementwise({operand(0), operand(3)});
  }
  Rows through(const GlobalAveragePool&) const { return rows(0).axis < 2 ? rows(0) : mixed("averages over the batch"); }
  Rows through(const QLinearGlobalAveragePool& op) const {
    const bool apart = rows(0).axis == 0 || rows(0).axis == (op.channels_last ? rank(0) - 1 : 1);
    return apart ? rows(0) : mixed("averages over the batch");
  }
  Rows through(const QLinearAveragePool& op) const {
    if (!op.channels_last) return windowed(window_of(op.pool, spatial()));
    return rows(0).axis == 0 || rows(0).axis + 1 == rank(0) ? rows(0) : mixed("has windows that reach over several images");
  }
  Rows through(const LookupTable&) const {
    if (!only({0})) return lost(Kind::unknown, "has tables that are computed from the images");
    return rank(1) < 2 || rows(0).axis != 1 || is_same_for_all(1, 0, rows(0)) ? rows(0) : unlike();
  }
  Rows through(const BatchNormalization& op) const {
    if (op.training_mode) return mixed("normalises by the batch's own statistics");
    if (!only({0})) return lost(Kind::unknown, "has statistics that are computed from the images");
    for (std::size_t i = 1; rows(0).axis == 1 && i < node_->inputs.size(); ++i) {
      if (!is_same_for_all(i, 0, rows(0))) return unlike();
    }
    return rows(0);
  }
  Rows through(const DynamicQuantizeLinear&) const {
    Rows result = rows(0);
    result.mixing = worse(result.mixing, lost(Kind::range, "takes one range over the whole batch").mixing);
    return result;
  }
  template <Reduction reduction>
  Rows through(const Reduce<reduction>& op) const {
    std::vector<const Fact*> inputs;
    for (std::size_t i = 0; i < node_->inputs.size(); ++i) inputs.push_back(fact(i));
    const auto axes = reduced_axes(op, Facts(inputs));
    return axes ? reduced(*axes, op.keepdims, reduction == Reduction::mean ? "averages over the batch" : "reduces over the batch")
                : lost(Kind::unknown, "has axes that are not known");
  }
  // Operators that compute each image by itself where images lie along the first axis.
  Rows each_image() const {
    if (!only({0})) return lost(Kind::unknown, "has operands that are computed from the images");
    return rows(0).axis == 0 ? rows(0) : lost(Kind::unknown, "cannot be followed");
  }
  template <typename Op>
  requires OneOf<Op, InstanceNormalization, GroupNormalization, LRN, GlobalLpPool, ConvTranspose, DepthToSpace, SpaceToDepth> Rows
  through(const Op&)
  const { return each_image(); }
  Rows through(const GlobalMaxPool&) const { return rows(0).axis < 2 ? rows(0) : mixed("takes the largest of the batch"); }
  Rows through(const LpPool& op) const { return windowed(window_of(op, spatial())); }
  template <typename Op>
  requires OneOf<Op, LayerNormalization, RMSNormalization> Rows through(const Op& op)
  const { return normalize_axis(op.axis, rank(0)) > rows(0).axis ? rows(0) : mixed("normalises over the batch"); }
  Rows through(const LpNormalization& op) const { return softened(op.axis, false); }
  Rows through(const MeanVarianceNormalization& op) const {
    for (const std::int64_t axis : op.axes) {
      if (normalize_axis(axis, rank(0)) == rows(0).axis) return mixed("normalises by the batch's own statistics");
    }
    return rows(0);
  }
  Rows through(const Resize&) const {
    if (!only({0})) return lost(Kind::unknown, "has sizes that are computed from the images");
    const std::size_t axis = rows(0).axis;
    return output_dims()[axis] == (*dims(0))[axis] ? rows(0) : mixed("is resized along the batch");
  }
  Rows through(const Tile&) const {
    if (!only({0})) return lost(Kind::unknown, "has repeats that are computed from the images");
    const std::size_t axis = rows(0).axis;
    return output_dims()[axis] == (*dims(0))[axis] ? rows(0) : mixed("repeats the batch");
  }
  Rows through(const Split& op) const {
    if (!only({0})) return lost(Kind::unknown, "has sizes that are computed from the images");
    return normalize_axis(op.axis, rank(0)) != rows(0).axis ? rows(0) : mixed("takes a part of the batch, or turns it about");
  }
  Rows through(const TopK& op) const {
    if (!only({0})) return lost(Kind::unknown, "has sizes that are computed from the images");
    return normalize_axis(op.axis, rank(0)) != rows(0).axis ? rows(0) : mixed("takes the largest of the batch");
  }
  // Indices are the same for each image, or the images would be told apart by them.
  Rows through(const GatherElements& op) const {
    if (!only({0})) return lost(Kind::unknown, "has indices that are computed from the images");
    const Rows& x = rows(0);
    if (normalize_axis(op.axis, rank(0)) == x.axis) return mixed("takes some images of the batch, or in another order");
    if (output_dims()[x.axis] != (*dims(0))[x.axis]) return mixed("takes a part of the batch, or turns it about");
    return is_same_for_all(1, static_cast<std::int64_t>(x.axis), x) ? x : unlike();
  }
  Rows through(const CumSum&) const {
    const auto axis = integers(1);
    if (!only({0}) || !axis || axis->size() != 1) return lost(Kind::unknown, "has an axis that is not known");
    return normalize_axis(axis->front(), rank(0)) != rows(0).axis ? rows(0) : mixed("sums over the batch");
  }
  Rows through(const Trilu&) const {
    if (!only({0})) return lost(Kind::unknown, "has a diagonal that is computed from the images");
    return rows(0).axis + 2 < rank(0) ? rows(0) : mixed("takes a triangle of the batch");
  }
  Rows through(const Einsum& op) const {
    std::vector<std::size_t> ranks;
    for (std::size_t i = 0; i < node_->inputs.size(); ++i) {
      if (dims(i) == nullptr) return lost(Kind::unknown, "cannot be followed");
      ranks.push_back(rank(i));
    }
    const EinsumIndices indices = einsum_indices(op.equation, ranks);
    return contracted(indices.inputs, indices.output);
  }
  Rows through(const GridSample&) const {
    const bool both = rows(0).is_along_axis() && rows(1).is_along_axis();
    if (both && rows(0).same_place(Rows{}) && rows(1).same_place(Rows{})) return rows(0);  // a grid for each image
    const Rows result = each_image();
    if (result.where == Rows::Where::lost) return result;
    return is_same_for_all(1, 0, result) ? result : unlike();
  }
  Rows through(const ArgMin& op) const {
    return reduced({normalize_axis(op.axis, rank(0))}, op.keepdims, "takes the least of the batch");
  }
  Rows through(const ArgMax& op) const {
    return reduced({normalize_axis(op.axis, rank(0))}, op.keepdims, "takes the largest of the batch");
  }
  Rows through(const Transpose& op) const {
    const std::vector<std::size_t> axes = permutation_of(op, rank(0));
    return moved(rows(0), static_cast<std::size_t>(std::find(axes.begin(), axes.end(), rows(0).axis) - axes.begin()));
  }
  Rows through(const Concat& op) const {
    const Rows joined = elementwise();
    const bool several = node_->inputs.size() > 1;
    if (several && joined.is_along_axis() && normalize_axis(op.axis, output_dims().size()) == joined.axis)
      return mixed("joins rows along the batch");
    return joined;
  }
  Rows through(const Slice&) const {
    const Rows& x = rows(0);
    if (!only({0})) return lost(Kind::unknown, "has bounds that are computed from the images");
    const auto starts = integers(1), ends = integers(2), axes = integers(3), steps = integers(4);
    if (!starts || !ends || !axes || !steps) {
      const bool elsewhere = axes && !axes->empty() && std::none_of(axes->begin(), axes->end(), [&](std::int64_t axis) {
                               return normalize_axis(axis, rank(0)) == x.axis;
                             });
      return elsewhere ? x : lost(Kind::unknown, "has bounds that are not known");
    }
    std::vector<std::int64_t> sizes;
    for (const Dim& dim : *dims(0)) sizes.push_back(dim.is_number() ? dim.number() : 1);
    const SliceRange range = slice_ranges(Shape(sizes), *starts, *ends, *axes, *steps)[x.axis];
    const bool whole = range.start == 0 && range.step == 1 && range.count == sizes[x.axis];
    return whole ? x : mixed("takes a part of the batch, or turns it about");
  }
  Rows through(const Pad&) const {
    const auto pads = integers(1), axes = integers(3);
    if (!only({0}) || !pads || !axes) return lost(Kind::unknown, "has pads that are not known");
    const AxisPads own = pads_per_axis(rank(0), *pads, *axes)[rows(0).axis];
    return own.begin == 0 && own.end == 0 ? rows(0) : mixed("pads the batch");
  }
  Rows through(const Gather& op) const {
    const Rows &data = rows(0), &indices = rows(1);
    if (dims(1) == nullptr) return lost(Kind::unknown, "has indices that are not known");
    const std::size_t axis = normalize_axis(op.axis, rank(0));
    if (data.is_nowhere()) return moved(indices, axis + indices.axis);
    if (!indices.is_nowhere()) return lost(Kind::unknown, "has indices that are computed from the images");
    if (axis != data.axis) return moved(data, data.axis < axis ? data.axis : data.axis + rank(1) - 1);
    const auto known = integers(1);
    const std::int64_t size = times(times(data.before, batch_), data.after);
    bool whole = known && rank(1) == 1 && static_cast<std::int64_t>(known->size()) == size;
    for (std::int64_t i = 0; whole && i < size; ++i) {
      const std::int64_t index = (*known)[static_cast<std::size_t>(i)];
      whole = index == i || index == i - size;
    }
    return whole ? data : mixed("takes some images of the batch, or in another order");
  }
};

// With `side` for each size of the inputs that is open besides the batch; 0: they stay open.
std::optional<BatchMixing> follow(const Graph& graph, std::span<const ValueId> outputs, std::int64_t side) {
  const Dim batch = graph.fact(graph.inputs()[0]).dims->front();
  std::vector<Fact> facts;
  for (const ValueId input : graph.inputs()) {
    Fact fact = graph.fact(input);
    for (std::size_t i = 0; fact.dims && i < fact.dims->size(); ++i) {
      Dim& dim = (*fact.dims)[i];
      if (dim.is_number()) continue;
      if (dim == batch) {
        dim = many_images;
      } else if (side > 0) {
        dim = side;
      }
    }
    facts.push_back(std::move(fact));
  }
  const Graph filled = with_input_facts(graph, facts);
  return Follower(filled, many_images).follow(outputs);
}

}  // namespace

std::optional<BatchMixing> find_batch_mixing(const Graph& graph, std::span<const ValueId> outputs) {
  if (graph.inputs().empty()) return std::nullopt;
  const auto& dims = graph.fact(graph.inputs()[0]).dims;
  if (!dims || dims->empty()) return std::nullopt;
  if (dims->front().is_number()) {
    const std::int64_t batch = dims->front().number();
    return batch > 1 ? Follower(graph, batch).follow(outputs) : std::nullopt;
  }
  // A size that is open may hide what a Reshape does; one that is given may not fit.
  std::optional<BatchMixing> found;
  bool any = false;
  for (const std::int64_t side : {0, 224, 32}) {
    try {
      found = follow(graph, outputs, side);
      any = true;
    } catch (const Error&) {
      continue;  // the graph allows no such batch or size
    }
    if (!found || found->kind != Kind::unknown) break;
  }
  return any ? found : why_one_alone(graph);
}

}  // namespace resnet::analysis

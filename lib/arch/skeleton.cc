#include "lib/arch/skeleton.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "lib/arch/part_order.h"
#include "lib/arch/ranges.h"
#include "lib/arch/resolved_window.h"
#include "lib/arch/saturation.h"
#include "lib/base/error.h"
#include "lib/base/overloaded.h"

namespace resnet::arch {

namespace {

using Kind = Part::Kind;
using Numbers = std::vector<std::int64_t>;

constexpr int nothing = -1;  // a parameter, not computed from the image

std::int64_t number_or_zero(const Fact& fact, std::size_t axis) {
  if (!fact.dims || axis >= fact.rank() || !(*fact.dims)[axis].is_number()) return 0;
  return (*fact.dims)[axis].number();
}

class Reducer {
 public:
  explicit Reducer(const Graph& graph)
      : graph_(graph),
        consumers_(graph.consumers()),
        outputs_(graph.outputs().begin(), graph.outputs().end()),
        ranges_(graph),
        part_of_(graph.nodes().size(), nothing) {}

  std::vector<Part> run() {
    if (graph_.inputs().empty() || graph_.outputs().empty())
      throw Error(Fault::unsupported, "the graph has no input or no output");
    for (std::size_t id = 0; id < graph_.nodes().size(); ++id) {
      const auto node = static_cast<NodeId>(id);
      if (node == graph_.inputs()[0].node) {
        part_of_[id] = add({.kind = Kind::input, .what = "input", .node = node});
      } else if (depends_on_the_image(node)) {
        part_of_[id] = clipped(node, reduce(node));
      }
    }
    const int last = part(graph_.outputs()[0]);
    if (last == nothing) throw Error(Fault::unsupported, "the first output does not depend on the first input");
    return in_order(std::move(parts_), last);
  }

 private:
  int part(ValueId value) const {
    return value.is_none() || ranges_.contains(value) ? nothing : part_of_[static_cast<std::size_t>(value.node)];
  }

  bool depends_on_the_image(NodeId id) const {
    const Node& node = graph_.node(id);
    if (holds_alternative<ShapeOf>(node.op)) return false;  // sizes are not an image
    return std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) { return part(input) != nothing; });
  }

  int add(Part part) {
    parts_.push_back(std::move(part));
    return static_cast<int>(parts_.size()) - 1;
  }
  Part& at(int index) { return parts_[static_cast<std::size_t>(index)]; }

  // The parts of those inputs that depend on the image.
  std::vector<int> data_of(const Node& node) const {
    std::vector<int> data;
    for (ValueId input : node.inputs) {
      if (const int index = part(input); index != nothing) data.push_back(index);
    }
    return data;
  }

  // Whether nobody else reads what `id` makes, so that what follows it may be put into it.
  bool is_read_once(ValueId id) const {
    return !outputs_.contains(id) && consumers_[static_cast<std::size_t>(id.node)].size() == 1;
  }

  int reduce(NodeId id) {
    const Node& node = graph_.node(id);
    const std::vector<int> data = data_of(node);
    const auto simple = [&](Kind kind, std::string what) {
      return add({.kind = kind, .what = std::move(what), .node = id, .inputs = data});
    };
    const auto same = [&] { return data.front(); };
    const auto other = [&] { return simple(Kind::other, type_of(node.op)); };
    return visit(
        Overloaded{
            [&](const Conv& conv) { return convolution(id, conv, 1, 2); },
            [&](const ConvInteger& op) { return convolution(id, op.conv, 1, none); },
            [&](const QLinearConv& op) { return convolution(id, op.conv, 3, 8); },
            [&](const MaxPool& pool) { return window(id, Kind::max_pool, "max pool", attributes_of(pool)); },
            [&](const AveragePool& pool) { return window(id, Kind::average_pool, "average pool", attributes_of(pool)); },
            [&](const QLinearAveragePool& op) { return window(id, Kind::average_pool, "average pool", attributes_of(op.pool)); },
            [&](const GlobalAveragePool&) { return simple(Kind::global_pool, "global average pool"); },
            [&](const ReduceMean&) {
              const Fact& x = graph_.fact(node.inputs[0]);
              return !x.has_rank() || x.rank() == 4 ? simple(Kind::global_pool, "global average pool") : other();
            },
            [&](const QLinearGlobalAveragePool&) { return simple(Kind::global_pool, "global average pool"); },
            [&](const Gemm& gemm) { return classifier(id, gemm.transB ? 1 : 0, 1, 2); },
            [&](const QGemm& gemm) { return classifier(id, gemm.transB ? 1 : 0, 3, 6); },
            [&](const MatMul&) { return classifier(id, 0, 1, none); },
            [&](const MatMulInteger&) { return classifier(id, 0, 1, none); },
            [&](const QLinearMatMul&) { return classifier(id, 0, 3, none); },
            [&](const BatchNormalization&) { return scale(id, Kind::batch_norm, "batch normalization"); },
            [&](const Add&) { return sum(id, data); },
            [&](const Sum&) { return sum(id, data); },
            [&](const QLinearAdd&) { return sum(id, data); },
            [&](const Sub&) { return data.size() == 1 ? scale(id, Kind::other, "Sub") : other(); },
            [&](const Div&) { return data.size() == 1 ? scale(id, Kind::other, "Div") : other(); },
            [&](const Mul&) { return data.size() == 1 ? scale(id, Kind::other, "Mul") : simple(Kind::product, "product"); },
            [&](const Slice&) { return slice(id); },
            [&](const Pad& pad) { return padding(id, pad); },
            [&](const Concat&) { return concatenation(id, data); },
            [&](const Softmax&) { return simple(Kind::softmax, "Softmax"); },
            [&](const LogSoftmax&) { return simple(Kind::softmax, "LogSoftmax"); },
            [&](const auto&) {
              if (only_changes_form(node.op)) return same();
              const bool maps = effect_of(node.op) == Effect::elementwise && data.size() == 1;
              if (maps && holds_alternative<Relu>(node.op) && at(data[0]).what == "Relu") return same();
              return maps ? simple(Kind::activation, type_of(node.op)) : other();
            }},
        node.op);
  }

  // A Relu that the quantizer took in.
  int clipped(NodeId id, int index) {
    const Kind kind = at(index).kind;
    const bool computes = kind == Kind::convolution || kind == Kind::addition || kind == Kind::batch_norm;
    if (!computes || !clips_at_zero(graph_, graph_.node(id))) return index;
    return add({.kind = Kind::activation, .what = "Relu", .node = id, .inputs = {index}});
  }

  // Pads of a Pad node before a window that are nothing but the window's own: {top, left, bottom, right}, and where it is.
  int take_padding(int index, Numbers& pads) {
    const auto found = spatial_pads_.find(index);
    if (found == spatial_pads_.end()) return index;
    for (std::size_t i = 0; i < pads.size(); ++i) pads[i] += found->second[i];
    return at(index).inputs[0];
  }

  static constexpr std::size_t none = static_cast<std::size_t>(-1);  // no such input
  static bool has_input(const Node& node, std::size_t index) {
    return index < node.inputs.size() && !node.inputs[index].is_none();
  }

  int convolution(NodeId id, const Conv& conv, std::size_t weight_index, std::size_t bias_index) {
    const Node& node = graph_.node(id);
    const int from = part(node.inputs[0]);
    const Fact& weight = graph_.fact(node.inputs[weight_index]);
    if (from == nothing || part(node.inputs[weight_index]) != nothing || !weight.shape() || weight.rank() != 4) {
      return add({.kind = Kind::other, .what = type_of(node.op), .node = id, .inputs = data_of(node)});
    }
    const Shape shape = *weight.shape();
    Part made{.kind = Kind::convolution, .node = id, .inputs = {from}};
    made.groups = conv.group;
    made.in_channels = shape[1] * conv.group;
    made.out_channels = shape[0];
    made.biased = has_input(node, bias_index);
    const Fact& x = graph_.fact(node.inputs[0]);
    ResolvedWindow window = resolved({conv.auto_pad, {shape[2], shape[3]}, conv.strides, conv.dilations, conv.pads, false}, x);
    // Of a map of one position: a matrix product.
    if (number_or_zero(x, 2) == 1 && number_or_zero(x, 3) == 1 && shape[2] == 1 && shape[3] == 1 && conv.group == 1) {
      made.kind = Kind::classifier;
      made.what = product_text(made);
      return add(std::move(made));
    }
    if (made.groups > 1 && made.groups == made.in_channels && shape[1] == 1 && window.kernel == Numbers{3, 3} &&
        window.strides == Numbers{2, 2} && reflected_.contains(from)) {
      return blur(id, from);
    }
    made.inputs = {take_padding(from, window.pads)};
    made.kernel = window.kernel;
    made.strides = window.strides;
    made.what = fmt::format("convolution {}, {} to {} channels, stride {}, pads {}", square(window.kernel), made.in_channels,
                            made.out_channels, short_form(window.strides), short_form(window.pads));
    if (made.groups != 1) made.what += fmt::format(", {} groups", made.groups);
    if (window.dilations != Numbers{1, 1}) made.what += fmt::format(", dilation {}", short_form(window.dilations));
    return add(std::move(made));
  }

  template <typename Pool>
  static WindowAttributes attributes_of(const Pool& pool) {
    return {pool.auto_pad, pool.kernel_shape, pool.strides, pool.dilations, pool.pads, pool.ceil_mode};
  }

  int window(NodeId id, Kind kind, const std::string& name, const WindowAttributes& attributes) {
    const Node& node = graph_.node(id);
    const Fact& x = graph_.fact(node.inputs[0]);
    const int from = part(node.inputs[0]);
    ResolvedWindow window = resolved(attributes, x);
    const bool unpadded = std::all_of(window.pads.begin(), window.pads.end(), [](std::int64_t n) { return n == 0; });
    const bool one = std::all_of(window.kernel.begin(), window.kernel.end(), [](std::int64_t n) { return n == 1; });
    if (one && unpadded) return subsample(id, from, window.strides);
    bool whole = kind == Kind::average_pool && unpadded && x.dims && x.rank() == 4;
    for (std::size_t i = 0; whole && i < 2; ++i) whole = (*x.dims)[i + 2].is(window.kernel[i]);
    if (whole) return add({.kind = Kind::global_pool, .what = "global average pool", .node = id, .inputs = {from}});
    const auto is_pair = [&](const Numbers& kernel, const Numbers& strides, std::int64_t stride) {
      return kind == Kind::average_pool && unpadded && kernel == Numbers{2, 2} && strides == Numbers{stride, stride};
    };
    if (is_pair(window.kernel, window.strides, 2) && at(from).kind == Kind::average_pool &&
        is_pair(at(from).kernel, at(from).strides, 1) && reflected_.contains(at(from).inputs[0])) {
      return blur(id, at(from).inputs[0]);
    }
    Part made{.kind = kind, .node = id, .inputs = {take_padding(from, window.pads)}};
    made.kernel = window.kernel;
    made.strides = window.strides;
    // Rounding up sees as much as pads at the end: told as the pads that give the same size.
    if (attributes.ceil_mode && x.dims && x.rank() == 4) {
      const Fact& y = graph_.fact({id, 0});
      for (std::size_t i = 0; i < 2; ++i) {
        const std::int64_t in = number_or_zero(x, i + 2), out = number_or_zero(y, i + 2);
        if (in == 0 || out == 0) continue;
        const std::int64_t needed = (out - 1) * window.strides[i] + window.kernel[i] - in - window.pads[i];
        window.pads[i + 2] = std::max(window.pads[i + 2], needed);
      }
    }
    made.what = fmt::format("{} {}, stride {}, pads {}", name, square(window.kernel), short_form(window.strides),
                            short_form(window.pads));
    return add(std::move(made));
  }

  // Of the map before a reflecting Pad: a depthwise convolution, as PyTorch has it, or two averages of neighbours.
  int blur(NodeId id, int pad) {
    return add({.kind = Kind::blur,
                .what = "blur 3x3, stride 2",
                .node = id,
                .inputs = at(pad).inputs,
                .kernel = {3, 3},
                .strides = {2, 2}});
  }

  static std::string product_text(const Part& part) {
    return fmt::format("fully connected, {} to {}", part.in_channels, part.out_channels);
  }

  int classifier(NodeId id, std::size_t input_axis, std::size_t weight_index, std::size_t bias_index) {
    const Node& node = graph_.node(id);
    const Fact& weight = graph_.fact(node.inputs[weight_index]);
    const int from = part(node.inputs[0]);
    if (from == nothing || part(node.inputs[weight_index]) != nothing || !weight.shape() || weight.rank() != 2) {
      return add({.kind = Kind::other, .what = type_of(node.op), .node = id, .inputs = data_of(node)});
    }
    Part made{.kind = Kind::classifier, .node = id, .inputs = {from}};
    made.in_channels = (*weight.shape())[input_axis];
    made.out_channels = (*weight.shape())[1 - input_axis];
    made.biased = has_input(node, bias_index);
    made.what = product_text(made);
    return add(std::move(made));
  }

  // A value per channel, or one: part of the convolution or the norm before it, or of how the image is prepared.
  int scale(NodeId id, Kind kind, const std::string& name) {
    const Node& node = graph_.node(id);
    ValueId from;
    for (ValueId input : node.inputs) {
      if (part(input) != nothing) {
        from = input;
        break;
      }
    }
    const int index = part(from);
    const Kind before = at(index).kind;
    if (before == Kind::input && name == "Sub" && from == node.inputs[0]) return index;  // a mean picture: preparation
    const bool linear = before == Kind::convolution || before == Kind::classifier || before == Kind::batch_norm;
    if (linear && is_read_once(from)) {
      if (!ranges_.reaches(node) && (kind == Kind::batch_norm || name == "Mul")) at(index).normalized = true;
      if (name == "Add") at(index).biased = true;
      return index;
    }
    if (before == Kind::input) return index;
    return add({.kind = kind, .what = name, .node = id, .inputs = {index}});
  }

  int sum(NodeId id, const std::vector<int>& data) {
    if (data.size() == 1) return scale(id, Kind::other, "Add");
    return add({.kind = Kind::addition, .what = "addition", .node = id, .inputs = data});
  }

  int subsample(NodeId id, int from, const Numbers& steps) {
    if (std::all_of(steps.begin(), steps.end(), [](std::int64_t n) { return n == 1; })) return from;
    Part made{.kind = Kind::subsample, .node = id, .inputs = {from}};
    made.strides = steps;
    // One axis after the other is both at once.
    if (at(from).kind == Kind::subsample && at(from).strides.size() == steps.size()) {
      made.inputs = at(from).inputs;
      for (std::size_t i = 0; i < steps.size(); ++i) made.strides[i] *= at(from).strides[i];
    }
    made.what = fmt::format("every position at stride {}", short_form(made.strides));
    return add(std::move(made));
  }

  int slice(NodeId id) {
    const Node& node = graph_.node(id);
    const auto list = [&](std::size_t i) -> std::optional<Numbers> {
      if (i >= node.inputs.size() || node.inputs[i].is_none()) return Numbers{};
      return known_integers(graph_.fact(node.inputs[i]));
    };
    const auto starts = list(1), axes = list(3), steps = list(4);
    const Fact& x = graph_.fact(node.inputs[0]);
    const int from = part(node.inputs[0]);
    if (from == nothing || !starts || !axes || !steps || !x.has_rank() || x.rank() != 4) {
      return add({.kind = Kind::other, .what = "Slice", .node = id, .inputs = data_of(node)});
    }
    Numbers strides(4, 1);
    bool whole = true;
    for (std::size_t i = 0; i < starts->size(); ++i) {
      const std::size_t axis = normalize_axis(axes->empty() ? static_cast<std::int64_t>(i) : (*axes)[i], 4);
      const std::int64_t step = steps->empty() ? 1 : (*steps)[i];
      strides[axis] = step;
      // All of the axis, in steps.
      const Dim &before = (*x.dims)[axis], &after = (*graph_.fact({id, 0}).dims)[axis];
      whole = whole && (*starts)[i] == 0 && step > 0 && after == floor_divide(before + (step - 1), step);
    }
    // The map's axes, whichever the layout.
    const Numbers spatial = strides[1] == 1 ? Numbers{strides[2], strides[3]} : Numbers{strides[1], strides[2]};
    if (!whole || (strides[1] != 1 && strides[3] != 1))
      return add({.kind = Kind::other, .what = "Slice", .node = id, .inputs = {from}});
    return subsample(id, from, spatial);
  }

  int channel_padding(NodeId id, int from, std::int64_t begin, std::int64_t end) {
    Part made{.kind = Kind::channel_padding, .node = id, .inputs = {from}};
    made.in_channels = begin;
    made.out_channels = end;
    made.what = fmt::format("{} zero channels before and {} after", begin, end);
    return add(std::move(made));
  }

  int padding(NodeId id, const Pad& pad) {
    const Node& node = graph_.node(id);
    const int from = part(node.inputs[0]);
    const Fact& x = graph_.fact(node.inputs[0]);
    const auto pads = node.inputs.size() > 1 ? known_integers(graph_.fact(node.inputs[1])) : std::nullopt;
    const bool has_axes = node.inputs.size() > 3 && !node.inputs[3].is_none();
    const auto axes = has_axes ? known_integers(graph_.fact(node.inputs[3])) : Numbers{};
    Part other{.kind = Kind::other, .what = "Pad", .node = id, .inputs = data_of(node)};
    if (from == nothing || !pads || !axes || !x.has_rank() || x.rank() != 4) return add(other);
    const std::vector<AxisPads> per_axis = pads_per_axis(4, *pads, *axes);
    const auto is_zero = [&](std::size_t axis) { return per_axis[axis].begin == 0 && per_axis[axis].end == 0; };
    if (pad.mode != Pad::Mode::constant) {
      const auto is_one = [&](std::size_t axis) { return per_axis[axis].begin == 1 && per_axis[axis].end == 1; };
      const int index = add(other);
      if (pad.mode == Pad::Mode::reflect && is_zero(0) && is_zero(1) && is_one(2) && is_one(3)) reflected_.insert(index);
      return index;
    }
    if (is_zero(0) && is_zero(1) && is_zero(2) && is_zero(3)) return from;
    if (is_zero(0) && is_zero(2) && is_zero(3)) return channel_padding(id, from, per_axis[1].begin, per_axis[1].end);
    if (is_zero(0) && is_zero(1) && is_zero(2)) return channel_padding(id, from, per_axis[3].begin, per_axis[3].end);
    if (!is_zero(0)) return add(other);
    // Axes 2 and 3, or 1 and 2 where the channels are last; a window after it takes them in.
    const std::size_t first = is_zero(1) ? 2 : 1;
    if (first == 1 && !is_zero(3)) return add(other);
    other.what = "Pad";
    other.inputs = {from};
    const int index = add(std::move(other));
    spatial_pads_[index] = {per_axis[first].begin, per_axis[first + 1].begin, per_axis[first].end, per_axis[first + 1].end};
    return index;
  }

  // Of one computed value and constants before or after: zero channels, as option A is exported by some.
  int concatenation(NodeId id, const std::vector<int>& data) {
    const Node& node = graph_.node(id);
    if (data.size() != 1) return add({.kind = Kind::other, .what = "Concat", .node = id, .inputs = data});
    std::int64_t begin = 0, end = 0;
    bool after = false;
    for (ValueId input : node.inputs) {
      if (part(input) != nothing) {
        after = true;
      } else {
        (after ? end : begin) += number_or_zero(graph_.fact(input), 1);
      }
    }
    return channel_padding(id, data[0], begin, end);
  }

  const Graph& graph_;
  std::vector<std::vector<NodeId>> consumers_;
  std::set<ValueId> outputs_;
  Ranges ranges_;
  std::vector<int> part_of_;  // by node
  std::vector<Part> parts_;
  std::map<int, Numbers> spatial_pads_;  // by part
  std::set<int> reflected_;              // parts: a map's border of one, reflected
};

}  // namespace

std::vector<Part> skeleton_of(const Graph& graph) { return Reducer(graph).run(); }

}  // namespace resnet::arch

#include "lib/analysis/quantization.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "lib/graph/byte_operands.h"

namespace resnet::analysis {

namespace {

bool is_product(const Op& op) {
  return holds_alternative<Conv>(op) || holds_alternative<ConvInteger>(op) || holds_alternative<QLinearConv>(op) ||
         holds_alternative<ConvTranspose>(op) || holds_alternative<Gemm>(op) || holds_alternative<QGemm>(op) ||
         holds_alternative<MatMul>(op) || holds_alternative<MatMulInteger>(op) || holds_alternative<QLinearMatMul>(op);
}

class Finder {
 public:
  explicit Finder(const Graph& graph) : graph_(graph), consumers_(graph.consumers()) {}

  std::vector<QuantizedLayer> run() const {
    std::vector<QuantizedLayer> layers;
    for (std::size_t id = 0; id < graph_.nodes().size(); ++id) {
      if (auto layer = layer_of(static_cast<NodeId>(id))) layers.push_back(std::move(*layer));
    }
    return layers;
  }

 private:
  ValueId operand(const Node& node, std::size_t index) const {
    return index < node.inputs.size() ? node.inputs[index] : ValueId::none();
  }
  bool is_constant(ValueId value) const { return !value.is_none() && graph_.fact(value).value.has_value(); }

  QuantizedTensor tensor(DType dtype, ValueId scale, ValueId zero_point) const {
    QuantizedTensor result{.dtype = dtype};
    if (is_constant(scale) && graph_.fact(scale).value->elements() > 0) {
      const auto scales = graph_.fact(scale).value->values_as<double>();
      const auto [least, largest] = std::minmax_element(scales.begin(), scales.end());
      result.scales = static_cast<std::int64_t>(scales.size());
      result.least_scale = *least;
      result.largest_scale = *largest;
    }
    if (is_constant(zero_point) && graph_.fact(zero_point).value->elements() > 0) {
      const auto points = graph_.fact(zero_point).value->values_as<std::int64_t>();
      const auto [least, largest] = std::minmax_element(points.begin(), points.end());
      result.least_zero_point = *least;
      result.largest_zero_point = *largest;
    }
    result.zero_point_known = zero_point.is_none() || is_constant(zero_point);
    return result;
  }
  DType dtype(ValueId value) const { return graph_.fact(value).dtype.value_or(DType::uint8); }

  // What a DequantizeLinear gives, whose form may be changed since.
  std::optional<QuantizedTensor> dequantized(ValueId value) const {
    while (!value.is_none()) {
      const Node& node = graph_.node(value.node);
      if (holds_alternative<DequantizeLinear>(node.op)) return tensor(dtype(node.inputs[0]), node.inputs[1], operand(node, 2));
      const Effect effect = effect_of(node.op);
      if (effect != Effect::reshapes && effect != Effect::permutes) break;
      value = operand(node, 0);
    }
    return std::nullopt;
  }

  // What a QuantizeLinear makes of it, be there an activation between.
  std::optional<QuantizedTensor> quantized(NodeId id) const {
    for (;;) {
      const auto& readers = consumers_[static_cast<std::size_t>(id)];
      if (readers.size() != 1) return std::nullopt;
      id = readers.front();
      const Node& node = graph_.node(id);
      if (holds_alternative<QuantizeLinear>(node.op)) return tensor(dtype({id, 0}), node.inputs[1], operand(node, 2));
      if (!holds_alternative<Relu>(node.op) && !holds_alternative<Clip>(node.op)) return std::nullopt;
    }
  }

  NodeId only_reader(NodeId id) const {
    const auto& readers = consumers_[static_cast<std::size_t>(id)];
    return readers.size() == 1 ? readers.front() : -1;
  }

  // Of weights whose sums become floats by a product with x_scale * w_scale, of which the second is a constant.
  ValueId weight_scale_after(NodeId sum) const {
    NodeId id = only_reader(sum);
    if (id >= 0 && holds_alternative<Cast>(graph_.node(id).op)) id = only_reader(id);
    if (id < 0 || !holds_alternative<Mul>(graph_.node(id).op)) return ValueId::none();
    for (const ValueId factor : graph_.node(id).inputs) {
      const Node& scales = graph_.node(factor.node);
      if (!holds_alternative<Mul>(scales.op)) continue;
      for (const ValueId scale : scales.inputs) {
        if (is_constant(scale)) return scale;
      }
    }
    return ValueId::none();
  }

  std::optional<QuantizedLayer> layer_of(NodeId id) const {
    const Node& node = graph_.node(id);
    if (const ByteOperands at = byte_operands(node.op); at.x != ByteOperands::none) {
      QuantizedLayer layer{.node = id, .x = tensor(dtype(node.inputs[0]), operand(node, 1), operand(node, 2))};
      if (at.weight != ByteOperands::none) {
        layer.is_weight = is_constant(operand(node, at.weight));
        layer.weight = tensor(dtype(node.inputs[at.weight]), operand(node, at.weight + 1), operand(node, at.weight + 2));
      }
      if (!operand(node, at.y_scale).is_none())
        layer.y = tensor(dtype({id, 0}), operand(node, at.y_scale), operand(node, at.y_scale + 1));
      return layer;
    }
    if (holds_alternative<ConvInteger>(node.op) || holds_alternative<MatMulInteger>(node.op)) {
      return QuantizedLayer{.node = id,
                            .x = tensor(dtype(node.inputs[0]), ValueId::none(), operand(node, 2)),
                            .weight = tensor(dtype(node.inputs[1]), weight_scale_after(id), operand(node, 3)),
                            .is_weight = is_constant(node.inputs[1])};
    }
    const Effect effect = effect_of(node.op);
    if (node.inputs.empty() || effect == Effect::reshapes || effect == Effect::permutes || effect == Effect::keeps_values)
      return std::nullopt;
    const auto x = dequantized(node.inputs[0]);
    if (!x) return std::nullopt;
    QuantizedLayer layer{.node = id, .x = *x, .weight = dequantized(operand(node, 1)), .y = quantized(id)};
    layer.is_weight = layer.weight && is_product(node.op);
    return layer;
  }

  const Graph& graph_;
  const std::vector<std::vector<NodeId>> consumers_;
};

}  // namespace

std::vector<QuantizedLayer> quantized_layers(const Graph& graph) { return Finder(graph).run(); }

std::string quantization_text(const Graph& graph, const std::vector<QuantizedLayer>& layers) {
  if (layers.empty()) return "";
  const auto& nodes = graph.nodes();
  const auto all = std::count_if(nodes.begin(), nodes.end(), [](const Node& node) { return is_product(node.op); });
  std::set<std::string_view> activations, weights;
  std::int64_t count = 0;
  bool each_channel = false, as_it_runs = false;
  for (const QuantizedLayer& layer : layers) {
    activations.insert(name_of(layer.x.dtype));
    as_it_runs |= layer.x.scales == 0;
    if (!layer.is_weight || !is_product(graph.node(layer.node).op)) continue;
    ++count;
    weights.insert(name_of(layer.weight->dtype));
    each_channel |= layer.weight->scales > 1;
  }
  std::string text = fmt::format("{} of {} convolutions and products; activations {}{}", count, all, fmt::join(activations, ", "),
                                 as_it_runs ? ", their ranges found as it runs" : "");
  if (!weights.empty())
    text += fmt::format("; weights {}{}", fmt::join(weights, ", "), each_channel ? ", a scale for each channel" : "");
  return text;
}

}  // namespace resnet::analysis

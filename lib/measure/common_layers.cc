#include "lib/measure/common_layers.h"

#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "lib/graph/byte_operands.h"

namespace resnet {

namespace {

struct Parameters {
  ValueId scale = ValueId::none(), zero_point = ValueId::none();
};

struct LayerValue {
  std::string name;
  ValueId id;
  bool clips = false;  // at 0
};

// "relu" of "relu_quantized".
std::string_view without_suffix(std::string_view name) {
  for (const std::string_view suffix : {"_quantized", "_QuantizeLinear_Output"}) {
    if (name.ends_with(suffix)) return name.substr(0, name.size() - suffix.size());
  }
  return name;
}

class Layers {
 public:
  explicit Layers(const Graph& graph) : graph_(graph), consumers_(graph.consumers()) {
    for (std::size_t id = 0; id < graph.nodes().size(); ++id) look_at(static_cast<NodeId>(id));
    std::set<std::string> names;
    for (const LayerValue& value : bytes_) names.insert(value.name);
    // What a quantized value stands for in a network, and not what it was before.
    std::map<NodeId, LayerValue> ordered;
    for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
      if (const auto value = float_of(static_cast<NodeId>(id)); value && !names.contains(value->name))
        ordered.emplace(static_cast<NodeId>(id), *value);
    }
    for (const LayerValue& value : bytes_) ordered.emplace(value.id.node, value);
    for (auto& [id, value] : ordered) {
      by_name_.emplace(value.name, values_.size());
      values_.push_back(std::move(value));
    }
  }

  const std::vector<LayerValue>& values() const { return values_; }
  const LayerValue* find(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &values_[found->second];
  }
  // What a Relu makes of it; the value itself where there is none.
  const LayerValue& after_relu(const LayerValue& value) const {
    for (const NodeId reader : consumers_[static_cast<std::size_t>(value.id.node)]) {
      const Node& node = graph_.node(reader);
      if (!holds_alternative<Relu>(node.op)) continue;
      if (const LayerValue* after = find(node.outputs[0].name)) return *after;
    }
    return value;
  }

  // The graph with these values as outputs, bytes dequantized.
  Graph with_outputs(const std::vector<LayerValue>& values) const {
    Graph result = graph_;
    std::vector<ValueId> outputs;
    for (const LayerValue& value : values) {
      const auto parameters = parameters_.find(value.id.node);
      if (parameters == parameters_.end()) {
        outputs.push_back(value.id);
        continue;
      }
      std::vector<ValueId> inputs = {value.id, parameters->second.scale};
      if (!parameters->second.zero_point.is_none()) inputs.push_back(parameters->second.zero_point);
      outputs.push_back(result.append(DequantizeLinear{}, std::move(inputs), value.name + "_real"));
    }
    result.set_outputs(std::move(outputs));
    return result;
  }

 private:
  bool is_constant(ValueId value) const { return !value.is_none() && graph_.fact(value).value.has_value(); }
  ValueId operand(const Node& node, std::size_t index) const {
    return index < node.inputs.size() ? node.inputs[index] : ValueId::none();
  }

  // Where the node says what its bytes mean, or keeps what its operand's mean.
  std::optional<Parameters> parameters_of(const Node& node) const {
    const auto from = [&](std::size_t index) { return Parameters{operand(node, index), operand(node, index + 1)}; };
    if (holds_alternative<QuantizeLinear>(node.op)) return from(1);
    if (const ByteOperands at = byte_operands(node.op); at.x != ByteOperands::none) return from(at.y_scale);
    const Effect effect = effect_of(node.op);
    if (!holds_alternative<MaxPool>(node.op) && effect != Effect::reshapes && effect != Effect::permutes) return std::nullopt;
    const auto found = node.inputs.empty() ? parameters_.end() : parameters_.find(node.inputs[0].node);
    return found == parameters_.end() ? std::nullopt : std::optional(found->second);
  }

  void look_at(NodeId id) {
    const Node& node = graph_.node(id);
    const std::optional<DType> dtype = node.outputs.empty() ? std::nullopt : node.outputs[0].fact.dtype;
    if (!is_byte(dtype) || holds_alternative<Constant>(node.op)) return;
    const auto parameters = parameters_of(node);
    if (!parameters || !is_constant(parameters->scale)) return;
    if (!parameters->zero_point.is_none() && !is_constant(parameters->zero_point)) return;
    // DequantizeLinear takes one scale; several would need its axis.
    if (graph_.fact(parameters->scale).value->elements() != 1) return;
    parameters_.emplace(id, *parameters);
    const std::int64_t zero =
        parameters->zero_point.is_none() ? 0 : graph_.fact(parameters->zero_point).value->values_as<std::int64_t>()[0];
    const bool clips = zero == (dtype == DType::int8 ? -128 : 0);
    bytes_.push_back({std::string(without_suffix(node.outputs[0].name)), {id, 0}, clips});
  }

  std::optional<LayerValue> float_of(NodeId id) const {
    const Node& node = graph_.node(id);
    if (holds_alternative<Input>(node.op) || holds_alternative<Constant>(node.op) || holds_alternative<DequantizeLinear>(node.op))
      return std::nullopt;
    const Value& value = node.outputs[0];
    if (value.name.empty() || !value.fact.dtype || !is_floating_point(*value.fact.dtype)) return std::nullopt;
    return LayerValue{value.name, {id, 0}};
  }

  const Graph& graph_;
  const std::vector<std::vector<NodeId>> consumers_;
  std::map<NodeId, Parameters> parameters_;  // of nodes whose first output is bytes
  std::vector<LayerValue> bytes_, values_;
  std::map<std::string, std::size_t> by_name_;
};

}  // namespace

CommonLayers common_layers(const Graph& a, const Graph& b) {
  const Layers of_a(a), of_b(b);
  CommonLayers common;
  std::vector<LayerValue> values_of_a, values_of_b;
  std::set<std::string> taken;
  for (const LayerValue& candidate : of_a.values()) {
    const LayerValue* partner = of_b.find(candidate.name);
    if (partner == nullptr) continue;
    const LayerValue& x = partner->clips && !candidate.clips ? of_a.after_relu(candidate) : candidate;
    const LayerValue& y = candidate.clips && !partner->clips ? of_b.after_relu(*partner) : *partner;
    const std::string& name = candidate.clips ? y.name : x.name;
    if (!taken.insert(name).second) continue;
    common.names.push_back(name);
    values_of_a.push_back(x);
    values_of_b.push_back(y);
  }
  common.a = of_a.with_outputs(values_of_a);
  common.b = of_b.with_outputs(values_of_b);
  return common;
}

}  // namespace resnet

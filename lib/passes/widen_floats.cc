// before: inputs, constants and Casts of float16 or bfloat16, and all that is computed from them
// after:  the same in float32; inputs and outputs too, or with a Cast at each of them
// Conditions: no operator that is not known here takes or gives such a value.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "lib/base/error.h"
#include "lib/graph/stated.h"
#include "lib/passes/passes.h"
#include "lib/passes/rewrite.h"

namespace resnet {

namespace {

bool is_narrow(const std::optional<DType>& dtype) { return dtype == DType::float16 || dtype == DType::bfloat16; }

Tensor widened(const Tensor& tensor) {
  const std::vector<float> values = tensor.values_as<float>();
  return Tensor::from(tensor.shape(), std::span<const float>(values));
}

// What keeps an element type in its attributes.
Op widened(const Op& op) {
  if (const auto* cast = get_if<Cast>(&op); cast != nullptr && is_narrow(cast->to)) {
    Cast wide = *cast;
    wide.to = DType::float32;
    return wide;
  }
  if (const auto* fill = get_if<ConstantOfShape>(&op); fill != nullptr && is_narrow(fill->value.dtype())) {
    ConstantOfShape wide = *fill;
    wide.value = widened(fill->value);
    return wide;
  }
  return op;
}

bool widens(const Value& value) { return is_narrow(value.fact.dtype); }

// Of the graph.
enum class Borders : std::uint8_t { widened, kept };

class Widening {
 public:
  Widening(const Graph& graph, PassLog& log, Borders borders) : graph_(graph), log_(log), borders_(borders) {}

  Graph run() {
    result_.name = graph_.name;
    result_.doc_string = graph_.doc_string;
    for (std::size_t id = 0; id < graph_.nodes().size(); ++id) add(static_cast<NodeId>(id));
    std::vector<ValueId> outputs;
    for (ValueId output : graph_.outputs()) outputs.push_back(given_[output]);
    result_.set_outputs(std::move(outputs));
    return std::move(result_);
  }

 private:
  bool keeps_borders() const { return borders_ == Borders::kept; }

  void add(NodeId id) {
    const Node& node = graph_.node(id);
    ValueId copy;
    if (holds_alternative<Input>(node.op)) {
      copy = input(node);
    } else if (const auto* constant = get_if<Constant>(&node.op)) {
      const bool narrow = widens(node.outputs[0]) && !is_kept_output({id, 0});
      copy = result_.add_constant(node.outputs[0].name, narrow ? widened(constant->value) : constant->value);
      result_.node(copy.node).name = node.name;
    } else {
      copy = operation(id);
    }
    result_.node(copy.node).doc_string = node.doc_string;
    result_.node(copy.node).metadata = node.metadata;
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      const auto slot = static_cast<std::int32_t>(i);
      stand_for({id, slot}, {copy.node, slot});
    }
  }

  ValueId input(const Node& node) {
    Fact fact = node.outputs[0].fact;
    if (widens(node.outputs[0])) log_.done.push_back(fmt::format("widen_floats: input '{}' as float32", node.name));
    if (widens(node.outputs[0]) && !keeps_borders()) fact.dtype = DType::float32;
    return result_.add_input(node.name, std::move(fact));
  }

  ValueId operation(NodeId id) {
    const Node& node = graph_.node(id);
    const bool narrow = std::any_of(node.outputs.begin(), node.outputs.end(), widens);
    const bool reads = std::any_of(node.inputs.begin(), node.inputs.end(),
                                   [&](ValueId input) { return !input.is_none() && is_narrow(graph_.fact(input).dtype); });
    if (holds_alternative<Opaque>(node.op) && (narrow || reads)) {
      throw Error(Fault::unsupported, Frame::node(describe(node)),
                  "takes or gives 16-bit floats, and is not known here: whether it could have float32 is not, either");
    }
    std::vector<std::string> names;
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      const bool handed_on = is_kept_output({id, static_cast<std::int32_t>(i)});
      names.push_back(handed_on ? "" : node.outputs[i].name);
    }
    std::vector<ValueId> inputs;
    for (ValueId input : node.inputs) inputs.push_back(input.is_none() ? input : read_[input]);
    const ValueId copy = result_.append(widened(node.op), std::move(inputs), node.name, std::move(names));
    copy_stated(node, result_.node(copy.node));
    return copy;
  }

  // Whether the graph gives it out in 16 bits, as before.
  bool is_kept_output(ValueId value) const {
    return keeps_borders() && is_narrow(graph_.fact(value).dtype) && is_output(graph_, value);
  }

  // `copy` has what `value` had: in float32, or in 16 bits where it is at the border. What is read of that is what is given out.
  void stand_for(ValueId value, ValueId copy) {
    if (is_kept_output(value) && !is_narrow(result_.fact(copy).dtype))
      copy = result_.append(Cast{*graph_.fact(value).dtype}, {copy}, "", {graph_.value(value).name});
    given_[value] = copy;
    const bool narrow = is_narrow(result_.fact(copy).dtype);
    read_[value] = narrow ? result_.append(Cast{DType::float32}, {copy}, "") : copy;
  }

  const Graph& graph_;
  PassLog& log_;
  Borders borders_;
  Graph result_;
  std::map<ValueId, ValueId> given_, read_;  // by what they stand for
};

bool computes_in_16_bits(const Graph& graph) {
  return std::any_of(graph.nodes().begin(), graph.nodes().end(), [](const Node& node) {
    return !holds_alternative<Constant>(node.op) && std::any_of(node.outputs.begin(), node.outputs.end(), widens);
  });
}

}  // namespace

Graph widen_floats(const Graph& graph, PassLog& log) { return Widening(graph, log, Borders::widened).run(); }

Graph compute_in_float32(const Graph& graph, PassLog& log) {
  return computes_in_16_bits(graph) ? Widening(graph, log, Borders::kept).run() : graph;
}

}  // namespace resnet

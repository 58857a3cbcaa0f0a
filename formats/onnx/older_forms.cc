#include "formats/onnx/older_forms.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "formats/onnx/node_import.h"
#include "lib/graph/stated.h"

namespace resnet::onnx {

namespace {

bool all_ones(const std::vector<std::int64_t>& list) {
  return !list.empty() && std::all_of(list.begin(), list.end(), [](std::int64_t n) { return n == 1; });
}

// Without what stands for the default. Nothing where the operator is as it should be.
std::optional<Op> older_op(const Graph& graph, const Node& node, std::int64_t opset) {
  const auto* reshape = std::get_if<Reshape>(&node.op);
  if (reshape != nullptr && reshape->allowzero && opset < 14) {
    const auto& elements = graph.fact(node.inputs[1]).elements;
    const bool has_zero = !elements || std::any_of(elements->begin(), elements->end(), [](const Dim& dim) { return dim.is(0); });
    if (!has_zero) return Reshape{.allowzero = false};
  }
  if (const auto* pool = std::get_if<MaxPool>(&node.op); pool != nullptr && opset < 10 && all_ones(pool->dilations)) {
    MaxPool older = *pool;
    older.dilations.clear();
    return older;
  }
  if (const auto* pool = std::get_if<AveragePool>(&node.op); pool != nullptr && opset < 19 && all_ones(pool->dilations)) {
    AveragePool older = *pool;
    older.dilations.clear();
    return older;
  }
  const auto* mean = std::get_if<ReduceMean>(&node.op);
  if (mean != nullptr && mean->noop_with_empty_axes && opset < 18 && node.inputs.size() > 1 && !node.inputs[1].is_none()) {
    const auto axes = known_integers(graph.fact(node.inputs[1]));
    if (axes && !axes->empty()) return ReduceMean{.keepdims = mean->keepdims};
  }
  return std::nullopt;
}

bool is_part_of_shape(const Node& node, std::int64_t opset) {
  const auto* shape = std::get_if<ShapeOf>(&node.op);
  return shape != nullptr && opset < 15 && (shape->start != 0 || shape->end);
}

class Replay {
 public:
  Replay(const Graph& graph, std::int64_t opset) : graph_(graph), opset_(opset) {
    for (const Node& node : graph.nodes()) {
      for (const Value& value : node.outputs) names_.take(value.name);
    }
  }

  Graph run() {
    result_.name = graph_.name;
    result_.doc_string = graph_.doc_string;
    for (const Node& node : graph_.nodes()) nodes_.push_back(add(node));
    std::vector<ValueId> outputs;
    for (const ValueId output : graph_.outputs()) outputs.push_back(map(output));
    result_.set_outputs(std::move(outputs));
    return std::move(result_);
  }

 private:
  ValueId map(ValueId old) const { return old.is_none() ? old : ValueId{nodes_[static_cast<std::size_t>(old.node)], old.slot}; }

  NodeId add(const Node& node) {
    ValueId made;
    if (std::holds_alternative<Input>(node.op)) {
      made = result_.add_input(node.name, node.outputs[0].fact);
    } else if (const auto* constant = std::get_if<Constant>(&node.op)) {
      made = result_.add_constant(node.outputs[0].name, constant->value);
    } else {
      std::vector<ValueId> inputs;
      for (const ValueId input : node.inputs) inputs.push_back(map(input));
      std::vector<std::string> names;
      for (const Value& value : node.outputs) names.push_back(value.name);
      auto older = older_op(graph_, node, opset_);
      made = is_part_of_shape(node, opset_)
                 ? add_sliced_shape(node, inputs, std::move(names))
                 : result_.append(older ? std::move(*older) : node.op, std::move(inputs), node.name, std::move(names));
    }
    Node& copy = result_.node(made.node);
    copy.name = node.name;
    copy.doc_string = node.doc_string;
    copy.metadata = node.metadata;
    copy_stated(node, copy);
    return made.node;
  }

  // Slice counts from the end and stops at it as Shape's start and end do.
  ValueId add_sliced_shape(const Node& node, const std::vector<ValueId>& inputs, std::vector<std::string> names) {
    const auto& shape = std::get<ShapeOf>(node.op);
    const std::string base = node.outputs[0].name;
    const ValueId whole =
        result_.append(ShapeOf{}, inputs, node.name.empty() ? "" : node.name + "_whole", {names_.fresh(base + "_whole")});
    const auto constant = [&](const char* suffix, std::int64_t number) {
      return result_.add_constant(names_.fresh(base + suffix), Tensor::from<std::int64_t>(Shape{1}, {number}));
    };
    const ValueId start = constant("_start", shape.start);
    const ValueId end = constant("_end", shape.end.value_or(std::numeric_limits<std::int64_t>::max()));
    const ValueId axes = constant("_axes", 0);
    return result_.append(Slice{}, {whole, start, end, axes}, node.name, std::move(names));
  }

  const Graph& graph_;
  const std::int64_t opset_;
  Graph result_;
  std::vector<NodeId> nodes_;  // of the new graph, by old node
  Names names_;
};

}  // namespace

std::optional<Graph> older_forms(const Graph& graph, std::int64_t opset) {
  const bool any = std::any_of(graph.nodes().begin(), graph.nodes().end(),
                               [&](const Node& node) { return is_part_of_shape(node, opset) || older_op(graph, node, opset); });
  if (!any) return std::nullopt;
  return Replay(graph, opset).run();
}

}  // namespace resnet::onnx

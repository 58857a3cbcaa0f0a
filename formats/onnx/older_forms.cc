#include "formats/onnx/older_forms.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "formats/onnx/older_operators.h"
#include "lib/graph/stated.h"

namespace resnet::onnx {

namespace {

class Replay {
 public:
  Replay(const Graph& graph, std::int64_t opset, OlderForms forms) : graph_(graph), opset_(opset), forms_(forms) {
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
    if (holds_alternative<Input>(node.op)) {
      made = result_.add_input(node.name, node.outputs[0].fact);
    } else if (const auto* constant = get_if<Constant>(&node.op)) {
      made = result_.add_constant(node.outputs[0].name, constant->value);
    } else {
      std::vector<ValueId> inputs;
      for (const ValueId input : node.inputs) inputs.push_back(map(input));
      Replacement replacement(graph_, node, opset_, result_, names_, std::move(inputs));
      const Replace replace = replacement_of(graph_, node, opset_, forms_);
      made = replace != nullptr ? replace(replacement) : replacement.finish(node.op, replacement.inputs());
    }
    Node& copy = result_.node(made.node);
    copy.name = node.name;
    copy.doc_string = node.doc_string;
    copy.metadata = node.metadata;
    copy_stated(node, copy);
    return made.node;
  }

  const Graph& graph_;
  const std::int64_t opset_;
  const OlderForms forms_;
  Graph result_;
  std::vector<NodeId> nodes_;  // of the new graph, by old node
  Names names_;
};

}  // namespace

std::optional<Graph> older_forms(const Graph& graph, std::int64_t opset, OlderForms forms) {
  const bool any = std::any_of(graph.nodes().begin(), graph.nodes().end(),
                               [&](const Node& node) { return replacement_of(graph, node, opset, forms) != nullptr; });
  if (!any) return std::nullopt;
  return Replay(graph, opset, forms).run();
}

}  // namespace resnet::onnx

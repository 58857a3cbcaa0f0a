// before: constants of floating-point type with more than one element
// after:  inputs of the graph by the same names, after its own: the structure only

#include <fmt/format.h>

#include "lib/graph/stated.h"
#include "lib/passes/passes.h"

namespace resnet {

Graph strip_weights(const Graph& graph, PassLog& log) {
  Graph result;
  result.name = graph.name;
  result.doc_string = graph.doc_string;
  std::vector<ValueId> made(graph.nodes().size());
  const auto is_weight = [](const Node& node) {
    const auto* constant = get_if<Constant>(&node.op);
    return constant != nullptr && is_floating_point(constant->value.dtype()) && constant->value.elements() > 1;
  };
  // The graph's own inputs stay the first.
  for (const ValueId input : graph.inputs()) {
    made[static_cast<std::size_t>(input.node)] = result.add_input(graph.node(input.node).name, graph.fact(input));
  }
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    if (holds_alternative<Input>(node.op)) continue;
    if (is_weight(node)) {
      const Tensor& value = get<Constant>(node.op).value;
      const auto dims = value.shape().dims();
      made[id] = result.add_input(node.outputs[0].name, Fact::of(value.dtype(), Dims(dims.begin(), dims.end())));
      log.done.push_back(fmt::format("strip_weights: '{}' ({})", node.outputs[0].name, value.shape().to_string()));
      continue;
    }
    if (const auto* constant = get_if<Constant>(&node.op)) {
      made[id] = result.add_constant(node.outputs[0].name, constant->value);
      continue;
    }
    std::vector<ValueId> inputs;
    for (const ValueId input : node.inputs) {
      inputs.push_back(input.is_none() ? input : ValueId{made[static_cast<std::size_t>(input.node)].node, input.slot});
    }
    std::vector<std::string> names;
    for (const Value& value : node.outputs) names.push_back(value.name);
    made[id] = result.append(node.op, std::move(inputs), node.name, std::move(names));
    copy_stated(node, result.node(made[id].node));
    result.node(made[id].node).doc_string = node.doc_string;
    result.node(made[id].node).metadata = node.metadata;
  }
  std::vector<ValueId> outputs;
  for (const ValueId output : graph.outputs()) outputs.push_back({made[static_cast<std::size_t>(output.node)].node, output.slot});
  result.set_outputs(std::move(outputs));
  return result;
}

}  // namespace resnet

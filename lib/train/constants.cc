#include "lib/train/constants.h"

#include <variant>

#include "lib/passes/rewrite.h"

namespace resnet::train {

std::map<std::string, Tensor> float_constants(const Graph& graph) {
  std::map<std::string, Tensor> values;
  for (const Node& node : graph.nodes()) {
    const auto* constant = get_if<Constant>(&node.op);
    if (constant != nullptr && constant->value.dtype() == DType::float32) values.emplace(node.outputs[0].name, constant->value);
  }
  return values;
}

Graph with_constants(const Graph& graph, const std::map<std::string, Tensor>& values) {
  Rewriter rewriter(graph);
  return rewriter.run([&](NodeId id) {
    const Node& node = graph.node(id);
    const auto found = values.find(node.outputs[0].name);
    if (!holds_alternative<Constant>(node.op) || found == values.end()) return false;
    rewriter.copy(id, Constant{found->second});
    return true;
  });
}

Graph with_parameters_of(const Graph& graph, const Graph& source) { return with_constants(graph, float_constants(source)); }

}  // namespace resnet::train

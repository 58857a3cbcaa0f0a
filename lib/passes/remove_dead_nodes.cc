// before: nodes from which no path leads to an output of the graph
// after:  they are gone; inputs of the graph stay, since they are part of what the graph is.

#include "lib/passes/passes.h"
#include "lib/passes/rewrite.h"

namespace resnet {

Graph remove_dead_nodes(const Graph& graph, PassLog& log) {
  std::vector<bool> needed(graph.nodes().size(), false);
  for (ValueId output : graph.outputs()) needed[static_cast<std::size_t>(output.node)] = true;
  for (std::size_t id = graph.nodes().size(); id-- > 0;) {
    const Node& node = graph.nodes()[id];
    if (std::holds_alternative<Input>(node.op)) needed[id] = true;
    if (!needed[id]) continue;
    for (ValueId input : node.inputs) {
      if (!input.is_none()) needed[static_cast<std::size_t>(input.node)] = true;
    }
  }
  return Rewriter(graph).run([&](NodeId id) {
    if (needed[static_cast<std::size_t>(id)]) return false;
    log.done.push_back("remove_dead_nodes: " + describe(graph.node(id)));
    return true;
  });
}

}  // namespace resnet

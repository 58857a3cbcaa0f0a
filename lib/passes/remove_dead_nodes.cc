// before: nodes from which no path leads to an output of the graph
// after:  they are gone; inputs of the graph stay, since they are part of what the graph is.

#include "lib/passes/passes.h"
#include "lib/passes/rewrite.h"

namespace resnet {

Graph remove_dead_nodes(const Graph& graph, PassLog& log) {
  const std::vector<bool> needed = needed_nodes(graph);
  return Rewriter(graph).run([&](NodeId id) {
    if (needed[static_cast<std::size_t>(id)] || holds_alternative<Input>(graph.node(id).op)) return false;
    log.done.push_back("remove_dead_nodes: " + describe(graph.node(id)));
    return true;
  });
}

}  // namespace resnet

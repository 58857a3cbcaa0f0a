#include "lib/graph/stated.h"

#include <algorithm>

namespace resnet {

std::vector<bool> after_unknown(const Graph& graph) {
  std::vector<bool> after(graph.nodes().size(), false);
  for (std::size_t id = 0; id < after.size(); ++id) {
    const Node& node = graph.nodes()[id];
    after[id] = holds_alternative<Opaque>(node.op);
    for (const ValueId input : node.inputs) {
      if (!input.is_none() && after[static_cast<std::size_t>(input.node)]) after[id] = true;
    }
  }
  return after;
}

void add_stated(Fact& fact, const Fact& stated) {
  if (!fact.dtype) fact.dtype = stated.dtype;
  if (!fact.dims) fact.dims = stated.dims;
}

void copy_stated(const Node& from, Node& to) {
  for (std::size_t slot = 0; slot < std::min(from.outputs.size(), to.outputs.size()); ++slot)
    add_stated(to.outputs[slot].fact, from.outputs[slot].fact);
}

bool change_stated(Graph& graph, const std::function<void(Fact&)>& change) {
  const std::vector<bool> after = after_unknown(graph);
  bool any = false;
  for (std::size_t id = 0; id < after.size(); ++id) {
    if (!after[id]) continue;
    for (Value& value : graph.node(static_cast<NodeId>(id)).outputs) {
      any = any || value.fact != Fact::unknown();
      change(value.fact);
    }
  }
  return any;
}

}  // namespace resnet

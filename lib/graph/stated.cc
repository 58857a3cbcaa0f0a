#include "lib/graph/stated.h"

#include <algorithm>

namespace resnet {

void copy_stated(const Node& from, Node& to) {
  if (!std::holds_alternative<Opaque>(from.op)) return;
  for (std::size_t slot = 0; slot < std::min(from.outputs.size(), to.outputs.size()); ++slot)
    to.outputs[slot].fact = from.outputs[slot].fact;
}

bool change_stated(Graph& graph, const std::function<void(Fact&)>& change) {
  bool any = false;
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    Node& node = graph.node(static_cast<NodeId>(id));
    if (!std::holds_alternative<Opaque>(node.op)) continue;
    for (Value& value : node.outputs) {
      any = any || value.fact != Fact::unknown();
      change(value.fact);
    }
  }
  return any;
}

}  // namespace resnet

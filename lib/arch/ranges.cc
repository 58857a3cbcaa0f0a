#include "lib/arch/ranges.h"

#include <algorithm>

namespace resnet::arch {

Ranges::Ranges(const Graph& graph) : graph_(graph), nodes_(graph.nodes().size(), false) {
  for (std::size_t id = 0; id < nodes_.size(); ++id) {
    const Node& node = graph.nodes()[id];
    const auto is_range_or_constant = [&](ValueId input) {
      return input.is_none() || contains(input) || graph.fact(input).value.has_value();
    };
    nodes_[id] = reaches(node) && std::all_of(node.inputs.begin(), node.inputs.end(), is_range_or_constant);
  }
}

bool Ranges::contains(ValueId value) const {
  if (value.is_none()) return false;
  return nodes_[static_cast<std::size_t>(value.node)] ||
         (value.slot > 0 && holds_alternative<DynamicQuantizeLinear>(graph_.node(value.node).op));
}

bool Ranges::reaches(const Node& node) const {
  return std::any_of(node.inputs.begin(), node.inputs.end(), [this](ValueId input) { return contains(input); });
}

}  // namespace resnet::arch

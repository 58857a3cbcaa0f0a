#include <fmt/format.h>

#include <string_view>
#include <unordered_map>

#include "lib/graph/graph.h"

namespace resnet {

std::vector<std::string> verify(const Graph& graph) {
  std::vector<std::string> findings;
  const auto count = static_cast<NodeId>(graph.nodes().size());
  const auto exists = [&](ValueId id) {
    return id.node >= 0 && id.node < count && id.slot >= 0 &&
           static_cast<std::size_t>(id.slot) < graph.node(id.node).outputs.size();
  };
  std::unordered_map<std::string_view, NodeId> producers;
  producers.reserve(graph.nodes().size());
  for (NodeId id = 0; id < count; ++id) {
    const Node& node = graph.node(id);
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId input = node.inputs[i];
      if (!input.is_none() && !exists(input)) findings.push_back(fmt::format("{}: input {} does not exist", describe(node), i));
      if (!input.is_none() && input.node >= id)
        findings.push_back(fmt::format("{}: input {} is made after it", describe(node), i));
    }
    for (const Value& value : node.outputs) {
      if (value.name.empty()) continue;
      const auto [found, inserted] = producers.emplace(value.name, id);
      if (!inserted) {
        findings.push_back(fmt::format("value '{}' is made twice: by {} and by {}", value.name,
                                       describe(graph.node(found->second)), describe(node)));
      }
    }
  }
  if (graph.outputs().empty()) findings.push_back("the graph has no output");
  for (ValueId output : graph.outputs()) {
    if (!exists(output)) {
      findings.push_back(fmt::format("an output of the graph does not exist (node {}, slot {})", output.node, output.slot));
    } else if (graph.value(output).name.empty()) {
      findings.push_back(fmt::format("{}: an output of the graph has no name", describe(graph.node(output.node))));
    }
  }
  for (ValueId input : graph.inputs()) {
    if (exists(input) && graph.value(input).name.empty()) findings.push_back("an input of the graph has no name");
  }
  return findings;
}

}  // namespace resnet

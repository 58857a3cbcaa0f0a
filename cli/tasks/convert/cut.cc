#include "cli/tasks/convert/cut.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "formats/table/text.h"
#include "lib/base/error.h"
#include "lib/passes/rewrite.h"

namespace resnet::cli {

namespace {

class Names {
 public:
  explicit Names(const Graph& graph) {
    for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
      const Node& node = graph.nodes()[id];
      for (std::size_t slot = 0; slot < node.outputs.size(); ++slot) {
        if (node.outputs[slot].name.empty()) continue;
        const ValueId value{static_cast<NodeId>(id), static_cast<std::int32_t>(slot)};
        values_.emplace(node.outputs[slot].name, value);
        if (!holds_alternative<Constant>(node.op)) known_.push_back(node.outputs[slot].name);
      }
      if (!node.name.empty() && !node.outputs.empty() && !node.outputs[0].name.empty())
        nodes_.emplace(node.name, ValueId{static_cast<NodeId>(id), 0});
    }
  }

  ValueId find(const char* option, const std::string& name) const {
    if (const auto value = values_.find(name); value != values_.end()) return value->second;
    if (const auto node = nodes_.find(name); node != nodes_.end()) return node->second;
    throw Error(Fault::invalid,
                fmt::format("{}: the network has no value or node '{}'; {}", option, name, table::nearest_text(name, known_)));
  }

 private:
  std::map<std::string, ValueId> values_, nodes_;
  std::vector<std::string> known_;
};

// Which nodes are computed from an input, by id.
std::vector<bool> computed_from_inputs(const Graph& graph) {
  std::vector<bool> computed(graph.nodes().size(), false);
  for (std::size_t id = 0; id < computed.size(); ++id) {
    const Node& node = graph.nodes()[id];
    computed[id] = holds_alternative<Input>(node.op) || std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) {
                     return !input.is_none() && computed[static_cast<std::size_t>(input.node)];
                   });
  }
  return computed;
}

// Weights alone are not a network. What the model itself gives is left as it is.
void refuse_weights(const Graph& graph, const std::vector<ValueId>& outputs) {
  const std::vector<bool> computed = computed_from_inputs(graph);
  for (const ValueId output : outputs) {
    if (computed[static_cast<std::size_t>(output.node)] || is_output(graph, output)) continue;
    throw Error(
        Fault::invalid,
        fmt::format("--outputs: '{}' ({}) is {}, and does not depend on the input; expected what the "
                    "network computes from it",
                    graph.value(output).name, graph.fact(output).to_string(),
                    holds_alternative<Constant>(graph.node(output.node).op) ? "a weight" : "computed from weights alone"));
  }
}

std::vector<ValueId> find_all(const Names& names, const char* option, const std::vector<std::string>& asked) {
  std::vector<ValueId> values;
  std::set<ValueId> seen;
  for (const std::string& name : asked) {
    values.push_back(names.find(option, name));
    if (!seen.insert(values.back()).second) throw Error(Fault::invalid, fmt::format("{}: '{}' is named twice", option, name));
  }
  return values;
}

// The first input that there was is the first again.
bool keeps_image(const Graph& before, const Graph& after) {
  return !before.inputs().empty() && !after.inputs().empty() &&
         before.value(before.inputs()[0]).name == after.value(after.inputs()[0]).name;
}

}  // namespace

void cut_model(Model& model, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs, PassLog& log) {
  const Graph& before = model.graph;
  const Names names(before);
  const std::vector<ValueId> cut_outputs = find_all(names, "--outputs", outputs);
  refuse_weights(before, cut_outputs);
  Graph after = cut(before, find_all(names, "--inputs", inputs), cut_outputs, log);
  if (!keeps_image(before, after)) model.preprocessing.reset();
  // Labels are of an output of the model; where none of these is left, they are of nothing.
  std::set<std::string> own;
  for (const ValueId output : before.outputs()) own.insert(before.value(output).name);
  const bool keeps_output = std::any_of(after.outputs().begin(), after.outputs().end(),
                                        [&](ValueId output) { return own.contains(after.value(output).name); });
  if (!keeps_output) {
    model.labels.clear();
    model.metadata.erase("names");
  }
  std::erase_if(model.declared_outputs, [&](const auto& declared) {
    return std::none_of(after.outputs().begin(), after.outputs().end(),
                        [&](ValueId output) { return after.value(output).name == declared.first; });
  });
  model.graph = std::move(after);
}

}  // namespace resnet::cli

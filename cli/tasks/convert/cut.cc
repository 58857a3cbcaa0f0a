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
        if (!std::holds_alternative<Constant>(node.op)) known_.push_back(node.outputs[slot].name);
      }
      if (!node.name.empty() && !node.outputs.empty() && !node.outputs[0].name.empty())
        nodes_.emplace(node.name, ValueId{static_cast<NodeId>(id), 0});
    }
  }

  ValueId find(const char* option, const std::string& name) const {
    if (const auto value = values_.find(name); value != values_.end()) return value->second;
    if (const auto node = nodes_.find(name); node != nodes_.end()) return node->second;
    throw Error(Fault::invalid, fmt::format("{}: the network has no value or node '{}'; {}", option, name, nearest(name)));
  }

 private:
  // The three that are most like it, by edits; those that hold it come first.
  std::string nearest(const std::string& name) const {
    std::vector<std::pair<std::size_t, std::string>> rated;
    for (const std::string& known : known_) {
      const bool holds = !name.empty() && known.find(name) != std::string::npos;
      rated.emplace_back(
          holds ? 0 : table::edit_distance(std::string_view(name).substr(0, 200), std::string_view(known).substr(0, 200)), known);
    }
    const std::size_t count = std::min<std::size_t>(3, rated.size());
    std::partial_sort(rated.begin(), rated.begin() + static_cast<std::ptrdiff_t>(count), rated.end());
    std::vector<std::string> names;
    for (std::size_t i = 0; i < count; ++i) names.push_back("'" + rated[i].second + "'");
    return fmt::format("the nearest {} {}", names.size() == 1 ? "is" : "are", fmt::join(names, ", "));
  }

  std::map<std::string, ValueId> values_, nodes_;
  std::vector<std::string> known_;
};

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
  Graph after = cut(before, find_all(names, "--inputs", inputs), find_all(names, "--outputs", outputs), log);
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

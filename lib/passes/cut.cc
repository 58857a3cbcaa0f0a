// before: image -> backbone -> features -> head -> logits
// after:  image -> backbone -> features, where `outputs` are {features}; features -> head -> logits, where `inputs` are
// Conditions: the outputs are determined by the inputs and constants alone.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/base/error.h"
#include "lib/graph/stated.h"
#include "lib/passes/passes.h"

namespace resnet {

namespace {

std::string quoted(const std::vector<std::string>& names) {
  constexpr std::size_t most = 5;
  std::vector<std::string> shown;
  for (std::size_t i = 0; i < std::min(most, names.size()); ++i) shown.push_back("'" + names[i] + "'");
  std::string text = fmt::format("{}", fmt::join(shown, ", "));
  if (names.size() > most) text += fmt::format(" and {} more", names.size() - most);
  return text;
}

class Cutter {
 public:
  Cutter(const Graph& graph, std::span<const ValueId> inputs, std::span<const ValueId> outputs)
      : graph_(graph),
        given_(inputs.begin(), inputs.end()),
        outputs_(outputs.begin(), outputs.end()),
        needed_(graph.nodes().size(), false) {
    if (outputs_.empty()) outputs_.assign(graph.outputs().begin(), graph.outputs().end());
  }

  Graph run(PassLog& log) {
    find_needed();
    if (given_.empty()) {
      for (const ValueId input : graph_.inputs()) {
        if (needed_[static_cast<std::size_t>(input.node)]) given_.push_back(input);
      }
      // A network of constants alone keeps its first.
      if (given_.empty() && !graph_.inputs().empty()) given_.push_back(graph_.inputs()[0]);
    } else {
      check_determined();
    }
    return build(log);
  }

 private:
  bool is_given(ValueId value) const { return std::find(given_.begin(), given_.end(), value) != given_.end(); }
  const std::string& name_of(ValueId value) const { return graph_.value(value).name; }

  void need(ValueId value) {
    if (value.is_none()) return;
    if (is_given(value)) {
      used_.insert(value);
    } else {
      needed_[static_cast<std::size_t>(value.node)] = true;
    }
  }
  // The nodes that have to be computed.
  void find_needed() {
    for (const ValueId output : outputs_) need(output);
    for (std::size_t id = needed_.size(); id-- > 0;) {
      if (!needed_[id]) continue;
      for (const ValueId input : graph_.nodes()[id].inputs) need(input);
    }
  }

  // What else would be needed: inputs of the graph, and better the values that stand beside those that are given.
  void check_determined() {
    std::vector<std::string> missing, unused;
    for (const ValueId input : graph_.inputs()) {
      if (needed_[static_cast<std::size_t>(input.node)]) missing.push_back(name_of(input));
    }
    for (const ValueId value : given_) {
      if (!used_.contains(value)) unused.push_back(name_of(value));
    }
    if (!missing.empty()) {
      std::string hint;
      if (const auto beside = values_beside(); !beside.empty() && beside != missing)
        hint = fmt::format("; {} as {} would do", quoted(beside), beside.size() == 1 ? "another input" : "further inputs");
      throw Error(Fault::invalid, fmt::format("{} {} not determined by {}: {} needed, too{}", quoted(names_of(outputs_)),
                                              outputs_.size() == 1 ? "is" : "are", quoted(names_of(given_)),
                                              quoted(missing) + (missing.size() == 1 ? " is" : " are"), hint));
    }
    if (!unused.empty()) {
      throw Error(Fault::invalid, fmt::format("{} {} not depend on {}", quoted(names_of(outputs_)),
                                              outputs_.size() == 1 ? "does" : "do", quoted(unused)));
    }
  }

  std::vector<std::string> names_of(const std::vector<ValueId>& values) const {
    std::vector<std::string> names;
    for (const ValueId value : values) names.push_back(name_of(value));
    return names;
  }

  // Values that needed nodes after the given ones read, and that are computed from an input of the graph.
  std::vector<std::string> values_beside() {
    std::vector<bool> after(needed_.size(), false), from_input(needed_.size(), false);
    std::vector<std::string> names;
    std::set<ValueId> beside;
    for (std::size_t id = 0; id < needed_.size(); ++id) {
      const Node& node = graph_.nodes()[id];
      from_input[id] = holds_alternative<Input>(node.op);
      for (const ValueId input : node.inputs) {
        if (input.is_none()) continue;
        const auto source = static_cast<std::size_t>(input.node);
        if (from_input[source]) from_input[id] = true;
        if (needed_[id] && (is_given(input) || after[source])) after[id] = true;
      }
      for (const ValueId input : after[id] ? node.inputs : std::vector<ValueId>()) {
        if (input.is_none() || is_given(input)) continue;
        const auto source = static_cast<std::size_t>(input.node);
        if (from_input[source] && !after[source] && !name_of(input).empty() && beside.insert(input).second)
          names.push_back(name_of(input));
      }
    }
    return names;
  }

  Fact input_fact(ValueId value) const {
    const Fact& fact = graph_.fact(value);
    if (!fact.dtype) {
      throw Error(Fault::unsupported,
                  fmt::format("'{}' cannot be an input: its element type is not known, nor stated in the file", name_of(value)));
    }
    return {fact.dtype, fact.dims, std::nullopt, std::nullopt};
  }

  Graph build(PassLog& log) {
    Graph result;
    result.name = graph_.name;
    result.doc_string = graph_.doc_string;
    std::vector<std::vector<ValueId>> values(graph_.nodes().size());
    for (std::size_t id = 0; id < values.size(); ++id) values[id].resize(graph_.nodes()[id].outputs.size());
    const auto at = [&](ValueId old) -> ValueId& {
      return values[static_cast<std::size_t>(old.node)][static_cast<std::size_t>(old.slot)];
    };
    std::set<ValueId> inputs;
    for (const ValueId value : given_) {
      at(value) = result.add_input(name_of(value), input_fact(value));
      inputs.insert(value);
    }
    for (std::size_t id = 0; id < values.size(); ++id) {
      const Node& node = graph_.nodes()[id];
      if (holds_alternative<Input>(node.op)) continue;
      if (!needed_[id]) {
        if (!holds_alternative<Constant>(node.op)) log.done.push_back("cut: " + describe(node));
        continue;
      }
      copy(node, static_cast<NodeId>(id), inputs, at, result);
    }
    std::vector<ValueId> outputs;
    for (const ValueId output : outputs_) outputs.push_back(at(output));
    result.set_outputs(std::move(outputs));
    return result;
  }

  template <typename At>
  void copy(const Node& node, NodeId id, const std::set<ValueId>& inputs, const At& at, Graph& result) const {
    ValueId made;
    if (const auto* constant = get_if<Constant>(&node.op)) {
      made = result.add_constant(node.outputs[0].name, constant->value);
      result.node(made.node).name = node.name;
    } else {
      std::vector<ValueId> operands;
      for (const ValueId input : node.inputs) operands.push_back(input.is_none() ? ValueId::none() : at(input));
      std::vector<std::string> names;
      for (std::size_t slot = 0; slot < node.outputs.size(); ++slot) {
        // Another output of the node is an input of the new graph, which has the name.
        const bool taken = inputs.contains({id, static_cast<std::int32_t>(slot)});
        names.push_back(taken ? "" : node.outputs[slot].name);
      }
      made = result.append(node.op, std::move(operands), node.name, std::move(names));
      copy_stated(node, result.node(made.node));
    }
    result.node(made.node).doc_string = node.doc_string;
    result.node(made.node).metadata = node.metadata;
    for (std::size_t slot = 0; slot < node.outputs.size(); ++slot) {
      const ValueId old{id, static_cast<std::int32_t>(slot)};
      if (!inputs.contains(old)) at(old) = {made.node, old.slot};
    }
  }

  const Graph& graph_;
  std::vector<ValueId> given_, outputs_;
  std::vector<bool> needed_;
  std::set<ValueId> used_;  // of what is given
};

}  // namespace

Graph cut(const Graph& graph, std::span<const ValueId> inputs, std::span<const ValueId> outputs, PassLog& log) {
  return Cutter(graph, inputs, outputs).run(log);
}

}  // namespace resnet

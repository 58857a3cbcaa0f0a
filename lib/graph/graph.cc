#include "lib/graph/graph.h"

#include <fmt/format.h>

#include <cassert>

#include "lib/base/error.h"
#include "lib/graph/stated.h"

namespace resnet {

const std::string& name_of(const Node& node) {
  return node.name.empty() && !node.outputs.empty() ? node.outputs.front().name : node.name;
}

std::string describe(const Node& node) { return fmt::format("node '{}' ({})", name_of(node), type_of(node.op)); }

ValueId Graph::add_input(std::string input_name, Fact fact) {
  const auto id = static_cast<NodeId>(nodes_.size());
  std::vector<Value> values;
  values.push_back({input_name, std::move(fact)});
  nodes_.push_back({std::move(input_name), Input{}, {}, std::move(values), {}, {}});
  inputs_.push_back({id, 0});
  return {id, 0};
}

ValueId Graph::add_constant(std::string constant_name, Tensor value) {
  const auto id = static_cast<NodeId>(nodes_.size());
  std::vector<Value> values;
  values.push_back({constant_name, Fact::constant(value)});
  nodes_.push_back({std::move(constant_name), Constant{std::move(value)}, {}, std::move(values), {}, {}});
  return {id, 0};
}

ValueId Graph::append(Op op, std::vector<ValueId> inputs, std::string node_name, std::vector<std::string> output_names) {
  Node node{std::move(node_name), std::move(op), std::move(inputs), {}, {}, {}};
  for (std::string& output : output_names) node.outputs.push_back({std::move(output), Fact::unknown()});
  std::vector<const Fact*> facts;
  facts.reserve(node.inputs.size());
  for (ValueId input : node.inputs) {
    assert(input.is_none() || static_cast<std::size_t>(input.node) < nodes_.size());
    facts.push_back(input.is_none() ? nullptr : &fact(input));
  }
  try {
    std::vector<Fact> inferred = infer(node.op, Facts(facts), node.outputs.size());
    assert(inferred.size() == node.outputs.size());
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      // What does not fit into memory is found here, and not when it is allocated.
      static_cast<void>(inferred[i].shape());
      node.outputs[i].fact = std::move(inferred[i]);
    }
  } catch (Error& error) {
    error.in(Frame::node(describe(node)));
    throw;
  }
  nodes_.push_back(std::move(node));
  return {static_cast<NodeId>(nodes_.size() - 1), 0};
}

std::vector<std::vector<NodeId>> Graph::consumers() const {
  std::vector<std::vector<NodeId>> result(nodes_.size());
  for (std::size_t id = 0; id < nodes_.size(); ++id) {
    for (ValueId input : nodes_[id].inputs) {
      if (!input.is_none()) result[static_cast<std::size_t>(input.node)].push_back(static_cast<NodeId>(id));
    }
  }
  return result;
}

Graph with_input_facts(const Graph& graph, std::span<const Fact> input_facts) {
  assert(input_facts.size() == graph.inputs().size());
  Graph result;
  result.name = graph.name;
  result.doc_string = graph.doc_string;
  const std::vector<bool> after = after_unknown(graph);
  std::size_t next_input = 0;
  for (const Node& node : graph.nodes()) {
    ValueId id;
    if (holds_alternative<Input>(node.op)) {
      id = result.add_input(node.name, input_facts[next_input++]);
    } else if (const auto* constant = get_if<Constant>(&node.op)) {
      id = result.add_constant(node.name, constant->value);
    } else {
      std::vector<std::string> names;
      for (const Value& value : node.outputs) names.push_back(value.name);
      id = result.append(node.op, node.inputs, node.name, std::move(names));
      if (after[static_cast<std::size_t>(id.node)]) copy_stated(node, result.node(id.node));
    }
    Node& copy = result.node(id.node);
    for (std::size_t i = 0; i < node.outputs.size(); ++i) copy.outputs[i].name = node.outputs[i].name;
    copy.doc_string = node.doc_string;
    copy.metadata = node.metadata;
  }
  result.set_outputs({graph.outputs().begin(), graph.outputs().end()});
  return result;
}

}  // namespace resnet

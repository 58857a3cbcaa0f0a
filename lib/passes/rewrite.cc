#include "lib/passes/rewrite.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <set>

namespace resnet {

Rewriter::Rewriter(const Graph& old) : old_(old), values_(old.nodes().size()) {
  new_.name = old.name;
  new_.doc_string = old.doc_string;
  for (const Node& node : old.nodes()) {
    for (const Value& value : node.outputs) names_.insert(value.name);
  }
}

ValueId Rewriter::map(ValueId old_value) const {
  if (old_value.is_none()) return old_value;
  const auto& slots = values_[static_cast<std::size_t>(old_value.node)];
  assert(static_cast<std::size_t>(old_value.slot) < slots.size());
  const ValueId value = slots[static_cast<std::size_t>(old_value.slot)];
  assert(!value.is_none());
  return value;
}

std::vector<ValueId> Rewriter::inputs_of(NodeId id) const {
  std::vector<ValueId> inputs;
  for (ValueId input : old_.node(id).inputs) inputs.push_back(map(input));
  return inputs;
}

ValueId Rewriter::copy(NodeId id, std::optional<Op> op, std::optional<std::vector<ValueId>> inputs) {
  const Node& node = old_.node(id);
  ValueId made;
  if (!op && std::holds_alternative<Input>(node.op)) {
    made = new_.add_input(node.name, node.outputs[0].fact);
  } else if (!op && std::holds_alternative<Constant>(node.op)) {
    made = new_.add_constant(node.name, std::get<Constant>(node.op).value);
  } else {
    std::vector<std::string> names;
    for (const Value& value : node.outputs) names.push_back(value.name);
    made = new_.append(op ? std::move(*op) : node.op, inputs ? std::move(*inputs) : inputs_of(id), node.name, std::move(names));
  }
  Node& copied = new_.node(made.node);
  copied.doc_string = node.doc_string;
  copied.metadata = node.metadata;
  auto& slots = values_[static_cast<std::size_t>(id)];
  slots.clear();
  for (std::size_t slot = 0; slot < node.outputs.size(); ++slot) {
    copied.outputs[slot].name = node.outputs[slot].name;
    slots.push_back({made.node, static_cast<std::int32_t>(slot)});
  }
  return made;
}

void Rewriter::replace(ValueId old_value, ValueId new_value) {
  auto& slots = values_[static_cast<std::size_t>(old_value.node)];
  slots.resize(old_.node(old_value.node).outputs.size(), ValueId::none());
  slots[static_cast<std::size_t>(old_value.slot)] = new_value;
}

bool Rewriter::carries_an_output(ValueId new_value) const {
  return std::any_of(old_.outputs().begin(), old_.outputs().end(), [&](ValueId output) {
    const auto& slots = values_[static_cast<std::size_t>(output.node)];
    return static_cast<std::size_t>(output.slot) < slots.size() && slots[static_cast<std::size_t>(output.slot)] == new_value;
  });
}

bool Rewriter::forward(NodeId id, ValueId new_value) {
  if (is_output(old_, {id, 0})) {
    if (std::holds_alternative<Input>(new_.node(new_value.node).op) || carries_an_output(new_value)) return false;
  }
  replace({id, 0}, new_value);
  return true;
}

ValueId Rewriter::add_constant(const std::string& name, Tensor value) {
  std::string unique = name;
  for (int i = 1; !names_.insert(unique).second; ++i) unique = name + "_" + std::to_string(i);
  return new_.add_constant(std::move(unique), std::move(value));
}

void Rewriter::release_name(ValueId old_value) { names_.erase(old_.value(old_value).name); }

Graph Rewriter::run(const std::function<bool(NodeId)>& visit) {
  for (std::size_t id = 0; id < old_.nodes().size(); ++id) {
    if (!visit(static_cast<NodeId>(id))) copy(static_cast<NodeId>(id));
  }
  std::set<ValueId> named;  // values of the new graph that have an output's name for good
  std::vector<ValueId> outputs;
  for (ValueId output : old_.outputs()) {
    const ValueId value = map(output);
    if (new_.value(value).name == old_.value(output).name) named.insert(value);
  }
  std::map<std::string, ValueId> carriers;  // an output may be listed twice
  for (ValueId output : old_.outputs()) {
    ValueId value = map(output);
    const std::string& wanted = old_.value(output).name;
    if (new_.value(value).name != wanted) {
      // An input, or a value that is an output under another name already, cannot take this name: an Identity carries it.
      if (std::holds_alternative<Input>(new_.node(value.node).op) || named.contains(value)) {
        const auto [carrier, fresh] = carriers.try_emplace(wanted, ValueId::none());
        if (fresh) carrier->second = new_.append(Identity{}, {value}, "", {wanted});
        value = carrier->second;
      } else {
        new_.value(value).name = wanted;
      }
      named.insert(value);
    }
    outputs.push_back(value);
  }
  new_.set_outputs(std::move(outputs));
  return std::move(new_);
}

bool is_output(const Graph& graph, ValueId value) {
  return std::find(graph.outputs().begin(), graph.outputs().end(), value) != graph.outputs().end();
}

bool others_are_read(const Graph& graph, const std::vector<std::vector<NodeId>>& consumers, NodeId id) {
  if (graph.node(id).outputs.size() == 1) return false;
  for (NodeId reader : consumers[static_cast<std::size_t>(id)]) {
    for (ValueId input : graph.node(reader).inputs) {
      if (input.node == id && input.slot > 0) return true;
    }
  }
  return std::any_of(graph.outputs().begin(), graph.outputs().end(),
                     [&](ValueId output) { return output.node == id && output.slot > 0; });
}

std::optional<NodeId> only_consumer(const Graph& graph, const std::vector<std::vector<NodeId>>& consumers, ValueId value) {
  const auto& readers = consumers[static_cast<std::size_t>(value.node)];
  if (readers.size() != 1 || is_output(graph, value)) return std::nullopt;
  if (value.slot != 0 || others_are_read(graph, consumers, value.node)) return std::nullopt;
  return readers.front();
}

}  // namespace resnet

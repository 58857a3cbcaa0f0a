#include "lib/passes/rewrite.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <set>

#include "lib/graph/stated.h"

namespace resnet {

std::vector<bool> needed_nodes(const Graph& graph) {
  std::vector<bool> needed(graph.nodes().size(), false);
  for (const ValueId output : graph.outputs()) needed[static_cast<std::size_t>(output.node)] = true;
  for (std::size_t id = needed.size(); id-- > 0;) {
    if (!needed[id]) continue;
    for (const ValueId input : graph.nodes()[id].inputs) {
      if (!input.is_none()) needed[static_cast<std::size_t>(input.node)] = true;
    }
  }
  return needed;
}

Rewriter::Rewriter(const Graph& old) : old_(old), values_(old.nodes().size()) {
  new_.name = old.name;
  new_.doc_string = old.doc_string;
  old_outputs_.assign(old.outputs().begin(), old.outputs().end());
  std::sort(old_outputs_.begin(), old_outputs_.end());
}

std::unordered_set<std::string>& Rewriter::names() {
  if (names_) return *names_;
  names_.emplace();
  for (const Node& node : old_.nodes()) {
    for (const Value& value : node.outputs) names_->insert(value.name);
  }
  return *names_;
}

void Rewriter::note_output(ValueId old_value, ValueId new_value) {
  if (std::binary_search(old_outputs_.begin(), old_outputs_.end(), old_value)) carriers_.insert(new_value);
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
  if (!op && holds_alternative<Input>(node.op)) {
    made = new_.add_input(node.name, node.outputs[0].fact);
  } else if (!op && holds_alternative<Constant>(node.op)) {
    made = new_.add_constant(node.name, get<Constant>(node.op).value);
  } else {
    std::vector<std::string> names;
    for (const Value& value : node.outputs) names.push_back(value.name);
    made = new_.append(op ? std::move(*op) : node.op, inputs ? std::move(*inputs) : inputs_of(id), node.name, std::move(names));
    copy_stated(node, new_.node(made.node));
  }
  Node& copied = new_.node(made.node);
  copied.doc_string = node.doc_string;
  copied.metadata = node.metadata;
  auto& slots = values_[static_cast<std::size_t>(id)];
  slots.clear();
  for (std::size_t slot = 0; slot < node.outputs.size(); ++slot) {
    copied.outputs[slot].name = node.outputs[slot].name;
    slots.push_back({made.node, static_cast<std::int32_t>(slot)});
    note_output({id, static_cast<std::int32_t>(slot)}, slots.back());
  }
  return made;
}

void Rewriter::replace(ValueId old_value, ValueId new_value) {
  auto& slots = values_[static_cast<std::size_t>(old_value.node)];
  slots.resize(old_.node(old_value.node).outputs.size(), ValueId::none());
  slots[static_cast<std::size_t>(old_value.slot)] = new_value;
  note_output(old_value, new_value);
}

bool Rewriter::forward(NodeId id, ValueId new_value) {
  if (std::binary_search(old_outputs_.begin(), old_outputs_.end(), ValueId{id, 0})) {
    if (holds_alternative<Input>(new_.node(new_value.node).op) || carriers_.contains(new_value)) return false;
  }
  replace({id, 0}, new_value);
  return true;
}

std::string Rewriter::fresh(const std::string& name) {
  std::string unique = name;
  // Numbers continue where they stopped.
  while (!names().insert(unique).second) unique = name + "_" + std::to_string(++last_[name]);
  return unique;
}

ValueId Rewriter::add_constant(const std::string& name, Tensor value) { return new_.add_constant(fresh(name), std::move(value)); }

void Rewriter::release_name(ValueId old_value) { names().erase(old_.value(old_value).name); }

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
      if (holds_alternative<Input>(new_.node(value.node).op) || named.contains(value)) {
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

Readers::Readers(const Graph& graph)
    : graph_(graph), consumers_(graph.consumers()), outputs_(graph.outputs().begin(), graph.outputs().end()) {
  std::sort(outputs_.begin(), outputs_.end());
}

bool Readers::is_output(ValueId value) const { return std::binary_search(outputs_.begin(), outputs_.end(), value); }

bool Readers::others_are_read(NodeId id) const {
  if (graph_.node(id).outputs.size() == 1) return false;
  for (NodeId reader : of(id)) {
    for (ValueId input : graph_.node(reader).inputs) {
      if (input.node == id && input.slot > 0) return true;
    }
  }
  const auto after_first = std::upper_bound(outputs_.begin(), outputs_.end(), ValueId{id, 0});
  return after_first != outputs_.end() && after_first->node == id;
}

std::optional<NodeId> Readers::only(ValueId value) const {
  const std::vector<NodeId>& readers = of(value.node);
  if (readers.size() != 1 || is_output(value)) return std::nullopt;
  if (value.slot != 0 || others_are_read(value.node)) return std::nullopt;
  return readers.front();
}

bool is_output(const Graph& graph, ValueId value) {
  return std::find(graph.outputs().begin(), graph.outputs().end(), value) != graph.outputs().end();
}

}  // namespace resnet

// What is put in place of a node: the nodes of the function that it calls; of an If or a Loop those of its subgraph, where the
// condition or the number of iterations is known.
#include <fmt/format.h>

#include <algorithm>

#include "formats/onnx/known_scalar.h"
#include "formats/onnx/provenance.h"
#include "formats/onnx/reader.h"
#include "lib/base/error.h"

namespace resnet::onnx {

namespace {

// Of the nodes that are put in place of calls and of subgraphs' nodes, with their attributes.
constexpr std::size_t most_expanded_bytes = std::size_t{256} << 20;
// That are put in place of subgraphs and sequences. What asks for more stays a node that cannot run.
constexpr std::size_t most_expanded_nodes = 20'000;

// The names of calls stand before those of a function's nodes; longer ones are cut, for each node carries them all.
constexpr std::size_t longest_prefix = 256;

const ::onnx::AttributeProto* find_attribute(const ::onnx::NodeProto& proto, const char* name) {
  for (const auto& attribute : proto.attribute()) {
    if (attribute.name() == name) return &attribute;
  }
  return nullptr;
}

// Throws Error(malformed) where there is none.
const ::onnx::GraphProto& subgraph_of(const ::onnx::NodeProto& proto, const char* name) {
  const auto* attribute = find_attribute(proto, name);
  if (attribute == nullptr || !attribute->has_g()) throw Error(Fault::malformed, fmt::format("has no subgraph '{}'", name));
  return attribute->g();
}

// An attribute of the function's call, which only a call gives a value, at any depth of subgraphs.
bool refers_to_a_call(const ::onnx::GraphProto& graph) {
  for (const auto& node : graph.node()) {
    for (const auto& attribute : node.attribute()) {
      if (!attribute.ref_attr_name().empty() || (attribute.has_g() && refers_to_a_call(attribute.g()))) return true;
    }
  }
  return false;
}

Tensor truth() { return Tensor::from<bool>(Shape{}, {true}); }

bool is_true(const ::onnx::TensorProto& tensor) {
  return import_tensor(tensor, nullptr).values_as<std::int64_t>() == std::vector<std::int64_t>{1};
}

// Whether a loop's body leaves its condition as it was: it hands it through, or says true each time.
bool keeps_condition(const ::onnx::GraphProto& body, const std::string& condition) {
  std::string name = body.output(0).name();
  constexpr int most_links = 32;  // longer chains are not followed
  for (int step = 0; step < most_links; ++step) {
    if (name == condition) return true;
    for (const auto& tensor : body.initializer()) {
      if (tensor.name() == name) return is_true(tensor);
    }
    const auto maker = std::find_if(body.node().begin(), body.node().end(),
                                    [&](const auto& node) { return node.output_size() > 0 && node.output(0) == name; });
    if (maker == body.node().end()) return false;
    if (maker->op_type() == "Constant") {
      const auto* value = find_attribute(*maker, "value");
      return value != nullptr && value->has_t() && is_true(value->t());
    }
    if ((maker->op_type() != "Identity" && maker->op_type() != "Cast") || maker->input_size() == 0) return false;
    name = maker->input(0);
  }
  return false;
}

}  // namespace

void GraphReader::count_expanded(std::size_t bytes) {
  expanded_bytes_ += bytes;
  if (expanded_bytes_ > most_expanded_bytes) {
    throw Error(Fault::unsupported, fmt::format("functions and subgraphs expand to more than {} bytes", most_expanded_bytes));
  }
}

bool GraphReader::may_expand(std::size_t nodes) {
  if (nodes > most_expanded_nodes - expanded_nodes_) return false;
  expanded_nodes_ += nodes;
  return true;
}

// Of the names in a call.
std::string GraphReader::prefix_of(const ::onnx::NodeProto& caller, const Scope& outer) {
  std::string prefix = outer.prefix + (!caller.name().empty() ? caller.name() : caller.output(0));
  if (prefix.size() >= longest_prefix) {
    std::size_t end = longest_prefix / 2;
    while (end > 0 && (prefix[end] & 0xc0) == 0x80) --end;  // not within a character
    prefix.resize(end);
    prefix += fmt::format("~{}", ++cut_prefixes_);
  }
  return prefix + "/";
}

// Puts a function's nodes in place of a node that calls it.
void GraphReader::call(const ::onnx::FunctionProto& function, const ::onnx::NodeProto& caller, const std::vector<ValueId>& inputs,
                       Scope& outer) {
  if (static_cast<int>(inputs.size()) > function.input_size() || caller.output_size() > function.output_size()) {
    throw Error(Fault::malformed,
                fmt::format("{} inputs and {} outputs, expected at most {} and {}: those of {}", inputs.size(),
                            caller.output_size(), function.input_size(), function.output_size(), label_of(function)));
  }
  Scope scope;
  scope.function = &function;
  scope.prefix = prefix_of(caller, outer);
  auto opsets = opsets_of(function.opset_import());
  scope.opset = opsets.emplace("", outer.opset).first->second;
  for (int i = 0; i < function.input_size(); ++i) {
    const ValueId input = i < static_cast<int>(inputs.size()) ? inputs[static_cast<std::size_t>(i)] : ValueId::none();
    scope.values.emplace(function.input(i), input);
  }
  collect_used(function.node(), scope.used);
  std::vector<std::string> wanted;  // the call's outputs, as the graph will name them
  for (int i = 0; i < caller.output_size(); ++i) {
    wanted.push_back(name_in_graph(caller.output(i), outer));
    if (wanted.back().empty()) continue;
    scope.used.insert(function.output(i));
    if (!scope.values.contains(function.output(i))) scope.results.emplace(function.output(i), wanted.back());
  }
  for (const int index : order_of(function.node(), scope)) {
    ::onnx::NodeProto node = function.node(index);
    bind_attributes(node, function, caller);
    count_expanded(node.ByteSizeLong());
    read_node(node, scope);
  }
  for (int i = 0; i < caller.output_size(); ++i) {
    const std::string& name = wanted[static_cast<std::size_t>(i)];
    if (name.empty()) continue;
    const auto value = scope.values.find(function.output(i));
    if (value == scope.values.end() || value->second.is_none()) {
      throw Error(Fault::malformed,
                  fmt::format("output '{}' is produced by no node of {}", function.output(i), label_of(function)));
    }
    ValueId id = value->second;
    // An input handed through, or one value as two outputs.
    if (model_.graph.value(id).name != name) id = model_.graph.append(Identity{}, {id}, "", {name});
    outer.values.emplace(caller.output(i), id);
  }
}

void GraphReader::bind(const std::string& name, const Bound& bound, Scope& scope) {
  if (const auto* value = std::get_if<ValueId>(&bound)) {
    scope.values.emplace(name, *value);
  } else {
    const auto& values = std::get<std::vector<ValueId>>(bound);
    if (!keep_sequence(name, values, scope))
      throw Error(Fault::unsupported, fmt::format("sequences hold more than {} values in all", sequence_values_));
  }
}

std::optional<GraphReader::Bound> GraphReader::find(const std::string& name, const Scope& scope) const {
  if (const ValueId* value = scope.find(name)) return *value;
  if (const auto* sequence = scope.find_sequence(name)) return *sequence;
  return std::nullopt;
}

void GraphReader::bind_output(const ::onnx::NodeProto& proto, int index, const Bound& bound, Scope& scope) {
  const std::string& name = proto.output(index);
  if (name.empty()) return;
  const auto* value = std::get_if<ValueId>(&bound);
  // An output of the graph has to have its name.
  if (value != nullptr && !scope.renames() && graph_outputs_.contains(name)) {
    scope.values.emplace(name, model_.graph.append(Identity{}, {*value}, "", {name}));
  } else {
    bind(name, bound, scope);
  }
}

Scope GraphReader::scope_within(const ::onnx::NodeProto& proto, const Scope& outer, const std::string& part) {
  Scope scope;
  scope.function = outer.function;
  scope.outer = &outer;
  scope.prefix = prefix_of(proto, outer) + part;
  scope.opset = outer.opset;
  return scope;
}

std::vector<GraphReader::Bound> GraphReader::read_subgraph(const ::onnx::GraphProto& graph, Scope& scope) {
  if (graph.sparse_initializer_size() > 0) throw Error(Fault::unsupported, "sparse initializers of a subgraph cannot be read");
  count_expanded(graph.ByteSizeLong());
  for (const auto& node : graph.node()) add_call(node);
  collect_used(graph.node(), scope.used);
  for (const auto& output : graph.output()) scope.used.insert(output.name());
  for (const auto& tensor : graph.initializer()) {
    if (!scope.used.contains(tensor.name())) continue;
    try {
      scope.values.emplace(tensor.name(), constant(scope.prefix + tensor.name(), import_tensor(tensor, &external_)));
    } catch (Error& error) {
      error.in(Frame::initializer(tensor.name()));
      throw;
    }
  }
  for (const int index : order_of(graph.node(), scope)) read_node(graph.node(index), scope);
  std::vector<Bound> outputs;
  for (const auto& output : graph.output()) {
    auto found = find(output.name(), scope);
    if (!found) throw Error(Fault::malformed, fmt::format("output '{}' of its subgraph is produced by no node", output.name()));
    outputs.push_back(std::move(*found));
  }
  return outputs;
}

bool GraphReader::inline_if(const ::onnx::NodeProto& proto, Scope& scope) {
  if (proto.op_type() != "If" || proto.input_size() != 1) return false;
  const ValueId* condition = scope.find(proto.input(0));
  const auto known = condition != nullptr ? known_scalar(model_.graph, *condition) : std::nullopt;
  if (!known) return false;
  const ::onnx::GraphProto& branch = subgraph_of(proto, *known != 0 ? "then_branch" : "else_branch");
  if (branch.output_size() != proto.output_size()) {
    throw Error(Fault::malformed, fmt::format("{} outputs, and its branch has {}", proto.output_size(), branch.output_size()));
  }
  if (refers_to_a_call(branch) || !may_expand(static_cast<std::size_t>(branch.node_size()))) return false;
  Scope inner = scope_within(proto, scope, "");
  const std::vector<Bound> results = read_subgraph(branch, inner);
  for (int i = 0; i < proto.output_size(); ++i) bind_output(proto, i, results[static_cast<std::size_t>(i)], scope);
  return true;
}

// Inputs: the number of iterations, the condition, then what is carried from one to the next. Outputs: what was carried, then, of
// each iteration, what is stacked.
bool GraphReader::unroll_loop(const ::onnx::NodeProto& proto, Scope& scope) {
  if (proto.op_type() != "Loop" || proto.input_size() < 2 || proto.input(0).empty()) return false;
  const ::onnx::GraphProto& body = subgraph_of(proto, "body");
  const int carried = proto.input_size() - 2, stacked = body.output_size() - 1 - carried;
  if (stacked < 0 || body.input_size() != carried + 2 || proto.output_size() > carried + stacked) {
    throw Error(Fault::malformed, fmt::format("{} inputs and {} outputs for a body of {} and {}", proto.input_size(),
                                              proto.output_size(), body.input_size(), body.output_size()));
  }
  const ValueId* count = scope.find(proto.input(0));
  auto iterations = count != nullptr ? known_integer(model_.graph, *count) : std::nullopt;
  if (!proto.input(1).empty()) {
    const ValueId* condition = scope.find(proto.input(1));
    const auto known = condition != nullptr ? known_scalar(model_.graph, *condition) : std::nullopt;
    if (!known) return false;
    if (*known == 0) iterations = 0;
  }
  constexpr std::int64_t most_iterations = 10'000;
  if (!iterations || *iterations > most_iterations || !keeps_condition(body, body.input(1).name())) return false;
  if (*iterations <= 0 && stacked > 0) return false;  // nothing says what an iteration would have given
  if (refers_to_a_call(body)) return false;
  std::vector<Bound> state;
  for (int i = 0; i < carried; ++i) {
    const auto bound = find(proto.input(i + 2), scope);
    if (!bound || (std::holds_alternative<ValueId>(*bound) && std::get<ValueId>(*bound).is_none()))
      throw Error(Fault::malformed, fmt::format("input {}, which is carried from one iteration to the next, is left out", i + 2));
    state.push_back(*bound);
  }
  // An iteration has two constants, and for what is stacked a node and its axes.
  const std::int64_t each = body.node_size() + 2 * stacked + 2;
  if (!may_expand(static_cast<std::size_t>(each * std::max<std::int64_t>(*iterations, 0)))) return false;
  std::vector<std::vector<ValueId>> stacks(static_cast<std::size_t>(stacked));
  for (std::int64_t iteration = 0; iteration < *iterations; ++iteration) {
    Scope inner = scope_within(proto, scope, fmt::format("{}/", iteration));
    inner.values.emplace(body.input(0).name(),
                         constant(inner.prefix + "iteration", Tensor::from<std::int64_t>(Shape{}, {iteration})));
    inner.values.emplace(body.input(1).name(), constant(inner.prefix + "condition", truth()));
    for (int i = 0; i < carried; ++i) bind(body.input(i + 2).name(), state[static_cast<std::size_t>(i)], inner);
    const std::vector<Bound> results = read_subgraph(body, inner);
    state.assign(results.begin() + 1, results.begin() + 1 + carried);
    for (std::size_t i = 0; i < stacks.size(); ++i) {
      const auto* value = std::get_if<ValueId>(&results[static_cast<std::size_t>(1 + carried) + i]);
      if (value == nullptr) throw Error(Fault::unsupported, "a loop that stacks sequences cannot be read");
      const ValueId axes = constant(inner.prefix + "axes", Tensor::from<std::int64_t>(Shape{1}, {0}));
      stacks[i].push_back(append(Unsqueeze{}, {*value, axes}, inner.prefix + "row"));
    }
  }
  for (int i = 0; i < proto.output_size(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (i < carried) {
      bind_output(proto, i, state[at], scope);
    } else if (!proto.output(i).empty()) {
      bind_output(proto, i,
                  append(Concat{.axis = 0}, stacks[at - static_cast<std::size_t>(carried)], prefix_of(proto, scope) + "stacked"),
                  scope);
    }
  }
  return true;
}

}  // namespace resnet::onnx

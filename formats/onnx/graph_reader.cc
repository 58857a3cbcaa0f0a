#include "formats/onnx/graph_reader.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>

#include "formats/onnx/metadata.h"
#include "formats/onnx/provenance.h"
#include "formats/onnx/reader.h"
#include "formats/onnx/subgraphs.h"
#include "formats/onnx/value_info.h"
#include "lib/base/checked.h"
#include "lib/base/error.h"

namespace resnet::onnx {

namespace {

// Initializers up to this size are copied into aligned memory; larger ones keep the string that they were parsed into.
constexpr std::size_t copied_bytes = 4096;

// Of a Constant.
const ::onnx::SparseTensorProto* sparse_value_of(const ::onnx::NodeProto& proto) {
  if (proto.op_type() != "Constant") return nullptr;
  for (const auto& attribute : proto.attribute()) {
    if (attribute.name() == "sparse_value" && attribute.has_sparse_tensor()) return &attribute.sparse_tensor();
  }
  return nullptr;
}

}  // namespace

const ValueId* Scope::find(const std::string& name) const {
  for (const Scope* scope = this; scope != nullptr; scope = scope->outer) {
    if (const auto found = scope->values.find(name); found != scope->values.end()) return &found->second;
    if (scope->sequences.contains(name)) return nullptr;  // hides an outer value of that name
  }
  return nullptr;
}

const std::vector<ValueId>* Scope::find_sequence(const std::string& name) const {
  for (const Scope* scope = this; scope != nullptr; scope = scope->outer) {
    if (const auto found = scope->sequences.find(name); found != scope->sequences.end()) return &found->second;
    if (scope->values.contains(name)) return nullptr;
  }
  return nullptr;
}

GraphReader::GraphReader(::onnx::ModelProto& proto, std::vector<LargeWeight> weights, ExternalFiles external,
                         const ReadOptions& options)
    : proto_(proto),
      graph_proto_(*proto.mutable_graph()),
      options_(options),
      weights_(std::move(weights)),
      external_(std::move(external)),
      functions_(proto) {
  for (const auto& output : graph_proto_.output()) graph_outputs_.insert(output.name());
}

Model GraphReader::run() {
  scope_.opset = read_provenance(proto_, model_, notes_);
  for (const auto& node : graph_proto_.node()) add_call(node);
  collect_used(graph_proto_.node(), scope_.used);
  for (const auto& output : graph_proto_.output()) scope_.used.insert(output.name());
  for (const auto& node : graph_proto_.node()) {
    for (const std::string& output : node.output()) names_.take(output);
  }
  // Of other input shapes what the file states does not hold.
  if (options_.input_shapes.empty()) stated_.collect(graph_proto_);
  read_inputs();
  read_initializers();
  for (const int index : order_of(graph_proto_.node(), scope_)) {
    ::onnx::NodeProto& node = *graph_proto_.mutable_node(index);
    read_graph_node(node);
    node.Clear();  // its tensors are in the graph now
  }
  read_outputs();
  read_metadata(model_, notes_);
  model_.data_files = std::move(external_.found);
  model_.notes = notes_.lines();
  return std::move(model_);
}

void GraphReader::add_call(const ::onnx::NodeProto& node) {
  try {
    functions_.add_call(node);
  } catch (Error& error) {
    error.in(Frame::node(label_of(node)));
    throw;
  }
}

void GraphReader::define(const std::string& name, ValueId id) {
  if (!scope_.values.emplace(name, id).second) {
    throw Error(Fault::malformed, fmt::format("value '{}' is produced twice", name));
  }
  names_.take(name);
}

void GraphReader::read_inputs() {
  std::set<std::string> initializers;
  for (const auto& tensor : graph_proto_.initializer()) initializers.insert(tensor.name());
  std::set<std::string> asked;
  for (const auto& [name, shape] : options_.input_shapes) asked.insert(name);
  bool first = true;
  for (const auto& input : graph_proto_.input()) {
    if (input.name().empty()) throw Error(Fault::malformed, "a graph input has no name");
    if (initializers.contains(input.name())) continue;  // IR version 3 lists initializers as inputs, too
    try {
      Fact fact = fact_of(input, notes_);
      for (const std::string& key : {input.name(), std::string(first ? "" : input.name())}) {
        const auto given = options_.input_shapes.find(key);
        if (given == options_.input_shapes.end()) continue;
        const auto dims = given->second.dims();
        if (fact.dims && fact.dims->size() != dims.size()) {
          throw Error(Fault::invalid,
                      fmt::format("has the shape {}, cannot be given {}", to_string(*fact.dims), given->second.to_string()));
        }
        fact.dims = Dims(dims.begin(), dims.end());
        asked.erase(key);
      }
      first = false;
      define(input.name(), model_.graph.add_input(input.name(), std::move(fact)));
    } catch (Error& error) {
      error.in(Frame::input(input.name()));
      throw;
    }
  }
  if (!asked.empty()) throw Error(Fault::invalid, fmt::format("the model has no input '{}' to give a shape", *asked.begin()));
}

// `bytes` are the tensor's raw_data where that was left out of it.
Tensor GraphReader::take_tensor(::onnx::TensorProto& tensor, std::shared_ptr<const Buffer> bytes) {
  if (!bytes && tensor.has_raw_data() && tensor.raw_data().size() >= copied_bytes) {
    // The parsed string becomes the tensor's own memory.
    const std::shared_ptr<std::string> string(tensor.release_raw_data());
    bytes = Buffer::view(std::as_bytes(std::span(*string)), string);
  }
  if (!bytes) return import_tensor(tensor, &external_);
  const Shape shape(std::vector<std::int64_t>(tensor.dims().begin(), tensor.dims().end()));
  const auto& type = tensor.data_type();
  const bool plain = type != ::onnx::TensorProto::BOOL && is_known_dtype(type) && !tensor.has_segment() &&
                     tensor.data_location() != ::onnx::TensorProto::EXTERNAL;
  if (plain) {
    const DType dtype = import_dtype(type);
    const auto expected = checked_multiply(static_cast<std::size_t>(shape.elements()), size_of(dtype));
    if (expected == bytes->bytes().size()) return Tensor(dtype, shape, std::move(bytes));
  }
  // Says what is wrong.
  tensor.set_raw_data(bytes->bytes().data(), bytes->bytes().size());
  return import_tensor(tensor, &external_);
}

void GraphReader::read_initializers() {
  auto weight = weights_.begin();
  for (std::size_t index = 0; auto& tensor : *graph_proto_.mutable_initializer()) {
    const std::string name = tensor.name();
    std::shared_ptr<const Buffer> bytes;
    if (weight != weights_.end() && weight->index == index) bytes = std::move(weight++->bytes);
    ++index;
    try {
      if (name.empty()) throw Error(Fault::malformed, "has no name");
      if (!scope_.used.contains(name)) {
        notes_.add("used by no node: left out", fmt::format("initializer '{}'", name), "initializers");
      } else {
        define(name, model_.graph.add_constant(name, take_tensor(tensor, std::move(bytes))));
      }
    } catch (Error& error) {
      error.in(Frame::initializer(name));
      throw;
    }
    tensor.Clear();
  }
}

std::vector<int> GraphReader::order_of(const NodeList& nodes, const Scope& scope) {
  // What the nodes of a subgraph make hides values of that name around it, but not its own.
  std::set<std::string> made;
  if (scope.outer != nullptr) {
    for (const auto& node : nodes) made.insert(node.output().begin(), node.output().end());
  }
  return order(nodes, [&](const std::string& name) {
    return made.contains(name) ? scope.values.contains(name) || scope.sequences.contains(name)
                               : scope.find(name) != nullptr || scope.find_sequence(name) != nullptr;
  });
}

// What a value that a node of `scope` makes is called in the graph.
std::string GraphReader::name_in_graph(const std::string& name, const Scope& scope) {
  if (!scope.renames() || name.empty()) return name;
  const auto result = scope.results.find(name);
  return result != scope.results.end() ? result->second : names_.fresh(scope.prefix + name);
}

std::vector<ValueId> GraphReader::inputs_of(const ::onnx::NodeProto& proto, Scope& scope) {
  std::vector<ValueId> inputs;
  for (const std::string& input : proto.input()) {
    if (input.empty()) {
      inputs.push_back(ValueId::none());
    } else if (const ValueId* value = scope.find(input)) {
      inputs.push_back(*value);
    } else {
      // Only an operator that cannot run asks for a sequence itself: the node that makes one is put back.
      if (functions_.find(proto) == nullptr && find_op(domain_of(proto.domain()), proto.op_type()) != nullptr)
        throw Error(Fault::malformed, fmt::format("input {} is a sequence, expected a tensor", inputs.size()));
      const std::vector<ValueId>& parts = *scope.find_sequence(input);
      inputs.push_back(append(Opaque{"", "SequenceConstruct", {}}, parts, scope.prefix + input));
    }
  }
  return inputs;
}

ValueId GraphReader::constant(const std::string& name, Tensor value) {
  return model_.graph.add_constant(names_.fresh(name), std::move(value));
}

ValueId GraphReader::append(Op op, std::vector<ValueId> inputs, const std::string& name) {
  const std::string fresh = names_.fresh(name);
  return model_.graph.append(std::move(op), std::move(inputs), fresh, {fresh});
}

Tensor GraphReader::dense_value(const ::onnx::SparseTensorProto& sparse) {
  constexpr std::size_t most = std::size_t{256} << 20;
  Tensor dense = import_sparse(sparse, &external_);
  dense_bytes_ += dense.size_bytes();
  if (dense_bytes_ > most) throw Error(Fault::unsupported, fmt::format("sparse constants expand to more than {} bytes", most));
  return dense;
}

void GraphReader::read_graph_node(const ::onnx::NodeProto& proto) {
  try {
    read_node(proto, scope_);
  } catch (const Error& error) {
    if (error.fault() != Fault::malformed || functions_.find(proto) != nullptr || !stated_.forget(model_.graph)) throw;
    notes_.add("the shapes that the file states after operators that are not known here contradict the graph: left out");
    read_node(proto, scope_);
  }
}

void GraphReader::read_node(const ::onnx::NodeProto& proto, Scope& scope) {
  const std::string label = label_of(proto, scope.prefix);
  const auto* function = functions_.find(proto);
  try {
    int output_count = proto.output_size();
    while (output_count > 1 && proto.output(output_count - 1).empty()) --output_count;
    if (output_count == 0) throw Error(Fault::malformed, "the node has no output");
    if (function != nullptr) return call(*function, proto, inputs_of(proto, scope), scope);
    if (domain_of(proto.domain()).empty() &&
        (inline_if(proto, scope) || unroll_loop(proto, scope) || read_sequence(proto, scope)))
      return;
    import_node(proto, inputs_of(proto, scope), output_count, scope);
  } catch (Error& error) {
    error.in(function != nullptr ? Frame::call(label) : Frame::node(label));
    throw;
  }
}

// Any other node: one of the graph.
void GraphReader::import_node(const ::onnx::NodeProto& proto, std::vector<ValueId> inputs, int output_count, Scope& scope) {
  const std::string domain = domain_of(proto.domain());
  const std::string label = label_of(proto, scope.prefix);
  std::vector<std::string> outputs;
  std::vector<bool> read;
  for (int i = 0; i < output_count; ++i) {
    outputs.push_back(name_in_graph(proto.output(i), scope));
    read.push_back(scope.used.contains(proto.output(i)));
  }
  std::string name = scope.prefix + proto.name();
  NodeImport node{NodeReader(proto, scope.opset, &external_),
                  model_.graph,
                  names_,
                  notes_,
                  !proto.name().empty() ? name : outputs.front(),
                  label,
                  std::move(inputs),
                  std::move(outputs),
                  std::move(read)};
  if (proto.name().empty()) name.clear();
  const OpRow* row = find_op(domain, proto.op_type());
  if (const auto* sparse = sparse_value_of(proto); sparse != nullptr && domain.empty())
    return add_node(proto, node, name, Constant{dense_value(*sparse)}, scope);
  Op op = row != nullptr ? import_known(*row, node) : import_unknown(proto, domain, node, scope);
  for (const std::string& attribute : node.attributes.unread()) {
    notes_.add(fmt::format("attribute '{}' is not known and was not read", attribute), label);
  }
  add_node(proto, node, name, std::move(op), scope);
}

Op GraphReader::import_known(const OpRow& row, NodeImport& node) {
  if (row.type != "Constant" && !node.has_input(0)) {
    throw Error(Fault::malformed, node.inputs.empty() ? "the node has no input" : "input 0 is left out, but is not optional");
  }
  return row.import(node);
}

Op GraphReader::import_unknown(const ::onnx::NodeProto& proto, const std::string& domain, NodeImport& node, const Scope& scope) {
  if (proto.op_type().empty()) throw Error(Fault::malformed, "the node has no operator");
  if (scope.renames()) {
    if (has_subgraph(proto)) {
      throw Error(Fault::unsupported, fmt::format("a subgraph within a {} cannot be read unless its condition is known",
                                                  scope.function != nullptr ? "function" : "subgraph"));
    }
    // An operator that we do not know is written as a node of the graph, whose opset may give it another meaning.
    if (domain.empty() && scope.opset != scope_.opset) {
      throw Error(Fault::unsupported,
                  fmt::format("is not known, and its function is of opset {}, not {} as the graph", scope.opset, scope_.opset));
    }
  }
  return Opaque{domain, proto.op_type(), node.attributes.all()};
}

void GraphReader::add_node(const ::onnx::NodeProto& proto, NodeImport& node, const std::string& name, Op op, Scope& scope) {
  while (!node.inputs.empty() && node.inputs.back().is_none()) node.inputs.pop_back();
  ValueId id;
  if (auto* constant = get_if<Constant>(&op)) {
    if (node.outputs.size() != 1 || !node.inputs.empty()) {
      throw Error(Fault::malformed,
                  fmt::format("{} inputs and {} outputs, expected none and 1", node.inputs.size(), node.outputs.size()));
    }
    id = model_.graph.add_constant(node.outputs.front(), std::move(constant->value));
    if (!name.empty()) model_.graph.node(id.node).name = name;
  } else {
    id = model_.graph.append(std::move(op), node.inputs, name, node.outputs);
  }
  Node& made = model_.graph.node(id.node);
  if (!scope.renames()) stated_.give_to(made, id.node);
  made.doc_string = proto.doc_string();
  for (const auto& entry : proto.metadata_props()) made.metadata[entry.key()] = entry.value();
  for (std::size_t slot = 0; slot < made.outputs.size(); ++slot) {
    const std::string& output = proto.output(static_cast<int>(slot));
    if (!output.empty()) scope.values.emplace(output, ValueId{id.node, static_cast<std::int32_t>(slot)});
  }
}

void GraphReader::read_outputs() {
  std::vector<ValueId> outputs;
  for (const auto& output : graph_proto_.output()) {
    const auto* parts = scope_.find_sequence(output.name());
    if (parts != nullptr && !scope_.values.contains(output.name())) {
      model_.graph.append(Opaque{"", "SequenceConstruct", {}}, *parts, "", {output.name()});
      scope_.values.emplace(output.name(), ValueId{static_cast<NodeId>(model_.graph.nodes().size() - 1), 0});
    }
    const auto value = scope_.values.find(output.name());
    if (value == scope_.values.end()) {
      throw Error(Fault::malformed,
                  fmt::format("graph output '{}' is produced by no node, initializer or graph input", output.name()));
    }
    outputs.push_back(value->second);
    if (model_.graph.fact(value->second).has_rank()) continue;
    if (auto dims = declared_dims(output)) model_.declared_outputs[output.name()] = std::move(*dims);
  }
  if (outputs.empty()) throw Error(Fault::malformed, "the graph has no output");
  model_.graph.set_outputs(std::move(outputs));
}

Model read_model(::onnx::ModelProto& proto, std::vector<LargeWeight> weights, ExternalFiles external,
                 const ReadOptions& options) {
  if (!proto.has_graph() || (proto.graph().node_size() == 0 && proto.graph().output_size() == 0)) {
    throw Error(Fault::malformed, "is not an ONNX model: it has no graph");
  }
  if (proto.graph().node_size() > most_nodes) {
    throw Error(Fault::unsupported,
                fmt::format("the graph has {} nodes, expected at most {}", proto.graph().node_size(), most_nodes));
  }
  return GraphReader(proto, std::move(weights), std::move(external), options).run();
}

}  // namespace resnet::onnx

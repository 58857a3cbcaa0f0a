#include "formats/onnx/model_writer.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "formats/onnx/metadata.h"
#include "formats/onnx/node_import.h"
#include "formats/onnx/older_forms.h"
#include "formats/onnx/older_operators.h"
#include "formats/onnx/opset.h"
#include "formats/onnx/subgraphs.h"
#include "formats/onnx/tensors.h"
#include "formats/onnx/version_check.h"
#include "lib/base/error.h"
#include "lib/graph/stated.h"

namespace resnet::onnx {

namespace {

// The IR version that came with each opset.
std::int64_t ir_version_of(int opset) {
  if (opset <= 8) return 3;
  if (opset == 9) return 4;
  if (opset == 10) return 5;
  if (opset == 11) return 6;
  if (opset <= 14) return 7;
  if (opset <= 18) return 8;
  if (opset <= 20) return 9;
  if (opset <= 22) return 10;
  return opset == 23 ? 11 : 12;
}

class Writer {
 public:
  Writer(const Model& model, int opset, const WriteOptions& options, OlderForms forms = OlderForms::any)
      : model_(model),
        opset_(opset),
        older_(older_forms(model.graph, opset, forms)),
        graph_(older_ ? *older_ : model.graph),
        options_(options) {}

  // Nodes alone, for what they throw.
  void try_nodes() {
    name_values();
    for (std::size_t id = 0; id < graph_.nodes().size(); ++id) write_node(static_cast<NodeId>(id));
  }

  ModelFile run() {
    if (opset_ < oldest_written_opset || opset_ > newest_opset) {
      throw Error(Fault::invalid,
                  fmt::format("opset {} cannot be written, expected {} to {}", opset_, oldest_written_opset, newest_opset));
    }
    proto_.set_ir_version(ir_version_of(opset_));
    proto_.set_producer_name("resnet-cli");
    proto_.set_model_version(model_.provenance.model_version);
    if (!options_.strip_metadata) {
      proto_.set_doc_string(model_.provenance.doc_string);
      proto_.set_domain(model_.provenance.domain);
    }
    add_opset("", opset_);
    for (const std::string& domain : other_domains()) {
      const auto version = model_.provenance.opsets.find(domain);
      add_opset(domain, version != model_.provenance.opsets.end() ? version->second : 1);
    }
    for (const auto& [key, value] : options_.strip_metadata ? std::map<std::string, std::string>() : written_metadata(model_)) {
      auto& entry = *proto_.add_metadata_props();
      entry.set_key(key);
      entry.set_value(value);
    }
    auto& graph = *proto_.mutable_graph();
    graph.set_name(graph_.name.empty() ? "network" : graph_.name);
    if (!options_.strip_metadata) graph.set_doc_string(graph_.doc_string);
    name_values();
    for (ValueId input : graph_.inputs()) write_value(*graph.add_input(), input);
    for (std::size_t id = 0; id < graph_.nodes().size(); ++id) write_node(static_cast<NodeId>(id));
    write_initializers();
    for (ValueId output : graph_.outputs()) write_value(*graph.add_output(), output);
    write_stated();
    return {std::move(proto_), std::move(external_)};
  }

 private:
  void add_opset(const std::string& domain, std::int64_t version) {
    auto& import = *proto_.add_opset_import();
    import.set_domain(domain);
    import.set_version(version);
  }

  std::set<std::string> other_domains() const {
    std::set<std::string> domains;
    for (const Node& node : graph_.nodes()) {
      if (const std::string_view domain = domain_of(node.op); !domain.empty()) domains.emplace(domain);
    }
    return domains;
  }

  // Every value that is read gets a name of its own; those that have one keep it.
  void name_values() {
    Names taken;
    names_.resize(graph_.nodes().size());
    for (const Node& node : graph_.nodes()) {
      for (const Value& value : node.outputs) {
        if (!value.name.empty() && !taken.take(value.name)) {
          throw Error(Fault::internal, Frame::node(describe(node)), fmt::format("value '{}' is made twice", value.name));
        }
      }
    }
    std::vector<std::set<std::int32_t>> read(graph_.nodes().size());
    for (const Node& node : graph_.nodes()) {
      for (ValueId input : node.inputs) {
        if (!input.is_none()) read[static_cast<std::size_t>(input.node)].insert(input.slot);
      }
    }
    for (std::size_t id = 0; id < names_.size(); ++id) {
      const Node& node = graph_.nodes()[id];
      for (std::size_t slot = 0; slot < node.outputs.size(); ++slot) {
        std::string name = node.outputs[slot].name;
        if (name.empty() && (read[id].contains(static_cast<std::int32_t>(slot)) || node.outputs.size() == 1)) {
          name = taken.fresh(fmt::format("{}_output", node.name.empty() ? fmt::format("node{}", id) : node.name));
        }
        if (!name.empty()) by_name_.emplace(name, ValueId{static_cast<NodeId>(id), static_cast<std::int32_t>(slot)});
        names_[id].push_back(std::move(name));
      }
    }
  }
  const std::string& name_of(ValueId id) const {
    return names_[static_cast<std::size_t>(id.node)][static_cast<std::size_t>(id.slot)];
  }

  void write_value(::onnx::ValueInfoProto& info, ValueId id) const {
    info.set_name(name_of(id));
    const Fact& fact = graph_.fact(id);
    auto& type = *info.mutable_type()->mutable_tensor_type();
    if (fact.dtype) type.set_elem_type(export_dtype(*fact.dtype));
    const auto declared = model_.declared_outputs.find(name_of(id));
    const Dims* dims = fact.dims ? &*fact.dims : declared != model_.declared_outputs.end() ? &declared->second : nullptr;
    if (dims == nullptr) return;
    auto& shape = *type.mutable_shape();
    for (const Dim& dim : *dims) {
      auto& entry = *shape.add_dim();
      if (dim.is_number()) {
        entry.set_dim_value(dim.number());
      } else {
        entry.set_dim_param(dim.to_string());
      }
    }
  }

  // What nobody can infer who does not know the operator.
  void write_stated() {
    const std::set<ValueId> outputs(graph_.outputs().begin(), graph_.outputs().end());
    const std::vector<bool> after = after_unknown(graph_);
    for (std::size_t id = 0; id < graph_.nodes().size(); ++id) {
      const Node& node = graph_.nodes()[id];
      if (!after[id]) continue;
      for (std::size_t slot = 0; slot < node.outputs.size(); ++slot) {
        const ValueId value{static_cast<NodeId>(id), static_cast<std::int32_t>(slot)};
        const bool has_type = graph_.fact(value).dtype.has_value();  // without it ONNX takes no entry
        if (has_type && !outputs.contains(value) && !name_of(value).empty())
          write_value(*proto_.mutable_graph()->add_value_info(), value);
      }
    }
  }

  void write_node(NodeId id) {
    const Node& node = graph_.node(id);
    // Constants become initializers, but only those that are still read (see write_initializers).
    if (holds_alternative<Input>(node.op) || holds_alternative<Constant>(node.op)) return;
    auto& proto = *proto_.mutable_graph()->add_node();
    proto.set_name(node.name);
    if (!options_.strip_metadata) proto.set_doc_string(node.doc_string);
    NodeExport out(proto, graph_, node, opset_);
    try {
      if (const auto* opaque = get_if<Opaque>(&node.op)) {
        proto.set_domain(opaque->domain);
        proto.set_op_type(opaque->type);
        write_opaque(*opaque, out, proto);
      } else {
        const OpTraits& traits = traits_of(node.op);
        const OpRow* row = find_op(traits.domain, traits.type);
        if (row == nullptr) throw Error(Fault::internal, "the operator has no row in the table of operators");
        if (!traits.domain.empty()) proto.set_domain(std::string(traits.domain));
        proto.set_op_type(std::string(traits.type));
        if (traits.domain.empty() && opset_ < row->since)
          out.needs_opset(lowest_opset(node, *row), "the operator is not there yet");
        row->write(node.op, out);
      }
      std::vector<std::string> inputs;
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        const bool left_out = node.inputs[i].is_none() || out.is_taken(i);
        inputs.push_back(left_out ? "" : name_of(node.inputs[i]));
        if (!left_out) read_.insert(node.inputs[i]);
      }
      while (!inputs.empty() && inputs.back().empty()) inputs.pop_back();
      for (std::string& input : inputs) proto.add_input(std::move(input));
      for (std::size_t slot = 0; slot < node.outputs.size(); ++slot) proto.add_output(names_[static_cast<std::size_t>(id)][slot]);
      if (domain_of(node.op).empty() && !holds_alternative<Opaque>(node.op)) check_dtypes(proto, graph_, node, opset_);
    } catch (Error& error) {
      error.in(Frame::node(describe(node)));
      throw;
    }
    if (opset_ >= 21 && !options_.strip_metadata) {  // IR version 10 brought metadata to nodes
      for (const auto& [key, value] : node.metadata) {
        auto& entry = *proto.add_metadata_props();
        entry.set_key(key);
        entry.set_value(value);
      }
    }
  }

  // That has the operator, or others that define it.
  std::int64_t lowest_opset(const Node& node, const OpRow& row) const {
    for (std::int64_t opset = opset_ + 1; opset < row.since; ++opset) {
      if (replacement_of(graph_, node, opset, OlderForms::any) != nullptr) return opset;
    }
    return row.since;
  }

  void write_opaque(const Opaque& op, NodeExport& out, ::onnx::NodeProto& proto) {
    const auto opset = model_.provenance.opsets.find("");
    const std::int64_t from = opset != model_.provenance.opsets.end() ? opset->second : opset_;
    check_same_version(op, from, opset_);
    for (const auto& [name, value] : op.attributes) out.set(name, value);
    if (!has_subgraph(proto)) return;
    if (from != opset_) {
      throw Error(Fault::unsupported,
                  fmt::format("cannot be written at opset {}: it holds a subgraph of opset {}", opset_, from));
    }
    std::set<std::string> captured;
    for (const auto& attribute : proto.attribute()) collect_captured(attribute, captured);
    for (const std::string& name : captured) {
      const auto value = by_name_.find(name);
      if (value == by_name_.end()) {
        throw Error(Fault::unsupported, fmt::format("its subgraph reads value '{}', which is not in the graph any more", name));
      }
      read_.insert(value->second);
    }
  }

  void write_initializers() {
    auto& graph = *proto_.mutable_graph();
    for (ValueId output : graph_.outputs()) read_.insert(output);
    for (std::size_t id = 0; id < graph_.nodes().size(); ++id) {
      const auto* constant = get_if<Constant>(&graph_.nodes()[id].op);
      const ValueId value{static_cast<NodeId>(id), 0};
      if (constant == nullptr || !read_.contains(value)) continue;
      write_initializer(constant->value, name_of(value), *graph.add_initializer());
      // IR version 3 wants each initializer to be an input, too.
      if (proto_.ir_version() < 4) write_value(*graph.add_input(), value);
    }
  }

  // Large ones into the file of external data, where there is one: their bytes are written by who writes the files.
  void write_initializer(const Tensor& tensor, const std::string& name, ::onnx::TensorProto& proto) {
    if (options_.external_data.empty() || tensor.size_bytes() < options_.external_above)
      return export_tensor(tensor, name, proto);
    proto.set_name(name);
    proto.set_data_type(export_dtype(tensor.dtype()));
    for (const std::int64_t dim : tensor.shape().dims()) proto.add_dims(dim);
    proto.set_data_location(::onnx::TensorProto::EXTERNAL);
    const std::size_t offset = (external_size_ + external_alignment - 1) / external_alignment * external_alignment;
    const auto add = [&](const char* key, const std::string& value) {
      auto& entry = *proto.add_external_data();
      entry.set_key(key);
      entry.set_value(value);
    };
    add("location", options_.external_data);
    add("offset", std::to_string(offset));
    add("length", std::to_string(tensor.size_bytes()));
    external_.push_back({offset, tensor});
    external_size_ = offset + tensor.size_bytes();
  }

  static constexpr std::size_t external_alignment = 64;
  std::vector<ExternalWeight> external_;
  std::size_t external_size_ = 0;
  const Model& model_;
  const int opset_;
  const std::optional<Graph> older_;
  const Graph& graph_;  // that, or the model's
  WriteOptions options_;
  ::onnx::ModelProto proto_;
  std::vector<std::vector<std::string>> names_;
  std::map<std::string, ValueId> by_name_;
  std::set<ValueId> read_;
};

}  // namespace

ModelFile write_model(const Model& model, int opset, const WriteOptions& options) { return Writer(model, opset, options).run(); }

void check_nodes(const Model& model, int opset, const WriteOptions& options) {
  Writer(model, opset, options, OlderForms::same_operators).try_nodes();
}

}  // namespace resnet::onnx

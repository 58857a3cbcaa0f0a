// One node on its way in and out: what the operators' import and export functions work on.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "formats/onnx/node_reader.h"

namespace resnet::onnx {

// A node of the file whose inputs are values of the graph already. An import function reads attributes, brings the inputs into
// the newest operator version's form, and returns the operator.
struct NodeImport {
  NodeReader attributes;
  Graph& graph;
  std::string name;
  std::vector<ValueId> inputs;
  std::vector<std::string> outputs;  // names; an output that is dropped here must not be used
  std::set<std::string>& used;       // the names of all values that some node or the graph's outputs read
  std::vector<std::string>& notes;

  std::int64_t opset() const { return attributes.opset(); }
  bool has_input(std::size_t index) const { return index < inputs.size() && !inputs[index].is_none(); }
  const Fact& fact(std::size_t index) const { return graph.fact(inputs[index]); }
  // Puts a constant of the graph as input `index`: how attributes of old versions become inputs.
  void set_input(std::size_t index, const std::string& suffix, Tensor value);
  void set_input(std::size_t index, const std::string& suffix, const std::vector<std::int64_t>& list);
  // Drops outputs from `count` on, where no one reads them.
  void drop_outputs(std::size_t count);
};

using ImportFunction = Op (*)(NodeImport& node);

// A node on its way out to one opset. Constant inputs that an older version has as an attribute are taken out of the inputs.
class NodeExport {
 public:
  NodeExport(::onnx::NodeProto& proto, const Graph& graph, const Node& node, std::int64_t opset)
      : proto_(proto), graph_(graph), node_(node), opset_(opset) {}

  std::int64_t opset() const { return opset_; }
  const Node& node() const { return node_; }
  bool has_input(std::size_t index) const { return index < node_.inputs.size() && !node_.inputs[index].is_none(); }
  const Fact& fact(std::size_t index) const { return graph_.fact(node_.inputs[index]); }

  void set(const std::string& name, std::int64_t value);
  void set(const std::string& name, float value);
  void set(const std::string& name, const std::string& value);
  void set(const std::string& name, const std::vector<std::int64_t>& value);
  void set(const std::string& name, const std::vector<float>& value);
  void set(const std::string& name, const Tensor& value);
  void set(const std::string& name, const Attribute& value);
  // Only where it is not ONNX's default, so that files stay small and equal.
  template <typename T>
  void set_unless(const std::string& name, const T& value, const T& usual) {
    if (value != usual) set(name, value);
  }
  void set_list(const std::string& name, const std::vector<std::int64_t>& value) {
    if (!value.empty()) set(name, value);
  }

  // The constant integers of an input that becomes an attribute: drops the input. Throws Error(unsupported) where it is not
  // constant.
  std::vector<std::int64_t> take_integers(std::size_t index, std::int64_t first_opset_with_input);
  std::optional<Tensor> take_tensor(std::size_t index, std::int64_t first_opset_with_input);
  bool is_taken(std::size_t index) const { return taken_.contains(index); }

  // Throws Error(unsupported): what cannot be written at this opset, and the lowest opset that can.
  [[noreturn]] void needs_opset(std::int64_t opset, const std::string& what) const;

 private:
  ::onnx::NodeProto& proto_;
  const Graph& graph_;
  const Node& node_;
  std::int64_t opset_;
  std::set<std::size_t> taken_;
};

using ExportFunction = void (*)(const Op& op, NodeExport& node);

// One row per operator: its import and its export, side by side in ops/.
struct OpRow {
  std::string_view type;  // ONNX's name, domain ""
  std::int64_t since;     // the lowest opset that has it
  ImportFunction import;
  ExportFunction write;
};
// Sorted by type.
std::span<const OpRow> op_table();
const OpRow* find_op(std::string_view type);

}  // namespace resnet::onnx

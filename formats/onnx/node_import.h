// One node on its way in and out: what the operators' import and export functions work on.
#pragma once

#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "formats/onnx/node_reader.h"
#include "formats/onnx/notes.h"

namespace resnet::onnx {

// Makes names that no value of a graph has yet.
class Names {
 public:
  // The name itself where it is new, else with "_1", "_2", ... after it. It is taken from then on.
  std::string fresh(const std::string& name);
  bool take(const std::string& name) { return taken_.insert(name).second; }

 private:
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, std::int64_t> last_;  // the number after the name that was given out last
};

// A node of the file whose inputs are values of the graph already. An import function reads attributes, brings the inputs into
// the newest operator version's form, and returns the operator.
struct NodeImport {
  NodeReader attributes;
  Graph& graph;
  Names& names;
  Notes& notes;
  std::string name;   // or its first output's, where it has none
  std::string label;  // "node 'conv1' (Conv)"
  std::vector<ValueId> inputs;
  std::vector<std::string> outputs;  // the values' names
  std::vector<bool> read;            // one per output: whether some node or the graph's outputs read it

  std::int64_t opset() const { return attributes.opset(); }
  bool has_input(std::size_t index) const { return index < inputs.size() && !inputs[index].is_none(); }
  // Throws Error(malformed) where there is no such input.
  const Fact& fact(std::size_t index) const;
  bool is_read(std::size_t output) const { return output < outputs.size() && read[output]; }

  // Puts a constant of the graph as input `index`: how attributes of old versions become inputs.
  void set_input(std::size_t index, const std::string& suffix, Tensor value);
  void set_input(std::size_t index, const std::string& suffix, const std::vector<std::int64_t>& list);
  // A scalar of the first input's dtype where that is a floating-point type, else float.
  void set_scalar(std::size_t index, const std::string& suffix, float value);
  // Puts `op`(input `index`, `list`) as input `index`.
  void wrap_input(std::size_t index, const std::string& suffix, Op op, const std::vector<std::int64_t>& list);
  // Drops outputs from `count` on. Throws Error(unsupported) where one is read.
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
  // The only element of a constant input that becomes an attribute.
  std::optional<float> take_scalar(std::size_t index, std::int64_t first_opset_with_input);
  bool is_taken(std::size_t index) const { return taken_.contains(index); }

  // Negative axes are there since opset 11: for older ones they are made positive. Throws Error(unsupported) where the rank is
  // not known.
  std::int64_t axis(std::int64_t axis, std::optional<std::size_t> rank) const;
  std::vector<std::int64_t> axes(std::vector<std::int64_t> axes, std::optional<std::size_t> rank) const;
  std::optional<std::size_t> rank(std::size_t index) const;

  // Throws Error(unsupported): what cannot be written at this opset, and the lowest opset that can.
  [[noreturn]] void needs_opset(std::int64_t opset, const std::string& what) const;
  // The same for what only old opsets can.
  [[noreturn]] void needs_opset_below(std::int64_t opset, const std::string& what) const;

 private:
  ::onnx::NodeProto& proto_;
  const Graph& graph_;
  const Node& node_;
  std::int64_t opset_;
  std::set<std::size_t> taken_;
};

using ExportFunction = void (*)(const Op& op, NodeExport& node);

// One row per operator (op_table.cc).
struct OpRow {
  std::string_view type;
  std::int64_t since;  // the lowest opset (its domain's) that has it
  ImportFunction import;
  ExportFunction write;          // null for what becomes other operators as it is read
  std::string_view domain = {};  // ONNX's own is empty
};
// Sorted by type.
std::span<const OpRow> op_table();
const OpRow* find_op(std::string_view domain, std::string_view type);

}  // namespace resnet::onnx

// The reader of a graph, shared by the files that read its parts: nodes and calls of functions (graph_reader.cc), the subgraphs
// of If and Loop (inlining.cc) and sequences (sequences.cc).
#pragma once

#include <onnx/onnx_pb.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "formats/onnx/functions.h"
#include "formats/onnx/node_import.h"
#include "formats/onnx/node_order.h"
#include "formats/onnx/read.h"
#include "formats/onnx/skeleton.h"
#include "formats/onnx/stated_values.h"
#include "formats/onnx/tensors.h"
#include "lib/graph/graph.h"
#include "lib/model/model.h"

namespace resnet::onnx {

// A list of nodes with the names that they see: the graph, one call of a function, or a subgraph that is put in place of its
// node.
struct Scope {
  const ::onnx::FunctionProto* function = nullptr;  // null for graphs
  const Scope* outer = nullptr;                     // whose names a subgraph sees, too
  std::string prefix;                               // of the names in a function or a subgraph
  std::int64_t opset = 1;                           // of ONNX's own domain
  std::unordered_map<std::string, ValueId> values;
  // The values of a sequence: none is one when the graph runs.
  std::unordered_map<std::string, std::vector<ValueId>> sequences;
  std::set<std::string> used;                  // names that some node or the outputs read
  std::map<std::string, std::string> results;  // what outputs of a function or a subgraph are called in the graph

  // Whether names have to be made for what its nodes produce.
  bool renames() const { return function != nullptr || outer != nullptr; }
  // Null where no such value, or sequence, is seen from here.
  const ValueId* find(const std::string& name) const;
  const std::vector<ValueId>* find_sequence(const std::string& name) const;
};

class GraphReader {
 public:
  GraphReader(::onnx::ModelProto& proto, std::vector<LargeWeight> weights, ExternalFiles external, const ReadOptions& options);
  Model run();

 private:
  void add_call(const ::onnx::NodeProto& node);
  void define(const std::string& name, ValueId id);
  void read_inputs();
  void read_initializers();
  void read_outputs();
  Tensor take_tensor(::onnx::TensorProto& tensor, std::shared_ptr<const Buffer> bytes);
  std::vector<int> order_of(const NodeList& nodes, const Scope& scope);
  std::string name_in_graph(const std::string& name, const Scope& scope);

  void read_graph_node(const ::onnx::NodeProto& proto);
  void read_node(const ::onnx::NodeProto& proto, Scope& scope);
  void import_node(const ::onnx::NodeProto& proto, std::vector<ValueId> inputs, int output_count, Scope& scope);
  std::vector<ValueId> inputs_of(const ::onnx::NodeProto& proto, Scope& scope);
  Op import_known(const OpRow& row, NodeImport& node);
  Op import_unknown(const ::onnx::NodeProto& proto, const std::string& domain, NodeImport& node, const Scope& scope);
  void add_node(const ::onnx::NodeProto& proto, NodeImport& node, const std::string& name, Op op, Scope& scope);
  std::string prefix_of(const ::onnx::NodeProto& caller, const Scope& outer);
  void call(const ::onnx::FunctionProto& function, const ::onnx::NodeProto& caller, const std::vector<ValueId>& inputs,
            Scope& outer);
  // Counts the bytes of what is put in place of a node. Throws Error(unsupported) where it has become too much.
  void count_expanded(std::size_t bytes);
  // The dense tensor of a Constant's sparse one. Throws Error(unsupported) where they all together have become too large.
  Tensor dense_value(const ::onnx::SparseTensorProto& sparse);
  // Keeps the values of a sequence under a name; false, and nothing done, where there would be too many of all sequences.
  bool keep_sequence(const std::string& name, std::vector<ValueId> values, Scope& scope);
  // Whether so many nodes more may be put in place of others; they are counted where they may.
  bool may_expand(std::size_t nodes);

  // A constant of the graph, or a node, under a name that is new.
  ValueId constant(const std::string& name, Tensor value);
  ValueId append(Op op, std::vector<ValueId> inputs, const std::string& name);

  // What a name of a subgraph stands for: a value of the graph, or the values of a sequence.
  using Bound = std::variant<ValueId, std::vector<ValueId>>;
  void bind(const std::string& name, const Bound& bound, Scope& scope);
  std::optional<Bound> find(const std::string& name, const Scope& scope) const;
  // Whether an If or a Loop was dealt with: its condition, or how often it runs, is known.
  bool inline_if(const ::onnx::NodeProto& proto, Scope& scope);
  bool unroll_loop(const ::onnx::NodeProto& proto, Scope& scope);
  // A scope within `outer` for a subgraph of `proto`.
  Scope scope_within(const ::onnx::NodeProto& proto, const Scope& outer, const std::string& part);
  // Reads the nodes of a subgraph in a scope that has its inputs. What its outputs are.
  std::vector<Bound> read_subgraph(const ::onnx::GraphProto& graph, Scope& scope);
  // Lets the node's output `index` be `bound`.
  void bind_output(const ::onnx::NodeProto& proto, int index, const Bound& bound, Scope& scope);

  // Whether a node that makes, takes apart or joins a sequence was dealt with.
  bool read_sequence(const ::onnx::NodeProto& proto, Scope& scope);
  bool split_to_sequence(const ::onnx::NodeProto& proto, Scope& scope);
  bool concat_from_sequence(const ::onnx::NodeProto& proto, Scope& scope);

  ::onnx::ModelProto& proto_;
  ::onnx::GraphProto& graph_proto_;
  const ReadOptions& options_;
  std::vector<LargeWeight> weights_;
  ExternalFiles external_;
  Model model_;
  Names names_;
  Notes notes_;
  Scope scope_;  // the graph's
  StatedValues stated_;
  Functions functions_;
  std::size_t expanded_bytes_ = 0, expanded_nodes_ = 0;  // put in place of calls and subgraphs so far
  std::size_t dense_bytes_ = 0, sequence_values_ = 0;    // of sparse constants, of all sequences
  std::size_t cut_prefixes_ = 0;
  std::set<std::string> graph_outputs_;
};

}  // namespace resnet::onnx

// The graph: ONNX's operators, names and NCHW; every fact known as soon as a node is appended.
#pragma once

#include <compare>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "lib/graph/op.h"

namespace resnet {

using NodeId = std::int32_t;

// One output of one node. Ids do not outlive a rewrite: a pass makes a new graph.
struct ValueId {
  NodeId node = -1;
  std::int32_t slot = 0;
  // An optional input that is left out.
  static constexpr ValueId none() { return {}; }
  bool is_none() const { return node < 0; }
  friend auto operator<=>(const ValueId&, const ValueId&) = default;
};

struct Value {
  std::string name;  // empty where an output is not wanted
  Fact fact;
};

struct Node {
  std::string name;
  Op op;
  std::vector<ValueId> inputs;
  std::vector<Value> outputs;
  std::string doc_string;
  std::map<std::string, std::string> metadata;
};

// "node 'layer1.0.conv1' (Conv)", or by its first output where it has no name: how errors name a node.
std::string describe(const Node& node);
// A node's own name, else that of its first output.
const std::string& name_of(const Node& node);

class Graph {
 public:
  std::string name, doc_string;

  ValueId add_input(std::string name, Fact fact);
  ValueId add_constant(std::string name, Tensor value);
  // Infers at once. One output for each name (one without a name where none is given). Inputs must exist already, so nodes are in
  // an order in which they can run. Throws Error(malformed) that begins with the node's description.
  ValueId append(Op op, std::vector<ValueId> inputs, std::string name, std::vector<std::string> output_names = {""});
  void set_outputs(std::vector<ValueId> outputs) { outputs_ = std::move(outputs); }

  std::span<const ValueId> inputs() const { return inputs_; }
  std::span<const ValueId> outputs() const { return outputs_; }
  std::span<const Node> nodes() const { return nodes_; }
  const Node& node(NodeId id) const { return nodes_[static_cast<std::size_t>(id)]; }
  Node& node(NodeId id) { return nodes_[static_cast<std::size_t>(id)]; }  // for names, doc strings and metadata
  const Value& value(ValueId id) const { return node(id.node).outputs[static_cast<std::size_t>(id.slot)]; }
  Value& value(ValueId id) { return node(id.node).outputs[static_cast<std::size_t>(id.slot)]; }  // for names
  const Fact& fact(ValueId id) const { return value(id).fact; }

  // For every node its consumers, one entry per use, in order; a graph output does not count.
  std::vector<std::vector<NodeId>> consumers() const;

 private:
  std::vector<Node> nodes_;
  std::vector<ValueId> inputs_, outputs_;
};

// The same nodes with other facts for the inputs (numbers for symbols, or values: a known value turns an Input's facts constant).
// Ids stay. Throws Error(malformed) where they do not fit.
Graph with_input_facts(const Graph& graph, std::span<const Fact> input_facts);

// Invariants that append() cannot see: every output exists, names are unique, no symbol is left unnamed. All findings at once.
std::vector<std::string> verify(const Graph& graph);

// One line per node, stable: "%name = Conv(%x, %w) {strides=[2,2]} : float Nx64x112x112". Weights as their facts, not their data;
// tensors of up to 8 elements in full.
std::string print(const Graph& graph);

}  // namespace resnet

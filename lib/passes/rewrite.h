// How a pass makes a new graph out of an old one: node by node, keeping names, doc strings and metadata.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "lib/graph/graph.h"

namespace resnet {

// Who reads the values of a graph, and which of them it gives out: looked up without a walk over either. `graph` outlives it.
class Readers {
 public:
  explicit Readers(const Graph& graph);

  bool is_output(ValueId value) const;
  // The nodes that read an output of a node, one entry per use.
  const std::vector<NodeId>& of(NodeId id) const { return consumers_[static_cast<std::size_t>(id)]; }
  // The one node that reads a value; nothing where there are several (or one that reads it twice), where it is an output of the
  // graph, or where its node has other outputs that are read.
  std::optional<NodeId> only(ValueId value) const;
  // Whether something reads an output of the node other than its first, or the graph gives one out.
  bool others_are_read(NodeId id) const;

 private:
  const Graph& graph_;
  std::vector<std::vector<NodeId>> consumers_;
  std::vector<ValueId> outputs_;  // sorted
};

// By node: whether an output of the graph is computed from it.
std::vector<bool> needed_nodes(const Graph& graph);

// Replays `old` into a new graph. The pass looks at each node of the old graph and lets it be copied, or says which value of the
// new graph stands for each of its outputs that is still read. `old` outlives it.
class Rewriter {
 public:
  explicit Rewriter(const Graph& old);

  Graph& graph() { return new_; }

  // The value of the new graph that stands for one of the old graph's.
  ValueId map(ValueId old_value) const;
  // All inputs of an old node, mapped.
  std::vector<ValueId> inputs_of(NodeId id) const;
  // Copies a node; `op` and `inputs` (of the new graph) replace its own where given.
  ValueId copy(NodeId id, std::optional<Op> op = std::nullopt, std::optional<std::vector<ValueId>> inputs = std::nullopt);
  // Lets a value of the new graph stand for an old one. An output of the graph hands its name on.
  void replace(ValueId old_value, ValueId new_value);
  // The same for the first output of a node that does nothing; false, and nothing done, where the node has to stay: it is an
  // output of the graph, and `new_value` is an input or another output, which has a name of its own.
  bool forward(NodeId id, ValueId new_value);
  // This name, or with "_1", "_2", ... after it where a value has it; it is taken then.
  std::string fresh(const std::string& name);
  // A constant by a fresh name.
  ValueId add_constant(const std::string& name, Tensor value);
  // The name of an old value that will not be copied may be given to another.
  void release_name(ValueId old_value);

  // Calls visit(id) for each node in order: true where the pass has dealt with it, else it is copied. Returns the new graph.
  Graph run(const std::function<bool(NodeId)>& visit);

 private:
  // Of the old graph's values and of what was added; made when the first of them is asked for, which most passes never do.
  std::unordered_set<std::string>& names();
  // Records that `new_value` stands for an old one.
  void note_output(ValueId old_value, ValueId new_value);

  const Graph& old_;
  Graph new_;
  std::vector<std::vector<ValueId>> values_;  // by old node and slot
  std::optional<std::unordered_set<std::string>> names_;
  std::unordered_map<std::string, std::int64_t> last_;  // the number that was given last after a name
  std::set<ValueId> carriers_;                          // values of the new graph that stand for outputs of the old one
  std::vector<ValueId> old_outputs_;                    // sorted
};

// As Readers has it, for a single look: it walks over the graph's outputs.
bool is_output(const Graph& graph, ValueId value);

}  // namespace resnet

// What of a network is computed in 8-bit integers, and which values share their parameters.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "lib/graph/graph.h"
#include "lib/passes/passes.h"
#include "lib/quantize/range.h"

namespace resnet::quantize {

// What a node is for who quantizes.
enum class Kind : std::uint8_t {
  none,         // stays in floats
  weighted,     // Conv, Gemm, MatMul by constant weights
  addition,     // of two computed values
  average,      // AveragePool, GlobalAveragePool
  elementwise,  // a function of what is quantized, or a product or a concatenation of it
  rectifier,    // Relu, or Clip from 0: elementwise, and may vanish into the rounding of what is before it
  passing,      // keeps the values that it is given, and so their parameters: MaxPool, Reshape, Slice, ...
};

// The graph ready to be quantized: constants and batch norm folded, in float32, every value with a name. Throws Error(invalid)
// where it is quantized already.
Graph prepare(const Graph& graph, PassLog& log);

class Scheme {
 public:
  // `graph` is as prepare() gives it and outlives the scheme. Nodes of `kept` stay in floats.
  Scheme(const Graph& graph, Activations activations, const std::set<NodeId>& kept);

  const Graph& graph() const { return graph_; }
  Activations activations() const { return activations_; }
  Kind kind(NodeId id) const { return kinds_[static_cast<std::size_t>(id)]; }
  // The rectifier that alone reads what a node makes: both have the parameters of the rectifier's output.
  std::optional<NodeId> rectifier_after(NodeId id) const { return rectifiers_[static_cast<std::size_t>(id)]; }
  // The value whose range gives the parameters of another one.
  ValueId range_of(ValueId value) const;
  // What a node is judged by: its output, or that of the rectifier after it.
  ValueId result_of(NodeId id) const;

  // The values whose ranges are to be known, whatever is left in floats besides.
  const std::vector<ValueId>& ranged() const { return ranged_; }
  // Nodes that compute in integers: those with weights, and additions; in the graph's order.
  std::vector<NodeId> layers() const;

 private:
  const Graph& graph_;
  Activations activations_;
  std::vector<Kind> kinds_;
  std::vector<std::optional<NodeId>> rectifiers_;
  std::vector<ValueId> ranged_;
};

// The nodes that a name means: a node's own name, or that of its first output; * and ? stand for any letters. In the order of the
// graph; none where nothing is called so. Constants are left out.
std::vector<NodeId> find_nodes(const Graph& graph, const std::string& pattern);

}  // namespace resnet::quantize

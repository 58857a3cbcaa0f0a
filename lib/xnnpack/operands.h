// What is known of the inputs of a node.
#pragma once

#include "lib/graph/graph.h"

namespace resnet::xnnpack {

// Refers to the graph and its node, which must outlive it.
class Operands {
 public:
  Operands(const Graph& graph, const Node& node) : graph_(graph), node_(node) {}

  const Fact& fact(std::size_t index) const { return graph_.fact(node_.inputs[index]); }
  bool has(std::size_t index) const { return index < node_.inputs.size() && !node_.inputs[index].is_none(); }
  bool is_constant(std::size_t index) const { return fact(index).value.has_value(); }
  // Whether all inputs from `first` on are, those that are left out aside.
  bool are_constant_from(std::size_t first) const {
    for (std::size_t i = first; i < node_.inputs.size(); ++i) {
      if (has(i) && !is_constant(i)) return false;
    }
    return true;
  }
  // 0 where it is not known.
  std::size_t rank(std::size_t index) const {
    return index < node_.inputs.size() && fact(index).has_rank() ? fact(index).rank() : 0;
  }
  bool has_rank(std::size_t index, std::size_t rank) const {
    return index < node_.inputs.size() && fact(index).has_rank() && fact(index).rank() == rank;
  }

 private:
  const Graph& graph_;
  const Node& node_;
};

}  // namespace resnet::xnnpack

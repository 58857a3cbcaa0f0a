// The ranges of dynamic quantization: scales and zero points that are found as a network runs.
#pragma once

#include <vector>

#include "lib/graph/graph.h"

namespace resnet::arch {

// What DynamicQuantizeLinear gives beside the bytes, and what is computed of that and constants alone: it depends on the image,
// but no layer works on it.
class Ranges {
 public:
  explicit Ranges(const Graph& graph);  // which outlives it
  bool contains(ValueId value) const;
  // Whether one of the node's operands is one.
  bool reaches(const Node& node) const;

 private:
  const Graph& graph_;
  std::vector<bool> nodes_;  // all of whose outputs are
};

}  // namespace resnet::arch

// Whether a graph's outputs are right, whoever computed them: by lib/reference in double.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/graph/graph.h"

namespace resnet::random {

// Values after which float noise could be rounded up here and down there: of another type than float32 and float64, and computed
// from floats. As outputs of the graph they are compared with all that noise allows, and the yardstick continues from them.
std::vector<ValueId> anchors(const Graph& graph);

struct JudgeOptions {
  // By how much bytes may be off, where they are outputs of the graph: others round in float, or do not.
  std::int64_t steps = 0;
};

// Floats may be off by 1e-4 of the output's largest value; and, where the graph itself makes noise grow (the same graph with the
// last bits of all floats changed gives other values), by as much as that explains. What is wrong, in one line; nothing where all
// is right.
std::optional<std::string> judge(const Graph& graph, std::span<const Tensor> inputs, std::span<const Tensor> outputs,
                                 const JudgeOptions& options = {});

// What the QLinear operators and QGemm give in 8 bits.
std::vector<ValueId> requantized(const Graph& graph);

}  // namespace resnet::random

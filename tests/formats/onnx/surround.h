// A graph between operators that want other layouts than its own.
#pragma once

#include <string>
#include <vector>

#include "lib/graph/graph.h"

namespace resnet::test {

struct Surrounded {
  Graph graph;
  std::vector<Tensor> inputs, expected;
  std::vector<bool> is_convolved;  // per output
};

// The same graph, its inputs of rank 2 and more given with their axes reversed and transposed back by its first nodes; outputs of
// finite floats are brought to rank 4 and go through a convolution, which `expected` then goes through, too (by lib/reference).
Surrounded surround(const Graph& graph, const std::vector<Tensor>& inputs, const std::vector<Tensor>& expected);

// Floats within 1e-3 of the largest. What is wrong, or nothing.
std::string distance_problem(const Tensor& actual, const Tensor& expected);

}  // namespace resnet::test

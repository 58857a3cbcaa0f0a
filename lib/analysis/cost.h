// What each node of a graph costs, from its facts alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/graph/graph.h"

namespace resnet::analysis {

// Elements and operations of one node, or of many added up. Every count is for the batch that the facts hold.
struct Cost {
  std::int64_t macs = 0;                  // multiply-adds of convolutions and matrix products, as the paper counts
  std::int64_t parameters = 0;            // trained: weights, biases, scale and shift of batch norm
  std::int64_t buffers = 0;               // kept, not trained: running mean and variance
  std::int64_t activations = 0;           // elements of the outputs of convolutions and matrix products
  std::int64_t outputs = 0;               // elements of all outputs
  std::int64_t convolution_elements = 0;  // outputs of convolutions
  std::int64_t convolution_biases = 0;    // ... that a bias is added to
  std::int64_t product_biases = 0;        // outputs of matrix products that a bias is added to
  std::int64_t norm_elements = 0;         // outputs of batch norm
  std::int64_t relu_elements = 0;         // outputs of ReLU
  std::int64_t add_elements = 0;          // outputs of residual additions
  std::int64_t window_pool_inputs = 0;    // inputs of MaxPool and AveragePool
  std::int64_t global_pool_inputs = 0;    // inputs of GlobalAveragePool and of ReduceMean over all positions
  std::int64_t global_pool_outputs = 0;
  std::int64_t not_counted = 0;  // nodes some of whose counts are not in here: sizes, or the operator, are not known

  Cost& operator+=(const Cost& other);
  friend bool operator==(const Cost&, const Cost&) = default;
};

// One entry per node of `graph`, by NodeId; constants and inputs cost nothing. A parameter that several nodes share is counted
// with the first of them. Weights that are built in the graph (Identity, Cast, Reshape, Gather, DequantizeLinear of constants)
// count by the shape in which they are used. Throws Error(malformed) where a dim that a cost depends on is a symbol: give the
// inputs' sizes first (at_batch), or where a count does not fit into 64 bits.
std::vector<Cost> costs_of(const Graph& graph);
// The same of a graph whose sizes may stay unknown: what depends on them is left out, and the node is one of Cost::not_counted.
std::vector<Cost> known_costs_of(const Graph& graph);
Cost total(const std::vector<Cost>& costs);

// The graph with the first dim of every input set to `batch` where it is a symbol or a number, other symbols kept. Throws
// Error(malformed) where the graph does not allow it (a Reshape to a fixed batch).
Graph at_batch(const Graph& graph, std::int64_t batch);

// A way of counting that some tool prints as "FLOPs" or "MACs" or "parameters".
struct Convention {
  std::string name;
  std::int64_t value;
  std::string why;  // what it adds to or leaves out of the paper's count
};
// The paper's multiply-adds and the other tools' numbers for the same net. Those that count batch norm are only comparable where
// it is not folded: on a folded graph each convolution is taken as followed by the batch norm that went into it, if
// `folded_batch_norm`.
std::vector<Convention> conventions(const Cost& cost, bool folded_batch_norm);

}  // namespace resnet::analysis

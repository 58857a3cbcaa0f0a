// How far two results are from each other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/threads.h"
#include "lib/graph/graph.h"

namespace resnet {

struct Tolerance {
  double absolute = 1e-4, relative = 1e-4;  // within: |a - b| <= absolute + relative * |b|
};

struct TensorDifference {
  std::string problem;                       // why they cannot be compared: shapes, element types; empty where they can
  double largest = 0, mean = 0, median = 0;  // of |a - b|; two that are no numbers are equal, one is infinitely far
  double scale = 0;                          // the largest |b|
  std::int64_t elements = 0, outside = 0;    // of the tolerance
  std::int64_t rows = 0, same_best = 0;      // of a matrix of scores: how often the largest entry of a row is the same one
  bool within() const { return problem.empty() && outside == 0; }
};
TensorDifference difference_of(const Tensor& a, const Tensor& b, const Tolerance& tolerance);

// Inputs that fit the graph: floats standard normal, integers 0 to 255, from `seed`. The first dim is `batch` where it is a
// symbol; other symbols are 224. Throws Error(unsupported) where an input's rank or type is not known.
std::vector<Tensor> random_inputs(const Graph& graph, std::int64_t batch, std::uint64_t seed);

// Runs it once; `optimize` off computes node by node.
std::vector<Tensor> run_graph(const Graph& graph, const std::vector<Tensor>& inputs, ThreadPool& pool, bool optimize = true);

// What lib/reference says, which has nothing in common with the executor.
struct Reference {
  std::vector<Tensor> inputs, outputs;
};
// Of the first of `inputs`' images: as many as take at most `macs` multiply-adds together, or all where the batch is fixed.
// Nothing where that is not one.
std::optional<Reference> reference_of(const Graph& graph, const std::vector<Tensor>& inputs, std::int64_t macs);
// A few seconds of one processor.
constexpr std::int64_t reference_macs = 6'000'000'000;

// Values of floating-point type that nodes of both graphs make under one name, in the first graph's order.
std::vector<std::string> common_values(const Graph& a, const Graph& b);
// The graph with these values as its outputs.
Graph with_outputs(const Graph& graph, const std::vector<std::string>& names);

}  // namespace resnet

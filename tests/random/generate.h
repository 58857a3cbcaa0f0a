// Random graphs, each decided by its seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/graph/graph.h"
#include "tests/random/settings.h"

namespace resnet::random {

struct GenerateOptions {
  // Only what onnxruntime can run on a CPU.
  bool portable = false;
};

Graph generate(std::uint64_t seed, const Settings& settings, const GenerateOptions& options = {});

// The graph's inputs: floats in [-1, 1), bytes, or indices that fit every axis; each decided by the seed and the input's name.
std::vector<Tensor> make_inputs(const Graph& graph, std::int64_t batch, std::uint64_t seed);

// The same graph without what its outputs do not need (inputs that are read by nothing go, too), and with those values as further
// outputs after which a yardstick has to continue from what was computed (see judge.h).
Graph prune(const Graph& graph);

}  // namespace resnet::random

// The end of a classifying network: its last map, the pool over it, and the classifier after that.
#pragma once

#include <cstdint>
#include <optional>

#include "lib/graph/graph.h"

namespace resnet {

struct Head {
  NodeId pool = -1;                                  // the node that averages each channel's map
  ValueId map;                                       // (N, C, H, W), what it averages
  ValueId features;                                  // what it gives: C numbers per image
  std::int64_t channels = 0, height = 0, width = 0;  // of the map, for the images that the network was made for
  // (classes, C): what the classifier multiplies the features by; nothing where it is not a constant matrix directly after the
  // pool.
  std::optional<Tensor> weights;
};

// Of a graph that takes images; `side`: of the images where their size is open. Throws Error(unsupported) where no average over a
// whole map comes before the scores.
Head find_head(const Graph& graph, std::int64_t side);

// The graph with two more outputs: the features (N, C, ...), then the last maps (N, C, H, W). Throws as find_head() does.
Graph with_head_outputs(const Graph& graph, std::int64_t side);

// The same network for images of any size at least as large as those that it was made for (section 3.4): the pool averages over
// windows of the map that it had, at stride 1, and the features are averaged over all of these positions, which for the linear
// classifier is the average of its scores. Images are Nx3xHxW or NxHxWx3 with open N, H and W.
// Throws Error(unsupported) where something in the graph allows one size only.
Graph fully_convolutional(const Graph& graph, std::int64_t side);

}  // namespace resnet

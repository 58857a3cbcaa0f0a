// Graph -> Spec: which network of the family a graph is, or the nearest one and what differs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/arch/spec.h"
#include "lib/graph/graph.h"

namespace resnet::arch {

struct Difference {
  std::string node;      // of the examined graph: "node 'layer1.0.conv1' (Conv)"; where one is missing, the one before it
  std::string found;     // "convolution 5x5, ..."; empty where a layer is missing
  std::string expected;  // empty where a layer is one too many
  // "node 'layer1.0.conv1' (Conv): found convolution 5x5, ..., expected convolution 3x3, ..."
  std::string to_string() const;
};

// Where a node of the examined graph belongs in the network of the Spec.
struct Place {
  std::string counterpart;  // the node of build()'s graph that it stands for: "layer1.0.conv1"; empty where there is none
  std::string stage;        // the paper's: "conv1", "conv2_x", ... "fc"; empty before the first layer
  std::string block;        // "conv2_1", ...; empty outside the blocks
};
// Of a node that build() names "layer1.0.conv1": its stage and block.
Place place_of(const std::string& built_name);

enum class BatchNorm : std::uint8_t { unfused, folded, partly_folded, none };

struct Recognition {
  Spec spec;                            // its name is find_spec()'s where there is one, else a description
  std::vector<Difference> differences;  // from the network that the Spec builds; none where the graph is that network
  std::vector<Place> places;            // by NodeId of the graph
  BatchNorm batch_norm = BatchNorm::none;
  std::size_t parts = 0;     // that were compared: how much the differences weigh
  bool has_softmax = false;  // at its end, which no Spec has
  bool is_exact() const { return differences.empty(); }
  // "ResNet-50 v1.5, option B, 1000 classes, batch norm folded"; with differences "nearest to ... with 3 differences".
  std::string to_string() const;
};

// From shapes and attributes alone: weights may be missing, names too, nodes in any order that runs, batch norm folded or not,
// layouts, pads and classifiers spelled as exporters do. Throws Error(unsupported) where the graph holds no convolution that
// depends on its first input: then there is nothing to compare.
Recognition recognize(const Graph& graph);

// "ResNet-50 v1.5, option B, 1000 classes".
std::string describe(const Spec& spec);

}  // namespace resnet::arch

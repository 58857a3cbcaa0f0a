// A network that is already trained as the start of another run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/arch/spec.h"
#include "lib/graph/graph.h"

namespace resnet::train {

struct Transferred {
  arch::Spec spec;              // of the network: the imported one's, with other classes where they were asked for
  Graph graph;                  // as arch::build() makes it, with the imported weights
  bool new_classifier = false;  // its weights are initialised from the seed
  std::int64_t imported_classes = 0;
  std::size_t unfolded = 0;  // batch norms that were folded and are unfolded again
};

// Any file's ResNet becomes the graph that arch::build() makes of its Spec, whatever exporter wrote it. `classes`: a new
// classifier for so many; nothing: the imported one. Where batch norm was folded into the convolutions it is unfolded again, as
// the identity with their biases as its shifts. Throws Error(unsupported) where the graph is not exactly one of the networks.
Transferred transfer(const Graph& imported, std::optional<std::int64_t> classes, std::uint64_t seed);

// Of a constant that arch::build() names: whether it keeps its value. `freeze`: "none", "backbone" (all but the
// classifier), or the last stage that does: "conv1", "conv2_x", ... Throws Error(invalid) for another word.
bool is_frozen(const std::string& parameter, const std::string& freeze);

}  // namespace resnet::train

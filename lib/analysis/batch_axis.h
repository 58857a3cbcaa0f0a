// Whether the images of a batch are answered each by itself: the batch axis followed from the input to the outputs.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "lib/graph/graph.h"

namespace resnet::analysis {

// Why the answer for an image may depend on the others that share its batch, or on its place among them.
struct BatchMixing {
  enum class Kind : std::uint8_t {
    fixed,    // that the batch is open is not so: the node takes one image alone
    range,    // by the range alone that DynamicQuantizeLinear takes over the whole batch
    unknown,  // the node cannot be followed
    mixed,    // the node brings images together, leaves some out, or gives them in another order
  };
  Kind kind = Kind::mixed;
  NodeId node = -1;       // the first that does so
  std::string described;  // "node 'mean' (ReduceMean)"
  std::string what;       // "averages over the batch"

  std::string to_string() const { return described + " " + what; }
};

// Follows axis 0 of the graph's first input, and of others that have the same open batch. Nothing where row i of each of the
// outputs depends on row i of the input alone, in the same way for every i; also where the batch is fixed to 1. An open batch is
// followed as a number of images that nothing else in a graph is.
std::optional<BatchMixing> find_batch_mixing(const Graph& graph, std::span<const ValueId> outputs);

// Where an open batch allows one image and not two: why. Nothing for every other graph.
std::optional<BatchMixing> why_one_alone(const Graph& graph);

}  // namespace resnet::analysis

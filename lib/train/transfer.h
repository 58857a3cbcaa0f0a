// A network that is already trained as the start of another run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/arch/spec.h"
#include "lib/base/words.h"
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

// What keeps its values: nothing, all but the classifier, or every stage up to this one.
enum class Frozen : std::uint8_t { none, backbone, conv1, conv2_x, conv3_x, conv4_x, conv5_x };
constexpr auto words_of(Frozen) {
  return std::to_array<Word<Frozen>>({{Frozen::none, "none"},
                                      {Frozen::backbone, "backbone"},
                                      {Frozen::conv1, "conv1"},
                                      {Frozen::conv2_x, "conv2_x"},
                                      {Frozen::conv3_x, "conv3_x"},
                                      {Frozen::conv4_x, "conv4_x"},
                                      {Frozen::conv5_x, "conv5_x"}});
}
// Of a constant that arch::build() names.
bool is_frozen(const std::string& parameter, Frozen frozen);

}  // namespace resnet::train

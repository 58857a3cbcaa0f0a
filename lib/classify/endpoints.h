// Where a classifying network takes its images and gives its scores.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "lib/analysis/batch_axis.h"
#include "lib/graph/graph.h"
#include "lib/model/preprocessing.h"

namespace resnet {

// The one input of a graph: images of three channels, or of one.
struct ImageInput {
  std::string name;
  DType dtype = DType::float32;                      // or uint8
  bool channels_last = false;                        // (N, H, W, C); else (N, C, H, W)
  std::int64_t channels = 3;                         // 1: luminance
  std::optional<std::int64_t> batch, height, width;  // nothing: any

  Shape shape(std::int64_t images, std::int64_t high, std::int64_t wide) const {
    return channels_last ? Shape{images, high, wide, channels} : Shape{images, channels, high, wide};
  }

  // "batchx3x224x224", "Nx32x32x3": as the graph has it, N, H and W for what may be any.
  std::string to_string() const;
};

// The output that holds a score for each class, and whether the scores are probabilities already (the graph ends in a Softmax or
// Sigmoid) or logits.
struct ScoreOutput {
  std::size_t index = 0;  // among the graph's outputs
  std::string name;
  std::optional<std::int64_t> classes;  // nothing: known when it has run
  bool probabilities = false;
};

// Whether images can have so many channels: three, or one.
bool counts_channels(const Dim& dim);
// Whether the four dims of a batch of images have the channels at the end.
bool has_channels_last(const Dims& dims);
// Throws Error(unsupported) that says what was found where the graph takes something else than images. as_classifier() makes such
// an input out of what exporters write.
ImageInput find_image_input(const Graph& graph);
// How little an output looks like (N, classes): 0 is best; nothing for what cannot be scores.
std::optional<int> unlikeness_to_scores(const Fact& fact);
// Of several outputs the floating-point one that looks like (N, classes). Throws Error(unsupported) where there is none.
ScoreOutput find_score_output(const Graph& graph);

// What makes the answer for an image depend on the others of its batch, where something does: images are run one at a time then,
// which a batch that is open allows. Throws Error(unsupported) that names the node where the batch is fixed: the answers would be
// of the neighbours, or of the zeros that fill the batch. A fixed batch in which only a range is shared, or whose images cannot
// be followed, is left as it is.
std::optional<analysis::BatchMixing> check_batch(const Graph& graph);

// The preprocessing with its crop (and in proportion its resize) changed to the size that the network takes, where that is fixed:
// square, or of the input's shape. A preprocessing that does not crop stays as it is.
Preprocessing fit_to(const Preprocessing& preprocessing, const ImageInput& input);

// The same network for square images of `side` pixels, where it declares another size and nothing in it depends on that: its
// scores have the shape that they had. Throws Error(unsupported) where something does: "the network takes images of 224x224
// pixels only: node 'fc' (Gemm): ...".
Graph with_image_size(const Graph& graph, std::int64_t side);

}  // namespace resnet

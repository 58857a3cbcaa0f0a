// The mean picture: what 'Deep Residual Learning' (section 4.2), as Krizhevsky et al. 2012, subtracts from each image.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "lib/graph/graph.h"
#include "lib/train/augment.h"
#include "lib/train/examples.h"

namespace resnet::train {

// The mean of the test views, without a mean picture of their own: 3 x height x width, in the units of the network's input. Of
// all examples where they are in memory, else of up to `most`, evenly chosen. `check` is called for each and throws to stop.
std::vector<float> pixel_mean(const Examples& examples, const View& view, const std::function<void()>& check,
                              std::size_t most = 10'000);

// The graph with a Sub before all else, which takes `mean` from its NCHW input: whoever runs it need not know of a mean picture.
Graph with_pixel_mean(const Graph& graph, std::span<const float> mean);
// The mean that with_pixel_mean() put into a graph; nothing where the first to read the input is not such a Sub.
std::optional<std::vector<float>> find_pixel_mean(const Graph& graph);

}  // namespace resnet::train

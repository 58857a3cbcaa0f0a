// Layer responses (the paper's section 4.2 and Figure 7): how strong the output of each 3x3 layer is, after its batch norm and
// before the non-linearity and the addition.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/analysis/batch_axis.h"
#include "lib/base/threads.h"
#include "lib/graph/graph.h"

namespace resnet {

struct LayerResponse {
  std::string name;                // of the convolution
  double mean = 0, deviation = 0;  // over all images, channels and positions
  std::int64_t elements = 0;
};

class ResponseMeter {
 public:
  // `pool` outlives it. Throws Error(unsupported) where the graph has no 3x3 convolution, or cannot run.
  ResponseMeter(Graph graph, ThreadPool& pool);
  ~ResponseMeter();

  // What makes the responses to an image depend on the others of its batch, where something does.
  const std::optional<analysis::BatchMixing>& mixing() const;

  // A batch of images as the graph's first input takes them. Throws Error(mismatch) where it does not fit.
  void add(const Tensor& images);

  // In the graph's order, over everything that was added.
  std::vector<LayerResponse> responses() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace resnet

// Networks small enough to know their answers by heart.
#pragma once

#include <memory>
#include <optional>

#include "lib/graph/graph.h"
#include "lib/xnnpack/plan.h"

namespace resnet::test {

struct SmallNetwork {
  Dims input = {Dim::symbol("batch"), 3, 4, 4};
  bool softmax = false;
};

// The mean of each channel over the image: GlobalAveragePool, Flatten, then a Gemm that gives four scores: the means of R, G and
// B, and 1000 * R - 1. An NHWC input (its last dim is 3) goes through a Transpose first.
Graph channel_means(const SmallNetwork& options = {});

std::shared_ptr<const xnnpack::Plan> plan_of(Graph graph);

}  // namespace resnet::test

// What a plan keeps beside its graph.
#pragma once

#include "lib/xnnpack/plan.h"
#include "lib/xnnpack/step.h"

namespace resnet::xnnpack {

struct Plan::State {
  std::vector<Step> steps;
  std::vector<Layout> input_layouts;  // one per input of the graph
  std::size_t weight_bytes = 0;       // packed
};

}  // namespace resnet::xnnpack

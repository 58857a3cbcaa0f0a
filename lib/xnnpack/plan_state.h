// What a plan keeps beside its graph.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "lib/xnnpack/plan.h"
#include "lib/xnnpack/step.h"

namespace resnet::xnnpack {

struct Plan::State {
  std::vector<std::unique_ptr<const Step>> steps;  // in the order in which they run
  std::vector<Layout> input_layouts;               // one per input of the graph
  std::size_t weight_bytes = 0;                    // packed
  // The graph with its weights, only where a session may have to make another plan of it (values of inputs decide shapes).
  std::optional<Graph> unpacked;
};

}  // namespace resnet::xnnpack

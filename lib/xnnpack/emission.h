// Has all steps of a plan emit for one set of input shapes.
#pragma once

#include <vector>

#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/plan_state.h"

namespace resnet::xnnpack {

struct Emission : Emitted {
  std::vector<int> input_buffers;
  std::vector<Place> output_places;
};

// `graph` is the plan's with all dims known. `kept` holds the operators that steps keep, one place per step of the plan.
// Throws Error, which names the node.
Emission emit(const Plan& plan, const Graph& graph, ThreadPool& pool, std::vector<Operator>& kept);

// When the buffers are needed; their lifetimes follow from it.
Usage usage_of(const Emission& emission);

}  // namespace resnet::xnnpack

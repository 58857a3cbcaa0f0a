// What quantized values leave out of a network.
#pragma once

#include "lib/graph/graph.h"

namespace resnet::arch {

// Whether a node quantizes what it gives, and the least byte stands for 0: there are no negative numbers after it, as after a
// Relu.
bool clips_at_zero(const Graph& graph, const Node& node);

}  // namespace resnet::arch

// Which kind of step computes a node: what lib/kernels and XNNPACK can do of ONNX's operators.
#pragma once

#include <optional>

#include "lib/graph/graph.h"
#include "lib/xnnpack/step.h"

namespace resnet::xnnpack {

// `fallback` where nothing faster than lib/reference computes exactly what the node means.
Kind kind_of(const Graph& graph, const Node& node);

// The bounds of a Relu, or of a Clip by constants; nothing for other nodes, and for elements that are not float32.
std::optional<Activation> activation_of(const Graph& graph, const Node& node);

}  // namespace resnet::xnnpack

// What newer opsets only say otherwise, as older ones say it.
#pragma once

#include <cstdint>
#include <optional>

#include "lib/graph/graph.h"

namespace resnet::onnx {

// The graph in forms that `opset` has, where nothing is lost by it: a Shape's start and end become a Slice; allowzero of a
// Reshape to a shape without a 0, dilations of 1, and noop_with_empty_axes beside axes go. Nothing where there is nothing to do.
std::optional<Graph> older_forms(const Graph& graph, std::int64_t opset);

}  // namespace resnet::onnx

// What newer opsets only say otherwise, as older ones say it.
#pragma once

#include <cstdint>
#include <optional>

#include "lib/graph/graph.h"

namespace resnet::onnx {

enum class OlderForms : std::uint8_t {
  same_operators,  // said otherwise: attributes that stand for the default, a list for all axes in place of one for some
  any,             // also operators that an opset lacks, by those that define them
};

// The graph in forms that `opset` has, where nothing is lost by it. Nothing where there is nothing to do.
std::optional<Graph> older_forms(const Graph& graph, std::int64_t opset, OlderForms forms = OlderForms::any);

}  // namespace resnet::onnx

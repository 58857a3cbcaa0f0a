// What a scalar is, where it follows from constants and shapes: how the condition of an If is known before anything runs.
#pragma once

#include <optional>

#include "lib/graph/graph.h"

namespace resnet::onnx {

// The only element of a value, of any type, a truth as 0 or 1; nothing where it is not known. Follows arithmetic, comparisons and
// logic of scalars, whether the operators can run here or not.
std::optional<double> known_scalar(const Graph& graph, ValueId id);
// The same as a whole number.
std::optional<std::int64_t> known_integer(const Graph& graph, ValueId id);

}  // namespace resnet::onnx

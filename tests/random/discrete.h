// What rounds, counts or chooses: which results the noise of floats allows.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "lib/graph/graph.h"

namespace resnet::random {

// `expected` is what lib/reference makes of `inputs`; `actual` what was computed, null where that is not known. What is wrong, or
// nothing.
std::optional<std::string> discrete_problem(const Op& op, std::span<const Tensor* const> inputs, std::span<const Tensor> expected,
                                            std::span<const Tensor* const> actual);

}  // namespace resnet::random

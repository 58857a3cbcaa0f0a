// What rounds, counts or chooses: which results the noise of floats allows.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "lib/graph/graph.h"

namespace resnet::random {

// `expected` is what lib/reference makes of `inputs`; `actual` what was computed, null where that is not known. What is wrong, or
// nothing. `steps`: by how much an integer that was rounded may be off.
std::optional<std::string> discrete_problem(const Op& op, std::span<const Tensor* const> inputs, std::span<const Tensor> expected,
                                            std::span<const Tensor* const> actual, std::int64_t steps);

}  // namespace resnet::random

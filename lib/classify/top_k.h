// From the scores of the classes to the best of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace resnet {

// The indices of the `k` largest scores (all where there are fewer), best first; of equal scores the lower index. NaN is below
// all.
std::vector<std::int64_t> top_k(std::span<const float> scores, std::size_t k);

// exp(score) / sum of exp, computed in double without overflow. Infinite scores share the probability; NaN makes all NaN.
std::vector<double> softmax(std::span<const float> scores);

}  // namespace resnet

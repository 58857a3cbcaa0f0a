// The longest common subsequence of two lists.
#pragma once

#include <utility>
#include <vector>

namespace resnet::arch {

// Pairs of equal entries of two lists (their indices), in order, as many as there are, up to a bound on the work.
std::vector<std::pair<int, int>> align(const std::vector<int>& a, const std::vector<int>& b);

}  // namespace resnet::arch

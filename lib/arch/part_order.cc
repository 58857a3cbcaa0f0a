#include "lib/arch/part_order.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace resnet::arch {

namespace {

// By part: the longest way from the input.
std::vector<int> depths_of(const std::vector<Part>& parts) {
  std::vector<int> depth(parts.size(), 0);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    for (const int input : parts[i].inputs) depth[i] = std::max(depth[i], depth[static_cast<std::size_t>(input)] + 1);
  }
  return depth;
}

void sort_inputs(std::vector<Part>& parts) {
  const std::vector<int> depth = depths_of(parts);
  for (Part& part : parts) {
    std::stable_sort(part.inputs.begin(), part.inputs.end(), [&](int a, int b) {
      const auto i = static_cast<std::size_t>(a), k = static_cast<std::size_t>(b);
      return depth[i] != depth[k] ? depth[i] > depth[k] : parts[i].what < parts[k].what;
    });
  }
}

}  // namespace

std::vector<Part> in_order(std::vector<Part> parts, int last) {
  constexpr int nowhere = -1;
  sort_inputs(parts);
  std::vector<Part> ordered;
  std::vector<int> place(parts.size(), nowhere);
  std::vector<std::pair<int, std::size_t>> stack = {{last, 0}};  // a part, and how many of its inputs are done
  while (!stack.empty()) {
    const auto i = static_cast<std::size_t>(stack.back().first);
    if (stack.back().second < parts[i].inputs.size()) {
      const int input = parts[i].inputs[stack.back().second++];
      if (place[static_cast<std::size_t>(input)] == nowhere) stack.emplace_back(input, 0);
      continue;
    }
    stack.pop_back();
    if (place[i] != nowhere) continue;
    place[i] = static_cast<int>(ordered.size());
    ordered.push_back(parts[i]);
    for (int& input : ordered.back().inputs) input = place[static_cast<std::size_t>(input)];
  }
  return ordered;
}

}  // namespace resnet::arch

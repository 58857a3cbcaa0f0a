#include "lib/xnnpack/arena.h"

#include <algorithm>
#include <numeric>

#include "lib/tensor/tensor.h"

namespace resnet::xnnpack {

ArenaLayout lay_out(std::span<const Lifetime> lifetimes) {
  ArenaLayout layout;
  layout.offsets.assign(lifetimes.size(), 0);
  std::vector<std::size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return lifetimes[a].size > lifetimes[b].size; });
  const auto room = [&](std::size_t index) {
    return (lifetimes[index].size + Buffer::tail + Buffer::alignment - 1) / Buffer::alignment * Buffer::alignment;
  };
  std::vector<std::size_t> placed;  // by offset
  for (const std::size_t index : order) {
    std::size_t offset = 0;
    for (const std::size_t other : placed) {
      const bool meet = lifetimes[other].first <= lifetimes[index].last && lifetimes[index].first <= lifetimes[other].last;
      if (!meet) continue;
      if (offset + room(index) <= layout.offsets[other]) break;
      offset = std::max(offset, layout.offsets[other] + room(other));
    }
    layout.offsets[index] = offset;
    layout.size = std::max(layout.size, offset + room(index));
    placed.insert(std::upper_bound(placed.begin(), placed.end(), index,
                                   [&](std::size_t a, std::size_t b) { return layout.offsets[a] < layout.offsets[b]; }),
                  index);
  }
  return layout;
}

}  // namespace resnet::xnnpack

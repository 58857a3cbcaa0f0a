// Moves elements by a rule for each axis: what Slice, Pad, Gather, Expand, Tile, DepthToSpace and SpaceToDepth have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "lib/xnnpack/emitter.h"

namespace resnet::xnnpack {

constexpr std::ptrdiff_t nowhere = -1;

// For each place along an axis of the result, in the order of memory: how far into the source, in elements, or `nowhere`. An
// element is read at the sum over all axes; it is filled where one of them is nowhere.
class Sources {
 public:
  // first, first + stride, ...: axes may be as long as memory is.
  static Sources steps(std::int64_t count, std::int64_t stride, std::int64_t first = 0) {
    Sources sources;
    sources.first_ = first;
    sources.stride_ = stride;
    sources.count_ = static_cast<std::size_t>(count);
    return sources;
  }
  static Sources of(std::vector<std::ptrdiff_t> list) {
    Sources sources;
    sources.count_ = list.size();
    sources.list_ = std::move(list);
    return sources;
  }

  std::size_t size() const { return count_; }
  std::ptrdiff_t operator[](std::size_t place) const {
    return list_.empty() ? first_ + static_cast<std::ptrdiff_t>(place) * stride_ : list_[place];
  }
  bool is_list() const { return !list_.empty(); }
  // Whether neighbours are `stride` apart everywhere, and none is nowhere.
  bool has_stride(std::ptrdiff_t stride) const;
  // In other units, and further on.
  void scale(std::ptrdiff_t factor, std::ptrdiff_t offset);

 private:
  std::ptrdiff_t first_ = 0, stride_ = 0;
  std::size_t count_ = 0;
  std::vector<std::ptrdiff_t> list_;
};

// Adds a call that writes all of `to`, whose axes have these sources, the outermost first. `fill` is one element, or empty where
// nothing is nowhere. No axis is empty.
void add_mapping(Emitter& emitter, int from, int to, const std::vector<Sources>& axes, std::size_t element_bytes,
                 std::vector<std::byte> fill = {});

}  // namespace resnet::xnnpack

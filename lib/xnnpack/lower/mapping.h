// Moves elements by a rule for each axis: what Slice, Pad, Gather, Expand, Tile, DepthToSpace and SpaceToDepth have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lib/xnnpack/emitter.h"

namespace resnet::xnnpack {

// For each place along an axis of the result, in the order of memory: how far into the source, in elements, or `nowhere`. An
// element is read at the sum over all axes; it is filled where one of them is nowhere.
using Sources = std::vector<std::ptrdiff_t>;
constexpr std::ptrdiff_t nowhere = -1;

// 0, stride, 2 * stride, ...
Sources steps(std::int64_t count, std::int64_t stride);

// Adds a call that writes all of `to`, whose axes have these sources, the outermost first. `fill` is one element, or empty where
// nothing is nowhere. No axis is empty.
void add_mapping(Emitter& emitter, int from, int to, const std::vector<Sources>& axes, std::size_t element_bytes,
                 std::vector<std::byte> fill = {});

}  // namespace resnet::xnnpack

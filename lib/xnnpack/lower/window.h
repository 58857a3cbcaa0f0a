// Windows as XNNPACK counts them: in 32 bits, where a file may hold any number.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace resnet::xnnpack {

// An attribute's number for an axis; 1 where it is left out.
inline std::int64_t at(const std::vector<std::int64_t>& list, std::size_t index) { return list.empty() ? 1 : list[index]; }

// Whether none of a window's numbers would be cut: what is cut would no longer give the graph's output.
template <typename Operator>
bool fits_window(const std::vector<std::int64_t>& kernel, const Operator& op) {
  constexpr std::int64_t most = std::int64_t{1} << 24;
  for (std::size_t i = 0; i < 2; ++i) {
    if (kernel[i] > most || at(op.strides, i) > most || at(op.dilations, i) > most) return false;
    if (kernel[i] * at(op.dilations, i) > most) return false;
  }
  return std::all_of(op.pads.begin(), op.pads.end(), [](std::int64_t pad) { return pad <= most; });
}

}  // namespace resnet::xnnpack

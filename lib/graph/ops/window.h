// The sliding windows of Conv, MaxPool and AveragePool: attributes resolved against an input.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/base/words.h"
#include "lib/graph/dim.h"

namespace resnet {

enum class AutoPad : std::uint8_t { notset, same_upper, same_lower, valid };
constexpr auto words_of(AutoPad) {
  return std::to_array<Word<AutoPad>>({{AutoPad::notset, "NOTSET"},
                                       {AutoPad::same_upper, "SAME_UPPER"},
                                       {AutoPad::same_lower, "SAME_LOWER"},
                                       {AutoPad::valid, "VALID"}});
}

// One entry per spatial axis, ONNX's attribute defaults filled in.
struct Window {
  std::vector<std::int64_t> kernel, strides, dilations;
  std::vector<std::int64_t> pads_begin, pads_end;  // with auto_pad resolved; without ceil_mode's extra end
  Dims output;

  friend bool operator==(const Window&, const Window&) = default;
};

// What the three operators' attributes have in common; an empty list stands for ONNX's default.
struct WindowAttributes {
  AutoPad auto_pad = AutoPad::notset;
  std::vector<std::int64_t> kernel, strides, dilations, pads;
  bool ceil_mode = false;
};

// Output size per axis: floor or ceil((in + pads - dilated kernel) / stride) + 1, where with ceil_mode a last window that would
// start in the end padding is dropped (ONNX operators 11 and later). A symbolic spatial dim with SAME padding needs a known size
// only where the padding depends on it; then pads are 0 and the output is symbolic.
// Throws Error(malformed) for lists of a wrong length, zero or negative strides, kernels and dilations, negative pads, or a
// window larger than the padded input.
Window resolve_window(const WindowAttributes& attributes, const Dims& spatial);

}  // namespace resnet

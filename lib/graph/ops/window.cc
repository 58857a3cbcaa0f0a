#include "lib/graph/ops/window.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/error.h"
#include "lib/graph/ops/check.h"

namespace resnet {

namespace {

// No image and no kernel has sizes above this; below it, sums and products of a few of them fit into 64 bits.
constexpr std::int64_t most = std::int64_t{1} << 40;

}  // namespace

Window resolve_window(const WindowAttributes& attributes, const Dims& spatial) {
  const std::size_t rank = spatial.size();
  Window window;
  window.kernel = checked_list(attributes.kernel, rank, 1, 1, most, "kernel_shape");
  window.strides = checked_list(attributes.strides, rank, 1, 1, most, "strides");
  window.dilations = checked_list(attributes.dilations, rank, 1, 1, most, "dilations");
  const auto pads = checked_list(attributes.pads, 2 * rank, 0, 0, most, "pads");
  const bool same = attributes.auto_pad == AutoPad::same_upper || attributes.auto_pad == AutoPad::same_lower;
  const bool explicit_pads = attributes.auto_pad == AutoPad::notset;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    if (window.kernel[axis] - 1 > most / window.dilations[axis]) {
      throw Error(Fault::malformed,
                  fmt::format("a kernel of {} dilated by {} is too large", window.kernel[axis], window.dilations[axis]));
    }
    const std::int64_t kernel = (window.kernel[axis] - 1) * window.dilations[axis] + 1;
    const std::int64_t stride = window.strides[axis];
    const Dim& in = spatial[axis];
    std::int64_t begin = explicit_pads ? pads[axis] : 0, end = explicit_pads ? pads[rank + axis] : 0;
    if (in.is_number() && (in.number() < 0 || in.number() > most)) {
      throw Error(Fault::malformed, fmt::format("a spatial size of {}", in.number()));
    }
    if (same) {
      // ceil(in / stride) outputs; the padding that they need, the odd one at the end (upper) or the beginning (lower).
      const Dim output = floor_divide(in + (stride - 1), stride);
      if (in.is_number() || stride == 1) {
        const std::int64_t need = in.is_number() ? (output.number() - 1) * stride + kernel - in.number() : kernel - 1;
        const std::int64_t total = std::max<std::int64_t>(need, 0);
        const std::int64_t less = total / 2, more = total - less;
        begin = attributes.auto_pad == AutoPad::same_upper ? less : more;
        end = total - begin;
      }
      window.pads_begin.push_back(begin);
      window.pads_end.push_back(end);
      window.output.push_back(output);
      continue;
    }
    window.pads_begin.push_back(begin);
    window.pads_end.push_back(end);
    const Dim room = in + (begin + end - kernel);
    if (room.is_number() && room.number() < 0) {
      throw Error(Fault::malformed, fmt::format("a window of {} does not fit into {} with pads {} and {} along axis {}", kernel,
                                                in.number(), begin, end, axis + 2));
    }
    Dim output = floor_divide(attributes.ceil_mode ? room + (stride - 1) : room, stride) + 1;
    // A last window that would start in the end padding sees nothing of the input.
    if (attributes.ceil_mode && in.is_number()) {
      if ((output.number() - 1) * stride >= in.number() + begin) output = output - 1;
    } else if (attributes.ceil_mode && stride + end > kernel) {
      // Only here can there be such a window, and whether there is depends on the size.
      output = Dim::symbol(fmt::format("ceil_pool({},{},{},{},{})", in.to_string(), kernel, stride, begin, end));
    }
    window.output.push_back(output);
  }
  return window;
}

}  // namespace resnet

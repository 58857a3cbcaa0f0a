// Conv.
#pragma once

#include "lib/graph/op_traits.h"
#include "lib/graph/ops/window.h"

namespace resnet {

// ONNX Conv (versions 1, 11, 22): X (N, C, spatial...), W (M, C/group, kernel...), optional B (M).
struct Conv {
  static constexpr OpTraits traits{"Conv", {2, 3}, {1, 1}};
  AutoPad auto_pad = AutoPad::notset;
  std::vector<std::int64_t> dilations{}, kernel_shape{}, pads{}, strides{};
  std::int64_t group = 1;
  static constexpr auto attributes() {
    return attributes_are(attribute("auto_pad", &Conv::auto_pad), attribute("dilations", &Conv::dilations),
                          attribute("kernel_shape", &Conv::kernel_shape), attribute("pads", &Conv::pads),
                          attribute("strides", &Conv::strides), attribute("group", &Conv::group));
  }
  friend bool operator==(const Conv&, const Conv&) = default;
};
std::vector<Fact> infer(const Conv& conv, const Facts& inputs, std::size_t outputs);

// The output's dims, where they can be told; `bias` is null where there is none. Throws Error(malformed) where the three and
// the attributes do not fit each other.
std::optional<Dims> convolved_dims(const Conv& conv, const Fact& x, const Fact& w, const Fact* bias);

// The window over `spatial` with a kernel of `kernel` (W's own, since kernel_shape may be left out).
Window window_of(const Conv& conv, const std::vector<std::int64_t>& kernel, const Dims& spatial);

}  // namespace resnet

// ConvTranspose.
#pragma once

#include "lib/graph/op_traits.h"
#include "lib/graph/ops/window.h"

namespace resnet {

// X (N, C, spatial...), W (C, M/group, kernel...), optional B (M): the convolution that would make X of the output, turned about.
struct ConvTranspose {
  static constexpr OpTraits traits{"ConvTranspose", {2, 3}, {1, 1}};
  AutoPad auto_pad = AutoPad::notset;
  std::vector<std::int64_t> dilations{};
  std::int64_t group = 1;
  std::vector<std::int64_t> kernel_shape{}, output_padding{}, output_shape{}, pads{}, strides{};
  static constexpr auto attributes() {
    return attributes_are(attribute("auto_pad", &ConvTranspose::auto_pad), attribute("dilations", &ConvTranspose::dilations),
                          attribute("group", &ConvTranspose::group), attribute("kernel_shape", &ConvTranspose::kernel_shape),
                          attribute("output_padding", &ConvTranspose::output_padding),
                          attribute("output_shape", &ConvTranspose::output_shape), attribute("pads", &ConvTranspose::pads),
                          attribute("strides", &ConvTranspose::strides));
  }
  friend bool operator==(const ConvTranspose&, const ConvTranspose&) = default;
};
std::vector<Fact> infer(const ConvTranspose& op, const Facts& inputs, std::size_t outputs);

// One spatial axis: element i of the input goes to i * stride + k * dilation - pad of the output, for each k of the kernel.
struct TransposedAxis {
  std::int64_t kernel, stride, dilation, pad;
  Dim output;
};
// Throws Error(malformed) where the attributes do not fit.
std::vector<TransposedAxis> transposed_axes(const ConvTranspose& op, const std::vector<std::int64_t>& kernel,
                                            const Dims& spatial);

}  // namespace resnet

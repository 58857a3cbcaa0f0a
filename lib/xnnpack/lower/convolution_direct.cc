// Convolutions by the direct kernel.
#include <algorithm>
#include <utility>

#include "lib/kernels/convolution.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/convolution.h"

namespace resnet::xnnpack {

namespace {

// What is packed of a weight of outputs x inputs x height x width. Few input channels make one run of a whole row.
kernels::Filter filter_of(const Conv& conv, const Shape& weight) {
  constexpr std::int64_t few = 16;
  const bool whole_rows =
      conv.group == 1 && weight[1] < few && weight[3] > 1 && (conv.dilations.empty() || conv.dilations[1] == 1);
  if (whole_rows) return {.taps_high = weight[2], .taps_wide = 1, .channels = weight[3] * weight[1], .outputs = weight[0]};
  return {.taps_high = weight[2], .taps_wide = weight[3], .channels = weight[1], .outputs = weight[0], .groups = conv.group};
}

class DirectConvolutionStep final : public KernelConvolutionStep {
 public:
  DirectConvolutionStep(const Conv& op, const Site& site)
      : KernelConvolutionStep(op, site), filter_(filter_of(op, weight_shape())) {
    pack(site, kernels::packed_size(filter_), [filter = filter_](const float* weight, const float* bias, float* packed) {
      kernels::pack_filter(filter, weight, bias, packed);
    });
  }
  std::string_view method() const override { return kernels::name_of(kernels::Method::direct); }

  void emit(Emitter& e) const override {
    kernels::Convolution c = sizes(e);
    int image = e.demand(e.node().inputs[0], nhwc_order());
    const bool whole_rows = c.filter.taps_wide != weight_shape()[3];
    const std::int64_t needed = (c.out_width - 1) * c.stride_wide + weight_shape()[3];
    // A row of the filter reads a run of pixels: those beside the image must be there.
    if (whole_rows && (c.pad_left > 0 || needed > c.width)) image = pad_rows(e, image, needed, c);
    Access access{.reads = reads(e, image)};
    access.writes = {e.produce(output(), nhwc_order())};
    e.add_loop(std::move(access), kernels::convolution_parts(c), 1,
               [c, packed = filter()](Addresses at, std::size_t begin, std::size_t end) {
                 const float* addend = at.size() == 3 ? as<float>(at[1]) : nullptr;
                 kernels::convolve(c, as<float>(at[0]), packed, addend, as<float>(at.back()), begin, end);
               });
  }

 private:
  kernels::Convolution sizes(Emitter& e) const {
    const Shape &x = e.shape(e.node().inputs[0]), &y = e.shape({node(), 0});
    const Window window = this->window(x[2], x[3]);
    kernels::Convolution c;
    c.filter = filter_;
    set_sizes(x, y, window, c);
    c.pixel_stride = x[1];
    c.dilation_high = window.dilations[0];
    c.dilation_wide = window.dilations[1];
    c.least = activation().least;
    c.most = activation().most;
    c.finish = finish();
    c.threads = static_cast<std::int64_t>(e.pool().threads());
    return c;
  }

  // Copies the image with zeros beside its rows, which are then at least `needed` pixels wide.
  static int pad_rows(Emitter& e, int image, std::int64_t needed, kernels::Convolution& c) {
    const std::int64_t left = c.pad_left, width = std::max(c.width + left, needed);
    const int padded = e.allocate_floats({c.batch, c.height, width, c.pixel_stride});
    const auto rows = static_cast<std::size_t>(c.batch * c.height);
    const auto row = static_cast<std::size_t>(c.width * c.pixel_stride), front = static_cast<std::size_t>(left * c.pixel_stride),
               padded_row = static_cast<std::size_t>(width * c.pixel_stride);
    e.add_loop({{image}, {padded}}, rows, 16, [row, front, padded_row](Addresses at, std::size_t begin, std::size_t end) {
      for (std::size_t r = begin; r < end; ++r) {
        float* to = std::fill_n(as<float>(at[1]) + r * padded_row, front, 0.0f);
        to = std::copy_n(as<float>(at[0]) + r * row, row, to);
        const std::size_t rest = padded_row - front - row;
        std::fill_n(to, rest - (rest > 0 && has_fault(PlantedFault::row_padding_edge) ? 1 : 0), 0.0f);
      }
    });
    c.width = width;
    c.pad_left = 0;
    return padded;
  }

  kernels::Filter filter_;
};

}  // namespace

std::unique_ptr<Step> direct_convolution(const Conv& conv, const Site& site) {
  return std::make_unique<DirectConvolutionStep>(conv, site);
}

}  // namespace resnet::xnnpack

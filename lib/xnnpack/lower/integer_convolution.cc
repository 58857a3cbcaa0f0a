// QLinearConv and ConvInteger by constant weights.
#include <algorithm>
#include <utility>

#include "lib/xnnpack/lower/convolution.h"
#include "lib/xnnpack/lower/integer_step.h"
#include "lib/xnnpack/lower/lower.h"

namespace resnet::xnnpack {

namespace {

class IntegerConvolutionStep final : public IntegerStep {
 public:
  IntegerConvolutionStep(const Conv& conv, IntegerSums sums, const Site& site)
      : IntegerStep(Channels::second, std::move(sums), site), conv_(conv) {}
  std::string_view kind() const override { return "convolution"; }
  Layout wants() const override { return Layout::nhwc; }

 protected:
  kernels::IntegerConvolution sizes(Emitter& e) const override {
    const Shape &x = e.shape(e.node().inputs[0]), &y = e.shape({node(), 0});
    kernels::IntegerConvolution c;
    set_sizes(x, y, window_of(conv_, {filter().taps_high, filter().taps_wide}, {x[2], x[3]}), c);
    return c;
  }
  Order order_of(std::size_t) const override { return nhwc_order(); }

 private:
  Conv conv_;
};

kernels::IntegerFilter filter_of(const Conv& conv, const Shape& weight) {
  kernels::IntegerFilter filter{.taps_high = weight[2],
                                .taps_wide = weight[3],
                                .channels = weight[1],
                                .outputs = weight[0],
                                .groups = conv.group,
                                .dilation_high = conv.dilations.empty() ? 1 : conv.dilations[0],
                                .dilation_wide = conv.dilations.empty() ? 1 : conv.dilations[1]};
  const bool by_one = std::all_of(conv.strides.begin(), conv.strides.end(), [](std::int64_t stride) { return stride == 1; });
  filter.winograd = by_one && kernels::integer_winograd_fits(filter);
  return filter;
}

}  // namespace

std::unique_ptr<Step> lower(const QLinearConv& op, const Site& site) {
  if (!fits_images(op.conv, site.fact(0), site.fact(3)) || !is_byte(site.fact(0).dtype) || !is_byte(site.dtype())) return nullptr;
  IntegerSums sums{.filter = filter_of(op.conv, site.fact(3).value->shape()), .order = channels_last};
  if ((site.has(8) && !site.is_constant(8)) || !take_quantization(sums, site, 6)) return nullptr;
  if (site.has(8)) sums.bias = site.fact(8).value;
  return std::make_unique<IntegerConvolutionStep>(op.conv, std::move(sums), site);
}

std::unique_ptr<Step> lower(const ConvInteger& op, const Site& site) {
  if (!fits_images(op.conv, site.fact(0), site.fact(1)) || !is_byte(site.fact(0).dtype)) return nullptr;
  const Shape& weight = site.fact(1).value->shape();
  auto zero_points = integers_of(site, 3, weight[0]);
  IntegerSums sums{.filter = filter_of(op.conv, weight), .order = channels_last};
  if (!zero_points || !take_zero_point(sums, site, 2)) return nullptr;
  sums.w_zero_points = std::move(*zero_points);
  return std::make_unique<IntegerConvolutionStep>(op.conv, std::move(sums), site);
}

}  // namespace resnet::xnnpack

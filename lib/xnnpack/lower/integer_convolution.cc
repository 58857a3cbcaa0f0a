// QLinearConv and ConvInteger by constant weights.
#include <utility>

#include "lib/xnnpack/faults.h"
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
    const Window window = window_of(conv_, {filter().taps_high, filter().taps_wide}, {x[2], x[3]});
    kernels::IntegerConvolution c;
    c.batch = x[0];
    c.height = x[2];
    c.width = x[3];
    c.out_height = y[2];
    c.out_width = y[3];
    c.stride_high = window.strides[0];
    c.stride_wide = window.strides[1];
    c.pad_top = has_fault(PlantedFault::padding_lost) ? 0 : window.pads_begin[0];
    c.pad_left = window.pads_begin[1];
    return c;
  }
  Order order_of(std::size_t) const override { return nhwc_order(); }

 private:
  Conv conv_;
};

kernels::IntegerFilter filter_of(const Conv& conv, const Shape& weight) {
  return {.taps_high = weight[2],
          .taps_wide = weight[3],
          .channels = weight[1],
          .outputs = weight[0],
          .groups = conv.group,
          .dilation_high = conv.dilations.empty() ? 1 : conv.dilations[0],
          .dilation_wide = conv.dilations.empty() ? 1 : conv.dilations[1]};
}

}  // namespace

std::unique_ptr<Step> lower(const QLinearConv& op, const Site& site) {
  if (!fits_images(op.conv, site.fact(0), site.fact(3)) || !is_byte(site.fact(0).dtype) || !is_byte(site.dtype())) return nullptr;
  const std::int64_t outputs = site.fact(3).value->shape()[0];
  const auto x_scale = single_float(site, 1), y_scale = single_float(site, 6);
  const auto x_zero = single_integer(site, 2, 0), y_zero = single_integer(site, 7, 0);
  auto scales = floats_of(site, 4, outputs);
  auto zero_points = integers_of(site, 5, outputs);
  if (!x_scale || !y_scale || !x_zero || !y_zero || !scales || scales->empty() || !zero_points) return nullptr;
  if (site.has(8) && !site.is_constant(8)) return nullptr;
  IntegerSums sums{.filter = filter_of(op.conv, site.fact(3).value->shape()), .order = channels_last};
  sums.w_zero_points = std::move(*zero_points);
  if (site.has(8)) sums.bias = site.fact(8).value;
  sums.x_zero_point = *x_zero;
  sums.output = kernels::IntegerOutput::bytes;
  sums.factors = requantizing_factors(*x_scale, *scales, *y_scale, outputs);
  sums.y_zero_point = *y_zero;
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

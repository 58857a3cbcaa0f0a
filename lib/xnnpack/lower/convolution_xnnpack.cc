// Convolutions by XNNPACK: depthwise, and few channels.
#include <algorithm>
#include <utility>

#include "lib/base/error.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/convolution.h"
#include "lib/xnnpack/lower/operator_weights.h"

namespace resnet::xnnpack {

namespace {

// Nothing where packed weights are given.
Tensor raw_weight(const Conv& conv, const Site& site) {
  if (site.planning().packing().given(site.id())) return {};
  Tensor weight = channels_last(*site.fact(1).value);
  if (has_fault(PlantedFault::group_shifted) && conv.group > 1 && weight.elements() > 0) {
    const auto data = weight.mutable_data<float>();
    std::rotate(data.begin(), data.begin() + weight.elements() / weight.shape()[0], data.end());
  }
  return weight;
}

class XnnpackConvolutionStep final : public ConvolutionStep {
 public:
  XnnpackConvolutionStep(const Conv& op, const Site& site)
      : ConvolutionStep(op, site), weights_(site, raw_weight(op, site), bias_of(site)) {
    const Dims& x = *site.fact(0).dims;
    weights_.pack(site, [&] { return create(x[2], x[3]); });
  }
  std::string_view method() const override { return "xnnpack"; }
  std::optional<Weights> weights() const override { return weights_.weights(); }

  void emit(Emitter& e) const override {
    const Shape& x = e.shape(e.node().inputs[0]);
    auto op = e.keep([&] { return create(x[2], x[3]); });
    std::size_t workspace = 0, alignment = 0;
    check(xnn_reshape_convolution2d_nhwc_f32(op.get(), static_cast<std::size_t>(x[0]), static_cast<std::size_t>(x[2]),
                                             static_cast<std::size_t>(x[3]), &workspace, &alignment, nullptr, nullptr,
                                             e.pool().native()),
          "xnn_reshape_convolution2d_nhwc_f32");
    const int from = e.demand(e.node().inputs[0], nhwc_order());
    const int to = e.produce(output(), nhwc_order());
    const int scratch = workspace > 0 ? e.allocate(workspace) : -1;
    e.add_operator(
        std::move(op), {{from}, {to, scratch}},
        [](xnn_operator_t o, Addresses at) {
          check(xnn_setup_convolution2d_nhwc_f32(o, at[2], as<const float>(at[0]), as<float>(at[1])),
                "xnn_setup_convolution2d_nhwc_f32");
        },
        after(e));
  }

 private:
  // The image's size matters only where the padding depends on it, and then it is always this one.
  Operator create(const Dim& height, const Dim& width) const {
    const Shape& weight = weight_shape();
    const Window w = window(height, width);
    const auto u32 = [](std::int64_t n) { return static_cast<std::uint32_t>(n); };
    const auto inputs = static_cast<std::size_t>(weight[1]), outputs = static_cast<std::size_t>(weight[0] / conv().group);
    const auto groups = static_cast<std::size_t>(conv().group);
    // With one channel in and out of each group XNNPACK would pack into the cache again each time, never looking into it first.
    const bool cached = inputs > 1 || outputs > 1;
    if (!cached && weights_.cache().is_packed())
      throw Error(Fault::malformed, "is given packed weights, but its weights are packed again each time");
    xnn_operator_t created = nullptr;
    check(xnn_create_convolution2d_nhwc_f32(
              u32(w.pads_begin[0]), u32(w.pads_end[1]), u32(w.pads_end[0]), u32(w.pads_begin[1]), u32(weight[2]), u32(weight[3]),
              u32(w.strides[0]), u32(w.strides[1]), u32(w.dilations[0]), u32(w.dilations[1]), u32(conv().group), inputs, outputs,
              inputs * groups, outputs * groups, weights_.weight(), weights_.bias(), activation().least, activation().most, 0,
              nullptr, cached ? weights_.cache().provider() : nullptr, &created),
          "xnn_create_convolution2d_nhwc_f32");
    return Operator(created);
  }

  OperatorWeights weights_;
};

}  // namespace

std::unique_ptr<Step> xnnpack_convolution(const Conv& conv, const Site& site) {
  return std::make_unique<XnnpackConvolutionStep>(conv, site);
}

}  // namespace resnet::xnnpack

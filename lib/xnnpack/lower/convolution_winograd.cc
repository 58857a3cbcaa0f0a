// Convolutions of 3x3 by Winograd's algorithms.
#include <utility>

#include "lib/kernels/winograd.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/convolution.h"

namespace resnet::xnnpack {

namespace {

class WinogradConvolutionStep final : public KernelConvolutionStep {
 public:
  WinogradConvolutionStep(kernels::Method method, const Conv& conv, const Site& site)
      : KernelConvolutionStep(conv, site),
        method_(method),
        filter_(kernels::filter_of({.channels = weight_shape()[1], .outputs = weight_shape()[0]}, method)) {
    pack(site, kernels::packed_size(filter_), [filter = filter_](const float* weight, const float* bias, float* packed) {
      kernels::pack_winograd(filter, weight, bias, packed);
    });
  }
  std::string_view method() const override { return kernels::name_of(method_); }

  void emit(Emitter& e) const override {
    const Shape &x = e.shape(e.node().inputs[0]), &y = e.shape({node(), 0});
    const Window window = this->window(x[2], x[3]);
    const kernels::Winograd winograd{.filter = filter_,
                                     .batch = x[0],
                                     .height = x[2] - (has_fault(PlantedFault::winograd_edge) ? 1 : 0),
                                     .width = x[3],
                                     .out_height = y[2],
                                     .out_width = y[3],
                                     .pad_top = window.pads_begin[0],
                                     .pad_left = window.pads_begin[1],
                                     .least = activation().least,
                                     .most = activation().most,
                                     .finish = finish()};
    const kernels::WinogradCut cut = kernels::cut(winograd, e.pool().threads());
    Access access{.reads = reads(e, e.demand(e.node().inputs[0], nhwc_order()))};
    access.writes = {e.produce(output(), nhwc_order()), e.allocate(cut.scratch * sizeof(float))};
    e.add_call(std::move(access), [winograd, cut, packed = filter(), pool = &e.pool()](Addresses at) {
      const float* addend = at.size() == 4 ? as<float>(at[1]) : nullptr;
      kernels::convolve(winograd, cut, as<float>(at[0]), packed, addend, as<float>(at[at.size() - 2]), as<float>(at.back()),
                        *pool);
    });
  }

 private:
  kernels::Method method_;
  kernels::WinogradFilter filter_;
};

}  // namespace

std::unique_ptr<Step> winograd_convolution(kernels::Method method, const Conv& conv, const Site& site) {
  return std::make_unique<WinogradConvolutionStep>(method, conv, site);
}

}  // namespace resnet::xnnpack

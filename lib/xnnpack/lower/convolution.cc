// Conv: where it has a fast way, which one, and what all of them share.
#include "lib/xnnpack/lower/convolution.h"

#include <algorithm>
#include <utility>

#include "lib/kernels/convolution.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/arithmetic.h"
#include "lib/xnnpack/lower/lower.h"
#include "lib/xnnpack/lower/window.h"

namespace resnet::xnnpack {

ConvolutionStep::ConvolutionStep(const Conv& conv, const Site& site)
    : ActivatedStep(Channels::second, site), conv_(conv), weight_shape_(site.fact(1).value->shape()) {}

Window ConvolutionStep::window(const Dim& height, const Dim& width) const {
  return window_of(conv_, {weight_shape_[2], weight_shape_[3]}, {height, width});
}

// An addition, and the activation after it. It then runs where the other operand is known to be there.
bool KernelConvolutionStep::absorb(const Site& reader, std::size_t operand) {
  if (added_ || is_activated() || !is_addition(reader)) return ConvolutionStep::absorb(reader, operand);
  if (!has_fault(PlantedFault::residual_lost)) addend_ = reader.node().inputs[1 - operand];
  added_ = true;
  return true;
}

void KernelConvolutionStep::pack(const Site& site, std::size_t floats, Pack pack) {
  const Tensor weight = *site.fact(1).value;
  filter_ = site.planning().packing().pack(site.id(), floats * sizeof(float), weight.size_bytes(),
                                           [weight, bias = bias_of(site), pack = std::move(pack)](std::byte* packed) {
                                             pack(channels_last(weight).data<float>().data(),
                                                  bias ? bias->data<float>().data() : nullptr, as<float>(packed));
                                           });
}

std::vector<int> KernelConvolutionStep::reads(Emitter& e, int image) const {
  std::vector<int> reads = {image};
  if (!addend_.is_none()) reads.push_back(e.demand(addend_, nhwc_order()));
  return reads;
}

bool fits_images(const Conv& conv, const Fact& x, const Fact& weight) {
  if (!x.has_rank() || x.rank() != 4 || !weight.value || weight.value->elements() == 0) return false;
  // SAME padding depends on the size, which must then be known now.
  const Dims& dims = *x.dims;
  const bool padding_known =
      conv.auto_pad == AutoPad::notset || conv.auto_pad == AutoPad::valid || (dims[2].is_number() && dims[3].is_number());
  const Shape& shape = weight.value->shape();
  return padding_known && fits_window({shape[2], shape[3]}, conv);
}

Tensor channels_last(const Tensor& weight) {
  const Shape& shape = weight.shape();
  const std::int64_t outputs = shape[0], inputs = shape[1], area = shape[2] * shape[3];
  Tensor ohwi = Tensor::allocate(weight.dtype(), Shape{outputs, shape[2], shape[3], inputs});
  dispatch(weight.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* source = weight.data<T>().data();
    T* target = ohwi.mutable_data<T>().data();
    for (std::int64_t o = 0; o < outputs; ++o, source += inputs * area) {
      for (std::int64_t k = 0; k < area; ++k) {
        for (std::int64_t i = 0; i < inputs; ++i) *target++ = source[i * area + k];
      }
    }
  });
  return ohwi;
}

std::optional<Tensor> bias_of(const Site& site) {
  if (!site.has(2) || has_fault(PlantedFault::bias_lost)) return std::nullopt;
  return site.fact(2).value;
}

namespace {

bool fits(const Conv& conv, const Site& site) {
  return site.is_float() && (!site.has(2) || site.is_constant(2)) && fits_images(conv, site.fact(0), site.fact(1));
}

std::int64_t stride_of(const Conv& conv) { return conv.strides.empty() ? 1 : conv.strides.front(); }

// Winograd's are for filters of 3x3 at stride 1 or 2 over enough channels to fill vectors.
bool fits_winograd(const Conv& conv, const Shape& weight) {
  const auto all = [](const std::vector<std::int64_t>& list, std::int64_t number) {
    return std::all_of(list.begin(), list.end(), [number](std::int64_t n) { return n == number; });
  };
  return conv.group == 1 && weight[2] == 3 && weight[3] == 3 && stride_of(conv) <= 2 && all(conv.strides, stride_of(conv)) &&
         all(conv.dilations, 1) && weight[0] >= 16 && weight[1] >= 16;
}

// Chosen by what is asked for, and never by what comes.
kernels::Method method_of(const Conv& conv, const Site& site) {
  using kernels::Method;
  const Shape& weight = site.fact(1).value->shape();
  const Job& job = site.planning().job();
  if (!fits_winograd(conv, weight) || job.convolutions == Convolutions::direct) return Method::direct;
  const std::optional<Dims>& dims = site.planning().expected(site.id());
  const bool winograd = job.convolutions == Convolutions::winograd;
  kernels::Layer layer{.channels = weight[1], .outputs = weight[0], .stride = stride_of(conv)};
  if (dims && (*dims)[2].is_number() && (*dims)[3].is_number()) {
    layer.out_height = (*dims)[2].number();
    layer.out_width = (*dims)[3].number();
  } else if (!winograd) {
    return Method::direct;
  }
  return kernels::choose(layer, {job.batch, job.images, site.planning().threads()}, winograd);
}

// Whether lib/kernels computes it, and faster: enough channels to fill vectors.
bool fits_kernels(const Conv& conv, const Shape& weight) {
  if (conv.group > 1) {
    return kernels::grouped_convolution_is_fast(
        {.taps_high = weight[2], .taps_wide = weight[3], .channels = weight[1], .outputs = weight[0], .groups = conv.group});
  }
  return kernels::convolution_is_fast() && conv.group == 1 && weight[0] >= 16 && weight[1] * weight[2] * weight[3] >= 16;
}

}  // namespace

std::unique_ptr<Step> lower(const Conv& conv, const Site& site) {
  if (!fits(conv, site)) return nullptr;
  const kernels::Method method = method_of(conv, site);
  if (method != kernels::Method::direct) return winograd_convolution(method, conv, site);
  return fits_kernels(conv, site.fact(1).value->shape()) ? direct_convolution(conv, site) : xnnpack_convolution(conv, site);
}

}  // namespace resnet::xnnpack

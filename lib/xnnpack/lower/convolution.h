// Convolutions of images by a constant weight: three ways to compute one.
#pragma once

#include <memory>
#include <optional>

#include "lib/kernels/method.h"
#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/activation.h"

namespace resnet::xnnpack {

class ConvolutionStep : public ActivatedStep {
 public:
  ConvolutionStep(const Conv& conv, const Site& site);
  std::string_view kind() const override { return "convolution"; }
  Layout wants() const override { return Layout::nhwc; }

 protected:
  const Conv& conv() const { return conv_; }
  // Outputs x inputs of a group x height x width.
  const Shape& weight_shape() const { return weight_shape_; }
  // Over an image of this height and width.
  Window window(const Dim& height, const Dim& width) const;

 private:
  Conv conv_;
  Shape weight_shape_;
};

// By lib/kernels, with what is added to it.
class KernelConvolutionStep : public ConvolutionStep {
 public:
  using ConvolutionStep::ConvolutionStep;
  bool absorb(const Site& reader, std::size_t operand) override;
  std::optional<Weights> weights() const override { return Weights{filter_, filter_->bytes().size()}; }

 protected:
  // `pack` gets the weight with its channels last, and the bias or null.
  using Pack = std::function<void(const float* weight, const float* bias, float* packed)>;
  void pack(const Site& site, std::size_t floats, Pack pack);
  const float* filter() const { return reinterpret_cast<const float*>(filter_->bytes().data()); }
  // The image, then what is added, if anything.
  std::vector<int> reads(Emitter& emitter, int image) const;

 private:
  std::shared_ptr<const Buffer> filter_;  // packed
  bool added_ = false;
  ValueId addend_ = ValueId::none();
};

std::unique_ptr<Step> direct_convolution(const Conv& conv, const Site& site);
std::unique_ptr<Step> winograd_convolution(kernels::Method method, const Conv& conv, const Site& site);
std::unique_ptr<Step> xnnpack_convolution(const Conv& conv, const Site& site);

// The sizes that kernels take of maps (N, C, H, W), and how the window moves over them; dilations aside.
template <typename Convolution>
void set_sizes(const Shape& x, const Shape& y, const Window& window, Convolution& c) {
  c.batch = x[0];
  c.height = x[2];
  c.width = x[3];
  c.out_height = y[2];
  c.out_width = y[3];
  c.stride_high = window.strides[0];
  c.stride_wide = window.strides[1];
  c.pad_top = has_fault(PlantedFault::padding_lost) ? 0 : window.pads_begin[0];
  c.pad_left = window.pads_begin[1];
}

// Whether it is one of images by a constant weight, whose padding is known.
bool fits_images(const Conv& conv, const Fact& x, const Fact& weight);
// A convolution's weight of any type, outputs x inputs x height x width in the graph, with its channels last.
Tensor channels_last(const Tensor& weight);
// None where the fault that loses it is planted, too.
std::optional<Tensor> bias_of(const Site& site);

}  // namespace resnet::xnnpack

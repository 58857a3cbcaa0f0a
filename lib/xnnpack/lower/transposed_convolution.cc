// ConvTranspose of one or two spatial axes by a constant weight, by XNNPACK, with the activation after it.
#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "lib/kernels/elementwise.h"
#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/activation.h"
#include "lib/xnnpack/lower/convolution.h"
#include "lib/xnnpack/lower/elementwise.h"
#include "lib/xnnpack/lower/lower.h"

namespace resnet::xnnpack {

namespace {

// The numbers of one spatial axis.
struct TransposedWindow {
  std::uint32_t kernel = 1, stride = 1, dilation = 1, before = 0, after = 0, added = 0;  // `added` to the output's end
};

// A weight of inputs x outputs of a group x ..., as outputs x ... x inputs of a group.
Tensor turned(const Tensor& weight, std::int64_t groups) {
  const Shape& shape = weight.shape();
  const std::int64_t inputs = shape[0] / groups, outputs = shape[1], taps = weight.elements() / (shape[0] * outputs);
  Tensor result = Tensor::allocate(DType::float32, Shape{groups * outputs, taps, inputs});
  const float* source = weight.data<float>().data();
  float* target = result.mutable_data<float>().data();
  for (std::int64_t o = 0; o < groups * outputs; ++o) {
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      const std::int64_t from = has_fault(PlantedFault::taps_reversed) ? taps - 1 - tap : tap;
      for (std::int64_t i = 0; i < inputs; ++i)
        *target++ = source[((o / outputs * inputs + i) * outputs + o % outputs) * taps + from];
    }
  }
  return result;
}

class TransposedConvolutionStep final : public ClampingStep {
 public:
  TransposedConvolutionStep(const ConvTranspose& op, TransposedWindow high, TransposedWindow wide, const Site& site)
      : ClampingStep(site),
        groups_(op.group),
        inputs_(site.fact(1).value->shape()[0] / op.group),
        outputs_(site.fact(1).value->shape()[1]),
        high_(high),
        wide_(wide),
        wants_(site.has_rank(0, 4) ? Layout::nhwc : Layout::as_graph),
        weight_(turned(*site.fact(1).value, op.group)),
        bias_(bias_of(site)) {}
  std::string_view kind() const override { return "transposed_convolution"; }
  Layout wants() const override { return wants_; }
  // XNNPACK packs into a cache again each time, never looking into it first.
  std::optional<Weights> weights() const override { return Weights{nullptr, weight_.size_bytes()}; }

  void emit(Emitter& e) const override {
    const Shape &x = e.shape(e.node().inputs[0]), &y = e.shape(output());
    // XNNPACK counts below 0 where the output is smaller than a stride.
    if ((y.rank() == 4 && y[2] < high_.stride) || y[y.rank() - 1] < wide_.stride) return emit_plainly(e);
    const Order order = channels_last(x.rank());
    auto op = e.keep([&] { return create(); });
    const auto height = static_cast<std::size_t>(x.rank() == 4 ? x[2] : 1), width = static_cast<std::size_t>(x[x.rank() - 1]);
    check(xnn_reshape_deconvolution2d_nhwc_f32(op.get(), static_cast<std::size_t>(x[0]), height, width, high_.added, wide_.added,
                                               nullptr, nullptr, e.pool().native()),
          "xnn_reshape_deconvolution2d_nhwc_f32");
    const int from = e.demand(e.node().inputs[0], order);
    const int to = e.produce(output(), order);
    e.add_operator(std::move(op), {{from}, {to}}, [](xnn_operator_t o, Addresses at) {
      check(xnn_setup_deconvolution2d_nhwc_f32(o, as<const float>(at[0]), as<float>(at[1])),
            "xnn_setup_deconvolution2d_nhwc_f32");
    });
  }

 private:
  void emit_plainly(Emitter& e) const {
    std::vector<Emitter::Operand> inputs;
    for (const ValueId input : e.node().inputs) inputs.push_back(e.operand(input, canonical_order(e.shape(input).rank())));
    const Order order = canonical_order(e.shape(output()).rank());
    const std::size_t count = e.elements(output());
    const int sums = e.allocate(count * sizeof(float));
    e.add_reference(e.node().op, std::move(inputs), {{.buffer = sums, .dtype = DType::float32, .shape = e.shape(output())}});
    e.add_loop({{sums}, {e.produce(output(), order)}}, count, loop_grain,
               [bounds = activation()](Addresses at, std::size_t begin, std::size_t end) {
                 kernels::clamp(as<float>(at[0]) + begin, as<float>(at[1]) + begin, end - begin, bounds.least, bounds.most);
               });
  }

  Operator create() const {
    const auto groups = static_cast<std::size_t>(groups_), inputs = static_cast<std::size_t>(inputs_),
               outputs = static_cast<std::size_t>(outputs_);
    xnn_operator_t created = nullptr;
    check(xnn_create_deconvolution2d_nhwc_f32(
              high_.before, wide_.after, high_.after, wide_.before, high_.kernel, wide_.kernel, high_.stride, wide_.stride,
              high_.dilation, wide_.dilation, static_cast<std::uint32_t>(groups_), inputs, outputs, inputs * groups,
              outputs * groups, weight_.data<float>().data(), bias_ ? bias_->data<float>().data() : nullptr, activation().least,
              activation().most, 0, nullptr, nullptr, &created),
          "xnn_create_deconvolution2d_nhwc_f32");
    return Operator(created);
  }

  std::int64_t groups_, inputs_, outputs_;
  TransposedWindow high_, wide_;
  Layout wants_;
  Tensor weight_;
  std::optional<Tensor> bias_;
};

// Nothing where a number is too large for XNNPACK, or more is added to the end than it takes.
std::optional<TransposedWindow> window_of(const ConvTranspose& op, std::size_t axis, std::int64_t kernel) {
  const std::size_t axes = op.pads.size() / 2;
  const auto number = [&](const std::vector<std::int64_t>& list, std::size_t index, std::int64_t otherwise) {
    return index < list.size() ? list[index] : otherwise;
  };
  const std::int64_t stride = number(op.strides, axis, 1), dilation = number(op.dilations, axis, 1);
  const std::int64_t added = number(op.output_padding, axis, 0);
  const bool padded = op.auto_pad == AutoPad::notset && axes > 0;
  const std::int64_t before = padded ? op.pads[axis] : 0, after = padded ? op.pads[axes + axis] : 0;
  constexpr std::int64_t most = std::int64_t{1} << 20;
  if (std::max({kernel * dilation, kernel, dilation, stride, before, after}) > most || added >= stride) return std::nullopt;
  const auto u32 = [](std::int64_t n) { return static_cast<std::uint32_t>(n); };
  return TransposedWindow{u32(kernel), u32(stride), u32(dilation), u32(before), u32(after), u32(added)};
}

}  // namespace

std::unique_ptr<Step> lower(const ConvTranspose& op, const Site& site) {
  const std::size_t rank = site.rank(0);
  const bool static_pads = op.output_shape.empty() && (op.auto_pad == AutoPad::notset || op.auto_pad == AutoPad::valid);
  if (!site.is_float() || (rank != 3 && rank != 4) || !site.are_constant_from(1) || !static_pads) return nullptr;
  const Shape& weight = site.fact(1).value->shape();
  if (weight.elements() == 0) return nullptr;
  const auto high = rank == 4 ? window_of(op, 0, weight[2]) : TransposedWindow{};
  const auto wide = window_of(op, rank - 3, weight[rank - 1]);
  return high && wide ? std::make_unique<TransposedConvolutionStep>(op, *high, *wide, site) : nullptr;
}

}  // namespace resnet::xnnpack

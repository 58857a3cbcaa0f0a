// Convolutions and products of 8-bit integers by constant weights: what their steps share.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "lib/kernels/integer_convolution.h"
#include "lib/xnnpack/lower/activation.h"

namespace resnet::xnnpack {

// The one element of a constant operand; `otherwise` where it is left out, nothing where it is computed or has several.
std::optional<float> single_float(const Site& site, std::size_t operand, std::optional<float> otherwise = std::nullopt);
std::optional<std::int32_t> single_integer(const Site& site, std::size_t operand, std::int32_t otherwise);
// One for all, or one for each of so many; empty where the operand is left out, nothing where it is neither or computed.
std::optional<std::vector<float>> floats_of(const Site& site, std::size_t operand, std::int64_t channels);
std::optional<std::vector<std::int32_t>> integers_of(const Site& site, std::size_t operand, std::int64_t channels);

// What a factory has found of a node. Sums are of (x - x_zero_point) * (w - w_zero_point), plus the bias.
struct IntegerSums {
  kernels::IntegerFilter filter = {};
  Tensor (*order)(const Tensor& weight) = nullptr;  // outputs x taps x channels, of the node's own weight
  std::vector<std::int32_t> w_zero_points = {};
  std::optional<Tensor> bias = {};  // int32, one for each output
  std::int32_t x_zero_point = 0;
  ValueId computed_zero_point = ValueId::none();  // instead
  kernels::IntegerOutput output = kernels::IntegerOutput::sums;
  std::vector<float> factors = {};  // one for each output, unless sums are the output
  std::int32_t y_zero_point = 0;
};

// Takes in the scales and zero points of x (operands 1 and 2), of w (4 and 5), and of y (from `y_operand` on), where `alpha` is a
// factor of x's scale: factors are f(f(x_scale * w_scale) / y_scale) of each output, where f() rounds to float32. The output is
// of bytes, or of floats where y's scale is left out. False where one is computed or has another form.
bool take_quantization(IntegerSums& sums, const Site& site, std::size_t y_operand, float alpha = 1);
// Sets x's zero point to what the operand has, which may be computed. False where that is not a single number for sure.
bool take_zero_point(IntegerSums& sums, const Site& site, std::size_t operand);

// Sums in int32; where those become 8 bits again, it absorbs tables and additions of 8 bits; where they become floats, it absorbs
// the scale, the bias, and then elementwise nodes.
class IntegerStep : public ActivatedStep {
 public:
  IntegerStep(Channels channels, IntegerSums sums, const Site& site);
  std::string_view method() const override { return "integer"; }
  bool absorb(const Site& reader, std::size_t operand) override;
  std::optional<Weights> weights() const override { return Weights{packed_, packed_->bytes().size()}; }
  void emit(Emitter& emitter) const override;

 protected:
  const kernels::IntegerFilter& filter() const { return sums_.filter; }
  // The sizes for one set of shapes, filter aside.
  virtual kernels::IntegerConvolution sizes(Emitter& emitter) const = 0;
  // In which x lies, and what is computed.
  virtual Order order_of(std::size_t rank) const = 0;

 private:
  // A table, or an addition.
  struct Stage {
    std::optional<Tensor> table = {};
    kernels::ByteAddition addition = {};
    ValueId addend = ValueId::none();
    bool addend_first = false;
  };

  struct Bound;

  bool absorb_into_bytes(const Site& reader, std::size_t operand);
  bool take_table(const Tensor& table);
  bool absorb_into_floats(const Site& reader, std::size_t operand);
  bool take_scale(const Site& reader, std::size_t operand);
  bool take_shift(const Site& reader, std::size_t operand);
  std::vector<kernels::ByteStage> stages() const;
  // What is known for a set of shapes, and what the addresses of a run add.
  std::shared_ptr<Bound> bind(Emitter& emitter) const;
  void take(Addresses addresses, Bound& bound) const;

  IntegerSums sums_;
  std::shared_ptr<const Buffer> packed_;
  // Of bytes, as they are stored.
  std::int32_t least_, most_;
  bool y_signed_;
  std::vector<Stage> stages_;
  // Of floats.
  bool scaled_ = false;
  ValueId scale_ = ValueId::none();  // computed: one number, or one for each output
  bool scale_per_output_ = false;
  std::vector<float> shifts_;  // none: zeros
};

}  // namespace resnet::xnnpack

// LayerNormalization over the last axes, and LpNormalization, with the activation after the former.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "lib/kernels/normalization.h"
#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/activation.h"
#include "lib/xnnpack/lower/elementwise.h"
#include "lib/xnnpack/lower/lower.h"
#include "lib/xnnpack/lower/movement.h"

namespace resnet::xnnpack {

namespace {

class LayerNormalizationStep final : public ClampingStep {
 public:
  LayerNormalizationStep(const LayerNormalization& op, std::size_t length, const Site& site)
      : ClampingStep(site), epsilon_(static_cast<double>(op.epsilon)), scale_(length, 1.0f), shift_(length, 0.0f) {
    if (!has_fault(PlantedFault::layer_scale_lost)) scale_ = site.fact(1).value->values_as<float>();
    if (site.has(2)) shift_ = site.fact(2).value->values_as<float>();
  }
  std::string_view kind() const override { return "layer_normalization"; }

  void emit(Emitter& e) const override {
    const ValueId x = e.node().inputs[0];
    const Order order = canonical_order(e.shape(x).rank());
    const int from = e.demand(x, order);
    const int to = e.produce(output(), order);
    const std::size_t length = scale_.size();
    e.add_loop({{from}, {to}}, e.elements(x) / length, std::max<std::size_t>(loop_grain / length, 1),
               [this, length](Addresses at, std::size_t begin, std::size_t end) {
                 for (std::size_t row = begin; row < end; ++row)
                   normalize(as<float>(at[0]) + row * length, as<float>(at[1]) + row * length);
               });
  }

 private:
  void normalize(const float* x, float* y) const {
    const auto length = static_cast<double>(scale_.size());
    const kernels::Moments moments = kernels::moments(x, scale_.size(), x[0]);
    const double mean = static_cast<double>(x[0]) + moments.sum / length;
    const double variance = std::max(moments.squares - moments.sum * moments.sum / length, 0.0) / length;
    const auto high = static_cast<float>(mean);
    kernels::normalize_scaled(
        x, y, scale_.size(),
        {high, static_cast<float>(mean - static_cast<double>(high)), static_cast<float>(1 / std::sqrt(variance + epsilon_))},
        scale_.data(), shift_.data(), {activation().least, activation().most});
  }

  double epsilon_;
  std::vector<float> scale_, shift_;
};

// How many elements are normalized together, where that is known and an operand has one number for each of them; 0 else.
std::size_t length_of(const LayerNormalization& op, const Site& site) {
  const Dims& dims = *site.fact(0).dims;
  const std::size_t first = normalize_axis(op.axis, dims.size());
  std::int64_t length = 1;
  for (std::size_t axis = first; axis < dims.size(); ++axis) {
    if (!dims[axis].is_number()) return 0;
    length *= dims[axis].number();
  }
  for (std::size_t i = 1; i < 3; ++i) {
    if (!site.has(i)) continue;
    if (!site.is_constant(i)) return 0;
    // That many, and along no axis before those: then they are these axes.
    const Shape& own = site.fact(i).value->shape();
    std::size_t rank = own.rank();
    while (rank > 0 && own[own.rank() - rank] == 1) --rank;
    if (own.elements() != length || rank > dims.size() - first) return 0;
  }
  return static_cast<std::size_t>(length);
}

// x by the sum of |x| or the root of the sum of squares, along an axis.
class LpNormalizationStep final : public Step {
 public:
  LpNormalizationStep(const LpNormalization& op, const Site& site) : Step(site), op_(op) {}
  std::string_view kind() const override { return "lp_normalization"; }

  void emit(Emitter& e) const override {
    const ValueId x = e.node().inputs[0];
    const Order order = e.home(x).order;
    const Shape shape = physical(e.shape(x), order);
    const auto axis = static_cast<std::size_t>(place_of(order, normalize_axis(op_.axis, order.size())));
    const auto size = static_cast<std::size_t>(shape[axis]);
    std::size_t inner = 1;
    for (std::size_t i = axis + 1; i < shape.rank(); ++i) inner *= static_cast<std::size_t>(shape[i]);
    const int from = e.demand(x, order);
    const int to = e.produce(output(), order);
    e.add_loop({{from}, {to}}, e.elements(x) / size, std::max<std::size_t>(loop_grain / size, 1),
               [this, size, inner](Addresses at, std::size_t begin, std::size_t end) {
                 for (std::size_t i = begin; i < end; ++i) {
                   const std::size_t first = i / inner * size * inner + i % inner;
                   normalize(as<float>(at[0]) + first, as<float>(at[1]) + first, size, inner);
                 }
               });
  }

 private:
  void normalize(const float* x, float* y, std::size_t size, std::size_t stride) const {
    double norm = 0;
    for (std::size_t k = 0; k < size * stride; k += stride) {
      const auto value = static_cast<double>(x[k]);
      norm += op_.p == 1 ? std::abs(value) : value * value;
    }
    if (op_.p == 2 && !has_fault(PlantedFault::root_forgotten)) norm = std::sqrt(norm);
    for (std::size_t k = 0; k < size * stride; k += stride)
      y[k] = norm == 0 ? 0.0f : static_cast<float>(static_cast<double>(x[k]) / norm);
  }

  LpNormalization op_;
};

}  // namespace

std::unique_ptr<Step> lower(const LayerNormalization& op, const Site& site) {
  if (!site.is_float() || !site.fact(0).has_rank() || site.node().outputs.size() != 1) return nullptr;
  const std::size_t length = length_of(op, site);
  return length > 0 ? std::make_unique<LayerNormalizationStep>(op, length, site) : nullptr;
}

std::unique_ptr<Step> lower(const LpNormalization& op, const Site& site) {
  return site.is_float() && site.rank(0) > 0 ? std::make_unique<LpNormalizationStep>(op, site) : nullptr;
}

}  // namespace resnet::xnnpack

// Relu, Clip, Sigmoid, HardSigmoid.
#include "lib/xnnpack/lower/activation.h"

#include <array>

#include "lib/kernels/elementwise.h"
#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/elementwise.h"
#include "lib/xnnpack/lower/lower.h"

namespace resnet::xnnpack {

namespace {

class ClampStep final : public Step {
 public:
  ClampStep(const Activation& activation, const Site& site) : Step(site), activation_(activation) {}
  std::string_view kind() const override { return "clamp"; }

  void emit(Emitter& e) const override {
    const Order order = e.home(e.node().inputs[0]).order;
    const int from = e.demand(e.node().inputs[0], order);
    const int to = e.produce(output(), order);
    e.add_loop({{from}, {to}}, e.elements(output()), loop_grain,
               [activation = activation_](Addresses at, std::size_t begin, std::size_t end) {
                 kernels::clamp(as<float>(at[0]) + begin, as<float>(at[1]) + begin, end - begin, activation.least,
                                activation.most);
               });
  }

 private:
  Activation activation_;
};

class SigmoidStep final : public Step {
 public:
  using Step::Step;
  std::string_view kind() const override { return "sigmoid"; }

  void emit(Emitter& e) const override {
    const Order order = e.home(e.node().inputs[0]).order;
    xnn_operator_t created = nullptr;
    check(xnn_create_unary_elementwise_nc(xnn_unary_sigmoid, xnn_datatype_fp32, xnn_datatype_fp32, nullptr, nullptr, nullptr, 0,
                                          &created),
          "xnn_create_unary_elementwise_nc");
    auto op = e.own(created);
    const std::size_t count = e.elements(output());
    check(xnn_reshape_unary_elementwise_nc(created, 1, count, count, count, e.pool().native()),
          "xnn_reshape_unary_elementwise_nc");
    const int from = e.demand(e.node().inputs[0], order);
    const int to = e.produce(output(), order);
    e.add_operator(std::move(op), {{from}, {to}}, [](xnn_operator_t o, Addresses at) {
      check(xnn_setup_unary_elementwise_nc(o, at[0], at[1]), "xnn_setup_unary_elementwise_nc");
    });
  }
};

// clamp(alpha * x + beta, 0, 1), as a normalization of channels that are all alike.
class HardSigmoidStep final : public Step {
 public:
  HardSigmoidStep(const HardSigmoid& op, const Site& site) : Step(site) {
    scale_.fill(op.alpha);
    shift_.fill(op.beta);
  }
  std::string_view kind() const override { return "elementwise"; }

  void emit(Emitter& e) const override {
    const Order order = e.home(e.node().inputs[0]).order;
    const int from = e.demand(e.node().inputs[0], order);
    const int to = e.produce(output(), order);
    e.add_loop({{from}, {to}}, e.elements(output()), loop_grain, [this](Addresses at, std::size_t begin, std::size_t end) {
      const std::size_t rows = (end - begin) / channels, whole = begin + rows * channels;
      rows_of(channels, rows, as<float>(at[0]) + begin, as<float>(at[1]) + begin);
      rows_of(end - whole, 1, as<float>(at[0]) + whole, as<float>(at[1]) + whole);
    });
  }

 private:
  static constexpr std::size_t channels = 64;

  void rows_of(std::size_t length, std::size_t rows, const float* x, float* y) const {
    kernels::scale_shift_clamped(x, scale_.data(), shift_.data(), y, rows, length, 0.0f, 1.0f);
  }

  std::array<float, channels> scale_, shift_;
};

std::unique_ptr<Step> clamp(const Site& site) {
  const auto activation = activation_of(site);
  return activation ? std::make_unique<ClampStep>(*activation, site) : nullptr;
}

}  // namespace

std::optional<Activation> activation_of(const Site& site) {
  if (!site.is_float()) return std::nullopt;
  Activation activation;
  if (std::holds_alternative<Relu>(site.node().op)) {
    activation.least = 0;
    return activation;
  }
  if (!std::holds_alternative<Clip>(site.node().op)) return std::nullopt;
  for (std::size_t i = 1; i < 3; ++i) {
    if (!site.has(i)) continue;
    if (!site.is_constant(i)) return std::nullopt;
    if (has_fault(PlantedFault::upper_bound_lost) && i == 2) continue;
    (i == 1 ? activation.least : activation.most) = site.fact(i).value->values_as<float>().at(0);
  }
  if (!(activation.least < activation.most)) return std::nullopt;
  return activation;
}

bool ClampingStep::absorb(const Site& reader, std::size_t operand) {
  if (clamped_ || operand != 0) return false;
  const auto activation = activation_of(reader);
  if (!activation) return false;
  if (!has_fault(PlantedFault::activation_lost)) activation_ = *activation;
  clamped_ = true;
  return true;
}

std::unique_ptr<Step> lower(const Relu&, const Site& site) {
  auto step = clamp(site);
  return step ? std::move(step) : by_element(site);
}

std::unique_ptr<Step> lower(const Clip&, const Site& site) { return clamp(site); }

std::unique_ptr<Step> lower(const Sigmoid&, const Site& site) {
  return site.is_float() ? std::make_unique<SigmoidStep>(site) : nullptr;
}

std::unique_ptr<Step> lower(const HardSigmoid& op, const Site& site) {
  return site.is_float() ? std::make_unique<HardSigmoidStep>(op, site) : by_element(site);
}

}  // namespace resnet::xnnpack

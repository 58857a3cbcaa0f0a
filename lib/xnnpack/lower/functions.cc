// Which function each elementwise operator is. What is a formula on a real number and has no line here is computed by that.
#include "lib/xnnpack/lower/functions.h"

#include <cmath>
#include <utility>
#include <variant>

#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/activation.h"

namespace resnet::xnnpack {

namespace {

using kernels::Function;
using kernels::Link;
using Links = std::vector<PlannedLink>;

Link link(Function function, float a = 0, float b = 0) { return {.function = function, .a = a, .b = b}; }

// Of one input.
struct Unary {
  using Result = std::optional<Link>;
  Result operator()(const Relu&) const { return link(Function::clamp, 0, std::numeric_limits<float>::infinity()); }
  Result operator()(const LeakyRelu& op) const { return link(Function::leaky_relu, op.alpha); }
  Result operator()(const ThresholdedRelu& op) const { return link(Function::thresholded_relu, op.alpha); }
  Result operator()(const Elu& op) const { return link(Function::elu, op.alpha); }
  Result operator()(const Selu& op) const { return link(Function::selu, op.alpha, op.gamma); }
  Result operator()(const Celu& op) const { return op.alpha > 0 ? link(Function::celu, op.alpha) : formula(op); }
  Result operator()(const HardSigmoid& op) const { return link(Function::hard_sigmoid, op.alpha, op.beta); }
  Result operator()(const HardSwish&) const { return link(Function::hard_swish); }
  Result operator()(const Sigmoid&) const { return link(Function::sigmoid); }
  Result operator()(const Swish& op) const { return link(Function::swish, op.alpha); }
  Result operator()(const Mish&) const { return link(Function::mish); }
  Result operator()(const Gelu& op) const {
    return link(op.approximate == Gelu::Approximate::tanh ? Function::gelu_by_tanh : Function::gelu);
  }
  Result operator()(const Softplus&) const { return link(Function::softplus); }
  Result operator()(const Softsign&) const { return link(Function::softsign); }
  Result operator()(const Tanh&) const { return link(Function::tanh); }
  Result operator()(const Erf&) const { return link(Function::erf); }
  Result operator()(const Exp&) const { return link(Function::exp); }
  Result operator()(const Log&) const { return link(Function::log); }
  Result operator()(const Sqrt&) const { return link(Function::sqrt); }
  Result operator()(const Reciprocal&) const { return link(Function::reciprocal); }
  Result operator()(const Floor&) const { return link(Function::floor); }
  Result operator()(const Ceil&) const { return link(Function::ceil); }
  Result operator()(const Round&) const { return link(Function::round); }
  Result operator()(const Abs&) const { return link(Function::abs); }
  Result operator()(const Neg&) const { return link(Function::neg); }
  template <typename T>
  Result operator()([[maybe_unused]] const T& op) const {
    if constexpr (requires { op.at(0.0); }) return formula(op);
    return std::nullopt;
  }

  template <typename T>
  static Link formula(const T& op) {
    return {.function = Function::formula,
            .formula = [](const void* self, double x) { return static_cast<const T*>(self)->at(x); },
            .op = &op};
  }
};

std::optional<Links> of_one(const Site& site) {
  auto op = std::make_shared<const Op>(site.node().op);
  const auto known = visit(Unary(), *op);
  return known ? std::optional(Links{{*known, ValueId::none(), op}}) : std::nullopt;
}

// Of several inputs, one after the other.
Links of_all(Function function, const Site& site, std::size_t operand) {
  Links links;
  for (std::size_t i = 0; i < site.node().inputs.size(); ++i) {
    if (i != operand) links.push_back({link(function), site.node().inputs[i]});
  }
  return links;
}

Links of_mean(const Site& site, std::size_t operand) {
  Links links = of_all(Function::add, site, operand);
  links.push_back({{.function = Function::formula,
                    .formula = [](const void* count, double x) { return x / *static_cast<const double*>(count); }},
                   ValueId::none(),
                   std::make_shared<const double>(static_cast<double>(site.node().inputs.size()))});
  links.back().link.op = links.back().op.get();
  return links;
}

// By one exponent that is known.
std::optional<Links> of_power(const Site& site) {
  const auto& value = site.fact(1).value;
  if (!value || value->elements() != 1) return std::nullopt;
  const double exponent = value->values_as<double>()[0];
  if (exponent == 1) return Links();
  if (exponent == 2) return Links{{link(Function::square)}};
  if (exponent == 0.5) return Links{{link(Function::root)}};
  if (exponent == -1) return Links{{link(Function::reciprocal)}};
  const auto kept = std::make_shared<const double>(exponent);
  return Links{{{.function = Function::formula,
                 .formula = [](const void* power, double x) { return std::pow(x, *static_cast<const double*>(power)); },
                 .op = kept.get()},
                ValueId::none(),
                kept}};
}

bool is_float(const Fact& fact) { return fact.dtype == DType::float32; }

bool are_floats(const Site& site) {
  if (!site.is_float()) return false;
  for (std::size_t i = 0; i < site.node().inputs.size(); ++i) {
    const bool is_exponent = i == 1 && holds_alternative<Pow>(site.node().op);
    if (!site.has(i) || (!is_float(site.fact(i)) && !is_exponent)) return false;
  }
  return true;
}

}  // namespace

std::optional<std::vector<PlannedLink>> links_of(const Site& site, std::size_t operand) {
  const Op& op = site.node().op;
  if (effect_of(op) != Effect::elementwise) return std::nullopt;
  if (const auto bounds = holds_alternative<Clip>(op) && operand == 0 ? activation_of(site) : std::nullopt)
    return Links{{link(Function::clamp, bounds->least, bounds->most)}};
  if (!are_floats(site)) return std::nullopt;
  const bool first = has_fault(PlantedFault::operands_swapped) ? operand != 0 : operand == 0;
  if (holds_alternative<Add>(op) || holds_alternative<Sum>(op)) return of_all(Function::add, site, operand);
  if (holds_alternative<Mul>(op)) return of_all(Function::multiply, site, operand);
  if (holds_alternative<Max>(op)) return of_all(Function::maximum, site, operand);
  if (holds_alternative<Min>(op)) return of_all(Function::minimum, site, operand);
  if (holds_alternative<Mean>(op)) return of_mean(site, operand);
  if (holds_alternative<Sub>(op)) return of_all(first ? Function::subtract : Function::subtract_from, site, operand);
  if (holds_alternative<Div>(op)) return of_all(first ? Function::divide : Function::divide_into, site, operand);
  if (operand != 0) return std::nullopt;
  if (holds_alternative<PRelu>(op)) return of_all(Function::slope, site, 0);
  if (holds_alternative<Pow>(op)) return of_power(site);
  return site.node().inputs.size() == 1 ? of_one(site) : std::nullopt;
}

}  // namespace resnet::xnnpack

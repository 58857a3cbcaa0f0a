// Functions of one real number: at() is all that they do, and lib/reference applies it. Abs, Neg and Sign know integers, too.
#pragma once

#include <array>

#include "lib/graph/op_traits.h"

namespace resnet {

struct LeakyRelu {
  static constexpr OpTraits traits{"LeakyRelu", {1, 1}, {1, 1}, Effect::elementwise};
  float alpha = 0.01f;
  static constexpr auto attributes() { return attributes_are(attribute("alpha", &LeakyRelu::alpha)); }
  double at(double x) const { return x < 0 ? static_cast<double>(alpha) * x : x; }
  friend bool operator==(const LeakyRelu&, const LeakyRelu&) = default;
};
struct ThresholdedRelu {
  static constexpr OpTraits traits{"ThresholdedRelu", {1, 1}, {1, 1}, Effect::elementwise, 10};
  float alpha = 1.0f;
  static constexpr auto attributes() { return attributes_are(attribute("alpha", &ThresholdedRelu::alpha)); }
  double at(double x) const { return x <= static_cast<double>(alpha) ? 0 : x; }
  friend bool operator==(const ThresholdedRelu&, const ThresholdedRelu&) = default;
};
struct Elu {
  static constexpr OpTraits traits{"Elu", {1, 1}, {1, 1}, Effect::elementwise};
  float alpha = 1.0f;
  static constexpr auto attributes() { return attributes_are(attribute("alpha", &Elu::alpha)); }
  double at(double x) const;
  friend bool operator==(const Elu&, const Elu&) = default;
};
struct Selu {
  static constexpr OpTraits traits{"Selu", {1, 1}, {1, 1}, Effect::elementwise};
  float alpha = 1.67326319217681884765625f;
  float gamma = 1.05070102214813232421875f;
  static constexpr auto attributes() {
    return attributes_are(attribute("alpha", &Selu::alpha), attribute("gamma", &Selu::gamma));
  }
  double at(double x) const;
  friend bool operator==(const Selu&, const Selu&) = default;
};
// max(0, x) + min(0, alpha * (exp(x / alpha) - 1)).
struct Celu {
  static constexpr OpTraits traits{"Celu", {1, 1}, {1, 1}, Effect::elementwise, 12};
  float alpha = 1.0f;
  static constexpr auto attributes() { return attributes_are(attribute("alpha", &Celu::alpha)); }
  double at(double x) const;
  friend bool operator==(const Celu&, const Celu&) = default;
};
struct HardSwish {
  static constexpr OpTraits traits{"HardSwish", {1, 1}, {1, 1}, Effect::elementwise, 14};
  double at(double x) const;
  friend bool operator==(const HardSwish&, const HardSwish&) = default;
};
// x * Sigmoid(alpha * x).
struct Swish {
  static constexpr OpTraits traits{"Swish", {1, 1}, {1, 1}, Effect::elementwise, 24};
  float alpha = 1.0f;
  static constexpr auto attributes() { return attributes_are(attribute("alpha", &Swish::alpha)); }
  double at(double x) const;
  friend bool operator==(const Swish&, const Swish&) = default;
};
// x * Tanh(Softplus(x)).
struct Mish {
  static constexpr OpTraits traits{"Mish", {1, 1}, {1, 1}, Effect::elementwise, 18};
  double at(double x) const;
  friend bool operator==(const Mish&, const Mish&) = default;
};
// x times the normal distribution's share below x, exactly or by tanh.
struct Gelu {
  enum class Approximate : std::uint8_t { none, tanh };
  static constexpr OpTraits traits{"Gelu", {1, 1}, {1, 1}, Effect::elementwise, 20};
  Approximate approximate = Approximate::none;
  static constexpr auto attributes() { return attributes_are(attribute("approximate", &Gelu::approximate)); }
  double at(double x) const;
  friend bool operator==(const Gelu&, const Gelu&) = default;
};
constexpr auto words_of(Gelu::Approximate) {
  return std::to_array<Word<Gelu::Approximate>>({{Gelu::Approximate::none, "none"}, {Gelu::Approximate::tanh, "tanh"}});
}
// log(1 + exp(x)).
struct Softplus {
  static constexpr OpTraits traits{"Softplus", {1, 1}, {1, 1}, Effect::elementwise};
  double at(double x) const;
  friend bool operator==(const Softplus&, const Softplus&) = default;
};
struct Softsign {
  static constexpr OpTraits traits{"Softsign", {1, 1}, {1, 1}, Effect::elementwise};
  double at(double x) const { return x / (1 + (x < 0 ? -x : x)); }
  friend bool operator==(const Softsign&, const Softsign&) = default;
};
struct Tanh {
  static constexpr OpTraits traits{"Tanh", {1, 1}, {1, 1}, Effect::elementwise};
  double at(double x) const;
  friend bool operator==(const Tanh&, const Tanh&) = default;
};
struct Erf {
  static constexpr OpTraits traits{"Erf", {1, 1}, {1, 1}, Effect::elementwise, 9};
  double at(double x) const;
  friend bool operator==(const Erf&, const Erf&) = default;
};
struct Exp {
  static constexpr OpTraits traits{"Exp", {1, 1}, {1, 1}, Effect::elementwise};
  double at(double x) const;
  friend bool operator==(const Exp&, const Exp&) = default;
};
struct Log {
  static constexpr OpTraits traits{"Log", {1, 1}, {1, 1}, Effect::elementwise};
  double at(double x) const;
  friend bool operator==(const Log&, const Log&) = default;
};
struct Sqrt {
  static constexpr OpTraits traits{"Sqrt", {1, 1}, {1, 1}, Effect::elementwise};
  double at(double x) const;
  friend bool operator==(const Sqrt&, const Sqrt&) = default;
};
struct Reciprocal {
  static constexpr OpTraits traits{"Reciprocal", {1, 1}, {1, 1}, Effect::elementwise};
  double at(double x) const { return 1 / x; }
  friend bool operator==(const Reciprocal&, const Reciprocal&) = default;
};
struct Floor {
  static constexpr OpTraits traits{"Floor", {1, 1}, {1, 1}, Effect::elementwise};
  double at(double x) const;
  friend bool operator==(const Floor&, const Floor&) = default;
};
struct Ceil {
  static constexpr OpTraits traits{"Ceil", {1, 1}, {1, 1}, Effect::elementwise};
  double at(double x) const;
  friend bool operator==(const Ceil&, const Ceil&) = default;
};
// Halves to the even neighbour.
struct Round {
  static constexpr OpTraits traits{"Round", {1, 1}, {1, 1}, Effect::elementwise, 11};
  double at(double x) const;
  friend bool operator==(const Round&, const Round&) = default;
};
struct Sin {
  static constexpr OpTraits traits{"Sin", {1, 1}, {1, 1}, Effect::elementwise, 7};
  double at(double x) const;
  friend bool operator==(const Sin&, const Sin&) = default;
};
struct Cos {
  static constexpr OpTraits traits{"Cos", {1, 1}, {1, 1}, Effect::elementwise, 7};
  double at(double x) const;
  friend bool operator==(const Cos&, const Cos&) = default;
};
struct Tan {
  static constexpr OpTraits traits{"Tan", {1, 1}, {1, 1}, Effect::elementwise, 7};
  double at(double x) const;
  friend bool operator==(const Tan&, const Tan&) = default;
};
struct Asin {
  static constexpr OpTraits traits{"Asin", {1, 1}, {1, 1}, Effect::elementwise, 7};
  double at(double x) const;
  friend bool operator==(const Asin&, const Asin&) = default;
};
struct Acos {
  static constexpr OpTraits traits{"Acos", {1, 1}, {1, 1}, Effect::elementwise, 7};
  double at(double x) const;
  friend bool operator==(const Acos&, const Acos&) = default;
};
struct Atan {
  static constexpr OpTraits traits{"Atan", {1, 1}, {1, 1}, Effect::elementwise, 7};
  double at(double x) const;
  friend bool operator==(const Atan&, const Atan&) = default;
};
struct Sinh {
  static constexpr OpTraits traits{"Sinh", {1, 1}, {1, 1}, Effect::elementwise, 9};
  double at(double x) const;
  friend bool operator==(const Sinh&, const Sinh&) = default;
};
struct Cosh {
  static constexpr OpTraits traits{"Cosh", {1, 1}, {1, 1}, Effect::elementwise, 9};
  double at(double x) const;
  friend bool operator==(const Cosh&, const Cosh&) = default;
};
struct Asinh {
  static constexpr OpTraits traits{"Asinh", {1, 1}, {1, 1}, Effect::elementwise, 9};
  double at(double x) const;
  friend bool operator==(const Asinh&, const Asinh&) = default;
};
struct Acosh {
  static constexpr OpTraits traits{"Acosh", {1, 1}, {1, 1}, Effect::elementwise, 9};
  double at(double x) const;
  friend bool operator==(const Acosh&, const Acosh&) = default;
};
struct Atanh {
  static constexpr OpTraits traits{"Atanh", {1, 1}, {1, 1}, Effect::elementwise, 9};
  double at(double x) const;
  friend bool operator==(const Atanh&, const Atanh&) = default;
};
struct Abs {
  static constexpr OpTraits traits{"Abs", {1, 1}, {1, 1}, Effect::elementwise};
  friend bool operator==(const Abs&, const Abs&) = default;
};
struct Neg {
  static constexpr OpTraits traits{"Neg", {1, 1}, {1, 1}, Effect::elementwise};
  friend bool operator==(const Neg&, const Neg&) = default;
};
struct Sign {
  static constexpr OpTraits traits{"Sign", {1, 1}, {1, 1}, Effect::elementwise, 9};
  friend bool operator==(const Sign&, const Sign&) = default;
};

}  // namespace resnet

// Arithmetic of several inputs, with multidirectional broadcasting.
#pragma once

#include "lib/graph/op_traits.h"

namespace resnet {

struct Add {
  static constexpr OpTraits traits{"Add", {2, 2}, {1, 1}, Effect::elementwise};
  friend bool operator==(const Add&, const Add&) = default;
};
struct Sub {
  static constexpr OpTraits traits{"Sub", {2, 2}, {1, 1}, Effect::elementwise};
  friend bool operator==(const Sub&, const Sub&) = default;
};
struct Mul {
  static constexpr OpTraits traits{"Mul", {2, 2}, {1, 1}, Effect::elementwise};
  friend bool operator==(const Mul&, const Mul&) = default;
};
// Of integers: truncated.
struct Div {
  static constexpr OpTraits traits{"Div", {2, 2}, {1, 1}, Effect::elementwise};
  friend bool operator==(const Div&, const Div&) = default;
};
struct Sum {
  static constexpr OpTraits traits{"Sum", {1, OpTraits::any}, {1, 1}, Effect::elementwise};
  friend bool operator==(const Sum&, const Sum&) = default;
};
struct Mean {
  static constexpr OpTraits traits{"Mean", {1, OpTraits::any}, {1, 1}, Effect::elementwise};
  friend bool operator==(const Mean&, const Mean&) = default;
};
struct Max {
  static constexpr OpTraits traits{"Max", {1, OpTraits::any}, {1, 1}, Effect::elementwise};
  friend bool operator==(const Max&, const Max&) = default;
};
struct Min {
  static constexpr OpTraits traits{"Min", {1, OpTraits::any}, {1, 1}, Effect::elementwise};
  friend bool operator==(const Min&, const Min&) = default;
};
// X, Y (which may be of another type): X to the power of Y, in X's type.
struct Pow {
  static constexpr OpTraits traits{"Pow", {2, 2}, {1, 1}, Effect::elementwise};
  friend bool operator==(const Pow&, const Pow&) = default;
};
// The remainder has the divisor's sign, or with fmod that of the dividend.
struct Mod {
  static constexpr OpTraits traits{"Mod", {2, 2}, {1, 1}, Effect::elementwise, 10};
  bool fmod = false;
  static constexpr auto attributes() { return attributes_are(attribute("fmod", &Mod::fmod)); }
  friend bool operator==(const Mod&, const Mod&) = default;
};
// X, slope, which broadcasts to X: slope * x where x is below 0.
struct PRelu {
  static constexpr OpTraits traits{"PRelu", {2, 2}, {1, 1}, Effect::elementwise};
  friend bool operator==(const PRelu&, const PRelu&) = default;
};
std::vector<Fact> infer(const Add& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Sub& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Mul& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Div& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Max& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Min& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Pow& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Mod& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const PRelu& op, const Facts& inputs, std::size_t outputs);

}  // namespace resnet

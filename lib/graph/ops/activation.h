// Operators of one input that work element by element. Where all of them is a formula on a real number, it is here:
// lib/reference applies it.
#pragma once

#include "lib/graph/op_traits.h"

namespace resnet {

struct Relu {
  static constexpr OpTraits traits{"Relu", {1, 1}, {1, 1}, Effect::elementwise};
  friend bool operator==(const Relu&, const Relu&) = default;
};
// X, optional min, optional max (scalars): inputs since version 11.
struct Clip {
  static constexpr OpTraits traits{"Clip", {1, 3}, {1, 1}, Effect::elementwise};
  friend bool operator==(const Clip&, const Clip&) = default;
};
struct Sigmoid {
  static constexpr OpTraits traits{"Sigmoid", {1, 1}, {1, 1}, Effect::elementwise};
  double at(double x) const;
  friend bool operator==(const Sigmoid&, const Sigmoid&) = default;
};
// max(0, min(1, alpha * x + beta)).
struct HardSigmoid {
  static constexpr OpTraits traits{"HardSigmoid", {1, 1}, {1, 1}, Effect::elementwise};
  float alpha = 0.2f;
  float beta = 0.5f;
  static constexpr auto attributes() {
    return attributes_are(attribute("alpha", &HardSigmoid::alpha), attribute("beta", &HardSigmoid::beta));
  }
  double at(double x) const;
  friend bool operator==(const HardSigmoid&, const HardSigmoid&) = default;
};
std::vector<Fact> infer(const Clip& op, const Facts& inputs, std::size_t outputs);

}  // namespace resnet

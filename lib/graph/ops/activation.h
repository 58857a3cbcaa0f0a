// Operators of one input that work element by element.
#pragma once

#include "lib/graph/op_traits.h"

namespace resnet {

struct Relu {
  static constexpr OpTraits traits{"Relu", {1, 1}, {1, 1}};
  friend bool operator==(const Relu&, const Relu&) = default;
};
// X, optional min, optional max (scalars): inputs since version 11.
struct Clip {
  static constexpr OpTraits traits{"Clip", {1, 3}, {1, 1}};
  friend bool operator==(const Clip&, const Clip&) = default;
};
struct Sigmoid {
  static constexpr OpTraits traits{"Sigmoid", {1, 1}, {1, 1}};
  friend bool operator==(const Sigmoid&, const Sigmoid&) = default;
};
// max(0, min(1, alpha * x + beta)).
struct HardSigmoid {
  static constexpr OpTraits traits{"HardSigmoid", {1, 1}, {1, 1}};
  float alpha = 0.2f;
  float beta = 0.5f;
  friend bool operator==(const HardSigmoid&, const HardSigmoid&) = default;
};
std::vector<Fact> infer(const Relu& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Clip& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Sigmoid& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const HardSigmoid& op, const Facts& inputs, std::size_t outputs);

}  // namespace resnet

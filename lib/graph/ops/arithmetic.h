// Add, Sub, Mul, Div and Sum, with multidirectional broadcasting.
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
std::vector<Fact> infer(const Add& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Sub& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Mul& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Div& op, const Facts& inputs, std::size_t outputs);

}  // namespace resnet

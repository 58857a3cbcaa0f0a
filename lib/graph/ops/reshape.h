// Operators that keep the bytes and change the shape: Flatten, Reshape, Squeeze, Unsqueeze.
#pragma once

#include "lib/graph/op_traits.h"

namespace resnet {

struct Flatten {
  static constexpr OpTraits traits{"Flatten", {1, 1}, {1, 1}, Effect::reshapes};
  std::int64_t axis = 1;
  static constexpr auto attributes() { return attributes_are(axis_attribute("axis", &Flatten::axis)); }
  friend bool operator==(const Flatten&, const Flatten&) = default;
};
// data, shape (int64): 0 copies the input's dim unless allowzero, -1 is what is left.
struct Reshape {
  static constexpr OpTraits traits{"Reshape", {2, 2}, {1, 1}, Effect::reshapes};
  bool allowzero = false;
  static constexpr auto attributes() { return attributes_are(attribute("allowzero", &Reshape::allowzero, 14)); }
  friend bool operator==(const Reshape&, const Reshape&) = default;
};
// data, optional axes (an input since version 13): without, every dim that is 1.
struct Squeeze {
  static constexpr OpTraits traits{"Squeeze", {1, 2}, {1, 1}, Effect::reshapes};
  friend bool operator==(const Squeeze&, const Squeeze&) = default;
};
// data, axes (an input since version 13).
struct Unsqueeze {
  static constexpr OpTraits traits{"Unsqueeze", {2, 2}, {1, 1}, Effect::reshapes};
  friend bool operator==(const Unsqueeze&, const Unsqueeze&) = default;
};
std::vector<Fact> infer(const Flatten& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Reshape& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Squeeze& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const Unsqueeze& op, const Facts& inputs, std::size_t outputs);

}  // namespace resnet

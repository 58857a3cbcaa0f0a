// Softmax and LogSoftmax.
#pragma once

#include "lib/graph/op_traits.h"

namespace resnet {

// Along one axis. Before version 13 the input was coerced to 2-D at `axis` (default 1) instead: coerce_to_2d.
struct Softmax {
  static constexpr OpTraits traits{"Softmax", {1, 1}, {1, 1}};
  std::int64_t axis = -1;
  bool coerce_to_2d = false;
  static constexpr auto attributes() {
    return attributes_are(axis_attribute("axis", &Softmax::axis), own_attribute("coerce_to_2d", &Softmax::coerce_to_2d));
  }
  friend bool operator==(const Softmax&, const Softmax&) = default;
};
struct LogSoftmax {
  static constexpr OpTraits traits{"LogSoftmax", {1, 1}, {1, 1}};
  std::int64_t axis = -1;
  bool coerce_to_2d = false;
  static constexpr auto attributes() {
    return attributes_are(axis_attribute("axis", &LogSoftmax::axis), own_attribute("coerce_to_2d", &LogSoftmax::coerce_to_2d));
  }
  friend bool operator==(const LogSoftmax&, const LogSoftmax&) = default;
};
std::vector<Fact> infer(const Softmax& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const LogSoftmax& op, const Facts& inputs, std::size_t outputs);

}  // namespace resnet

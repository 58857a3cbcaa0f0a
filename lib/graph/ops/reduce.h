// ReduceMean and ArgMax.
#pragma once

#include "lib/graph/op_traits.h"

namespace resnet {

// data, optional axes (int64; an input since version 18). No axes: all, or none with noop_with_empty_axes.
struct ReduceMean {
  static constexpr OpTraits traits{"ReduceMean", {1, 2}, {1, 1}};
  bool keepdims = true;
  bool noop_with_empty_axes = false;
  static constexpr auto attributes() {
    return std::tuple{attribute("keepdims", &ReduceMean::keepdims),
                      attribute("noop_with_empty_axes", &ReduceMean::noop_with_empty_axes, 18)};
  }
  friend bool operator==(const ReduceMean&, const ReduceMean&) = default;
};
struct ArgMax {
  static constexpr OpTraits traits{"ArgMax", {1, 1}, {1, 1}};
  std::int64_t axis = 0;
  bool keepdims = true;
  bool select_last_index = false;
  static constexpr auto attributes() {
    return std::tuple{axis_attribute("axis", &ArgMax::axis), attribute("keepdims", &ArgMax::keepdims),
                      attribute("select_last_index", &ArgMax::select_last_index, 12)};
  }
  friend bool operator==(const ArgMax&, const ArgMax&) = default;
};
std::vector<Fact> infer(const ReduceMean& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const ArgMax& op, const Facts& inputs, std::size_t outputs);

// The axes that are reduced, sorted and not negative; nothing where the axes input is not known or the rank is not.
std::optional<std::vector<std::size_t>> reduced_axes(const ReduceMean& op, const Facts& inputs);

}  // namespace resnet

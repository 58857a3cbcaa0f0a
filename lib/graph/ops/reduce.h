// Reductions over axes, ArgMax and ArgMin.
#pragma once

#include "lib/graph/op_traits.h"

namespace resnet {

enum class Reduction : std::uint8_t { mean, sum, max, min, prod, l1, l2, sum_square, log_sum, log_sum_exp };

constexpr std::string_view type_of(Reduction reduction) {
  switch (reduction) {
    case Reduction::mean: return "ReduceMean";
    case Reduction::sum: return "ReduceSum";
    case Reduction::max: return "ReduceMax";
    case Reduction::min: return "ReduceMin";
    case Reduction::prod: return "ReduceProd";
    case Reduction::l1: return "ReduceL1";
    case Reduction::l2: return "ReduceL2";
    case Reduction::sum_square: return "ReduceSumSquare";
    case Reduction::log_sum: return "ReduceLogSum";
    case Reduction::log_sum_exp: return "ReduceLogSumExp";
  }
  return {};
}

// data, optional axes (int64; an input since `axes_are_input`). No axes: all, or none with noop_with_empty_axes.
template <Reduction reduction>
struct Reduce {
  static constexpr int axes_are_input = reduction == Reduction::sum ? 13 : 18;
  static constexpr OpTraits traits{type_of(reduction), {1, 2}, {1, 1}};
  bool keepdims = true;
  bool noop_with_empty_axes = false;
  static constexpr auto attributes() {
    return attributes_are(attribute("keepdims", &Reduce::keepdims),
                          attribute("noop_with_empty_axes", &Reduce::noop_with_empty_axes, axes_are_input));
  }
  friend bool operator==(const Reduce&, const Reduce&) = default;
};
using ReduceMean = Reduce<Reduction::mean>;
using ReduceSum = Reduce<Reduction::sum>;
using ReduceMax = Reduce<Reduction::max>;
using ReduceMin = Reduce<Reduction::min>;
using ReduceProd = Reduce<Reduction::prod>;
using ReduceL1 = Reduce<Reduction::l1>;
using ReduceL2 = Reduce<Reduction::l2>;
using ReduceSumSquare = Reduce<Reduction::sum_square>;
using ReduceLogSum = Reduce<Reduction::log_sum>;
using ReduceLogSumExp = Reduce<Reduction::log_sum_exp>;

struct ArgMax {
  static constexpr OpTraits traits{"ArgMax", {1, 1}, {1, 1}};
  std::int64_t axis = 0;
  bool keepdims = true;
  bool select_last_index = false;
  static constexpr auto attributes() {
    return attributes_are(axis_attribute("axis", &ArgMax::axis), attribute("keepdims", &ArgMax::keepdims),
                          attribute("select_last_index", &ArgMax::select_last_index, 12));
  }
  friend bool operator==(const ArgMax&, const ArgMax&) = default;
};
struct ArgMin {
  static constexpr OpTraits traits{"ArgMin", {1, 1}, {1, 1}};
  std::int64_t axis = 0;
  bool keepdims = true;
  bool select_last_index = false;
  static constexpr auto attributes() {
    return attributes_are(axis_attribute("axis", &ArgMin::axis), attribute("keepdims", &ArgMin::keepdims),
                          attribute("select_last_index", &ArgMin::select_last_index, 12));
  }
  friend bool operator==(const ArgMin&, const ArgMin&) = default;
};
std::vector<Fact> infer_reduction(bool keepdims, bool noop_with_empty_axes, const Facts& inputs);
template <Reduction reduction>
std::vector<Fact> infer(const Reduce<reduction>& op, const Facts& inputs, std::size_t) {
  return infer_reduction(op.keepdims, op.noop_with_empty_axes, inputs);
}
std::vector<Fact> infer(const ArgMax& op, const Facts& inputs, std::size_t outputs);
std::vector<Fact> infer(const ArgMin& op, const Facts& inputs, std::size_t outputs);

// The axes that are reduced, sorted and not negative; nothing where the axes input is not known or the rank is not.
std::optional<std::vector<std::size_t>> reduced_axes(bool noop_with_empty_axes, const Facts& inputs);
template <Reduction reduction>
std::optional<std::vector<std::size_t>> reduced_axes(const Reduce<reduction>& op, const Facts& inputs) {
  return reduced_axes(op.noop_with_empty_axes, inputs);
}

}  // namespace resnet

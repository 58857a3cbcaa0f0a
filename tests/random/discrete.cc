#include "tests/random/discrete.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/reference/reference.h"

namespace resnet::random {

namespace {

// Of the largest value: as much as floats may be off.
constexpr double tolerance = 1e-4;

double largest(const std::vector<double>& values) {
  double most = 0;
  for (const double value : values) {
    if (std::isfinite(value)) most = std::max(most, std::abs(value));
  }
  return most;
}

std::string wrong_element(std::size_t at, double actual, double least, double most) {
  return fmt::format("element {} is {:.9g}, expected {:.9g} to {:.9g}", at, actual, least, most);
}

// The operator rises with its first input: the result lies between those of a little less and of a little more.
std::optional<std::string> between_neighbours(const Op& op, std::span<const Tensor* const> inputs, const Tensor& actual) {
  const Tensor& x = *inputs[0];
  const auto values = x.values_as<double>();
  const double noise = tolerance * largest(values);
  std::vector<double> bounds[2];
  for (int side = 0; side < 2; ++side) {
    Tensor moved = Tensor::allocate(x.dtype(), x.shape());
    dispatch(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      if constexpr (std::is_same_v<T, double> || std::is_same_v<T, float>) {
        for (std::size_t i = 0; i < values.size(); ++i)
          moved.mutable_data<T>()[i] = static_cast<T>(values[i] + (side == 0 ? -noise : noise));
      }
    });
    std::vector<const Tensor*> arguments(inputs.begin(), inputs.end());
    arguments[0] = &moved;
    bounds[side] = reference::evaluate(op, arguments, 1)[0].values_as<double>();
  }
  const auto got = actual.values_as<double>();
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isfinite(values[i]) && !(got[i] >= bounds[0][i] && got[i] <= bounds[1][i]))
      return wrong_element(i, got[i], bounds[0][i], bounds[1][i]);
  }
  return std::nullopt;
}

// True wherever the value is clearly not 0.
std::optional<std::string> truth(const Tensor& x, const Tensor& expected, const Tensor& actual) {
  const auto values = x.values_as<double>(), want = expected.values_as<double>(), got = actual.values_as<double>();
  const double noise = tolerance * largest(values);
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (got[i] != want[i] && std::abs(values[i]) > noise) return wrong_element(i, got[i], want[i], want[i]);
  }
  return std::nullopt;
}

// Where the largest is: another place will do where the value is as large.
std::optional<std::string> place_of_largest(const ArgMax& op, const Tensor& x, const Tensor& expected, const Tensor& actual) {
  const auto values = x.values_as<double>();
  const auto want = expected.values_as<std::int64_t>(), got = actual.values_as<std::int64_t>();
  const std::size_t axis = normalize_axis(op.axis, x.shape().rank());
  const std::int64_t inner = x.shape().strides()[axis], size = x.shape()[axis];
  const double noise = 2 * tolerance * largest(values);
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (got[i] < 0 || got[i] >= size) return wrong_element(i, static_cast<double>(got[i]), 0, static_cast<double>(size - 1));
    const auto place = static_cast<std::int64_t>(i);
    const std::int64_t first = place / inner * size * inner + place % inner;
    const double chosen = values[static_cast<std::size_t>(first + got[i] * inner)];
    const double most = values[static_cast<std::size_t>(first + want[i] * inner)];
    if (std::isfinite(most) && !(chosen >= most - noise)) {
      return fmt::format("element {} is {} (value {:.9g}), expected {} (value {:.9g})", i, got[i], chosen, want[i], most);
    }
  }
  return std::nullopt;
}

// MaxPool's second output: places in the flattened input.
std::optional<std::string> places(const Tensor& x, const Tensor& expected, const Tensor& actual) {
  const auto values = x.values_as<double>();
  const auto want = expected.values_as<std::int64_t>(), got = actual.values_as<std::int64_t>();
  const double noise = 2 * tolerance * largest(values);
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (got[i] == want[i] || want[i] < 0 || want[i] >= x.elements() || !std::isfinite(values[static_cast<std::size_t>(want[i])]))
      continue;
    const bool inside = got[i] >= 0 && got[i] < x.elements();
    if (!inside || !(values[static_cast<std::size_t>(got[i])] >= values[static_cast<std::size_t>(want[i])] - noise))
      return wrong_element(i, static_cast<double>(got[i]), static_cast<double>(want[i]), static_cast<double>(want[i]));
  }
  return std::nullopt;
}

// The scale within noise, the zero point within one step; elements as they follow from the two that were computed.
std::optional<std::string> dynamic(const Tensor& x, std::span<const Tensor> expected, std::span<const Tensor* const> actual) {
  if (actual[0] == nullptr || actual[1] == nullptr || actual[2] == nullptr) return std::nullopt;
  const double scale = actual[1]->values_as<double>()[0], right_scale = expected[1].values_as<double>()[0];
  const double zero = actual[2]->values_as<double>()[0], right_zero = expected[2].values_as<double>()[0];
  // Of nothing but what is not finite there is no range.
  if (!std::isfinite(right_scale) || right_scale == 0) return std::nullopt;
  if (!(std::abs(scale - right_scale) <= 2 * tolerance * right_scale))
    return fmt::format("the scale is {:.9g}, expected {:.9g}", scale, right_scale);
  if (!(std::abs(zero - right_zero) <= 1)) return fmt::format("the zero point is {}, expected {}", zero, right_zero);
  const auto values = x.values_as<double>(), got = actual[0]->values_as<double>();
  const double slack = 0.5 + tolerance * largest(values) / scale + 1e-3;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (!std::isfinite(values[i])) continue;
    const double right = std::clamp(values[i] / scale + zero, 0.0, 255.0);
    if (!(std::abs(got[i] - right) <= slack)) return wrong_element(i, got[i], right - slack, right + slack);
  }
  return std::nullopt;
}

std::optional<std::string> close(const Tensor& expected, const Tensor& actual, double relative) {
  const auto want = expected.values_as<double>(), got = actual.values_as<double>();
  const double most = relative * largest(want);
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isfinite(want[i]) && !(std::abs(got[i] - want[i]) <= most))
      return wrong_element(i, got[i], want[i] - most, want[i] + most);
  }
  return std::nullopt;
}

std::optional<std::string> within_steps(const Tensor& expected, const Tensor& actual, std::int64_t steps) {
  const auto want = expected.values_as<std::int64_t>(), got = actual.values_as<std::int64_t>();
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::abs(got[i] - want[i]) > steps) return fmt::format("element {} is {}, expected {}", i, got[i], want[i]);
  }
  return std::nullopt;
}

std::optional<std::string> problem_of_slot(const Op& op, std::span<const Tensor* const> inputs, std::size_t slot,
                                           const Tensor& expected, const Tensor& actual, std::int64_t steps) {
  const DType dtype = actual.dtype();
  const DType from = inputs[0]->dtype();
  if (holds_alternative<MaxPool>(op) && slot == 1) return places(*inputs[0], expected, actual);
  if (const auto* arg_max = get_if<ArgMax>(&op)) return place_of_largest(*arg_max, *inputs[0], expected, actual);
  const bool from_wide = from == DType::float32 || from == DType::float64;
  if (holds_alternative<Cast>(op) && dtype == DType::boolean && from_wide) return truth(*inputs[0], expected, actual);
  const bool rises = holds_alternative<Cast>(op) || holds_alternative<QuantizeLinear>(op);
  if (steps > 0 && size_of(dtype) == 1 && actual.dtype() == expected.dtype()) return within_steps(expected, actual, steps);
  if (rises && from_wide) return between_neighbours(op, inputs, actual);
  // Two steps of the last bit.
  if (dtype == DType::float16) return close(expected, actual, 2e-3);
  if (dtype == DType::bfloat16) return close(expected, actual, 1.6e-2);
  if (steps > 0 && actual.dtype() == expected.dtype()) return within_steps(expected, actual, steps);
  if (actual != expected) return "differs";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> discrete_problem(const Op& op, std::span<const Tensor* const> inputs, std::span<const Tensor> expected,
                                            std::span<const Tensor* const> actual, std::int64_t steps) {
  for (std::size_t slot = 0; slot < expected.size(); ++slot) {
    if (actual[slot] == nullptr || actual[slot]->shape() == expected[slot].shape()) continue;
    return fmt::format("output {} is {}, expected {}", slot, actual[slot]->shape().to_string(),
                       expected[slot].shape().to_string());
  }
  if (holds_alternative<DynamicQuantizeLinear>(op)) return dynamic(*inputs[0], expected, actual);
  for (std::size_t slot = 0; slot < expected.size(); ++slot) {
    if (actual[slot] == nullptr) continue;
    if (auto wrong = problem_of_slot(op, inputs, slot, expected[slot], *actual[slot], steps)) return wrong;
  }
  return std::nullopt;
}

}  // namespace resnet::random

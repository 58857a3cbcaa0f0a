#include "formats/onnx/known_scalar.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

namespace resnet::onnx {

namespace {

// Longer chains are not followed, and no more values than these for one question: each may be asked for from two sides.
constexpr int deepest = 32, most_visits = 1000;

// What the type holds of a number that was computed in double; nothing where the two may differ.
std::optional<double> as_held(double value, std::optional<DType> dtype) {
  constexpr double largest = 9e15;  // below it a double has every integer
  const auto within = [&](double least, double most) {
    return value >= least && value <= most ? std::optional(value) : std::nullopt;
  };
  if (!dtype) return std::nullopt;
  if (*dtype == DType::boolean) return value != 0;
  if (*dtype == DType::float64) return value;
  // Of two numbers that float32 holds, double has enough digits for its rounding to be the one of the sum, product or quotient.
  if (*dtype == DType::float32) return static_cast<double>(static_cast<float>(value));
  if (*dtype == DType::int64) return within(-largest, largest);
  if (*dtype == DType::int32) return within(std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max());
  if (*dtype == DType::uint8) return within(0, 255);
  return std::nullopt;
}

std::optional<double> element_of(const Fact& fact) {
  if (fact.value && fact.value->elements() == 1) {
    const double value = fact.value->values_as<double>().front();
    return is_floating_point(fact.value->dtype()) ? value : as_held(value, fact.value->dtype());
  }
  if (fact.elements && fact.elements->size() == 1 && fact.elements->front().is_number())
    return static_cast<double>(fact.elements->front().number());
  return std::nullopt;
}

bool is_whole(const Fact& fact) { return fact.dtype && !is_floating_point(*fact.dtype); }

std::optional<bool> compared(std::string_view type, double a, double b) {
  if (type == "Equal") return a == b;
  if (type == "Greater") return a > b;
  if (type == "GreaterOrEqual") return a >= b;
  if (type == "Less") return a < b;
  if (type == "LessOrEqual") return a <= b;
  if (type == "And") return a != 0 && b != 0;
  if (type == "Or") return a != 0 || b != 0;
  if (type == "Xor") return (a != 0) != (b != 0);
  return std::nullopt;
}

// Nothing for another operator, and for what has no result.
std::optional<double> computed(std::string_view type, double a, double b, bool whole) {
  if (type == "Add") return a + b;
  if (type == "Sub") return a - b;
  if (type == "Mul") return a * b;
  if (std::isnan(a) || std::isnan(b)) return std::nullopt;
  if (type == "Max") return std::max(a, b);
  if (type == "Min") return std::min(a, b);
  if (type == "Div" && b != 0) return whole ? std::trunc(a / b) : a / b;
  return std::nullopt;
}

std::optional<double> known_scalar(const Graph& graph, ValueId id, int depth, int& visits) {
  if (id.is_none() || depth > deepest || --visits < 0) return std::nullopt;
  const Fact& fact = graph.fact(id);
  if (const auto element = element_of(fact)) return element;
  const Node& node = graph.node(id.node);
  const std::string type = type_of(node.op);
  const auto input = [&](std::size_t index) {
    return index < node.inputs.size() ? known_scalar(graph, node.inputs[index], depth + 1, visits) : std::nullopt;
  };
  const auto a = input(0);
  if (!a) return std::nullopt;
  if (const auto* cast = get_if<Cast>(&node.op)) {
    const bool truncates = !is_floating_point(cast->to) && cast->to != DType::boolean;
    return as_held(truncates ? std::trunc(*a) : *a, cast->to);
  }
  if (type == "Not") return *a == 0;
  if (type == "Identity" || type == "Squeeze" || type == "Unsqueeze" || type == "Reshape") return a;
  const auto b = node.inputs.size() == 2 ? input(1) : std::nullopt;
  if (!b) return std::nullopt;
  if (const auto holds = compared(type, *a, *b)) return *holds;
  const bool whole = is_whole(graph.fact(node.inputs[0]));
  const auto* mod = get_if<Mod>(&node.op);
  const auto result = mod != nullptr && whole && !mod->fmod && *b != 0 ? std::optional(*a - *b * std::floor(*a / *b))
                                                                       : computed(type, *a, *b, whole);
  return result ? as_held(*result, fact.dtype) : std::nullopt;
}

}  // namespace

std::optional<double> known_scalar(const Graph& graph, ValueId id) {
  int visits = most_visits;
  return known_scalar(graph, id, 0, visits);
}

std::optional<std::int64_t> known_integer(const Graph& graph, ValueId id) {
  constexpr double largest = 9e15;  // that a double holds exactly
  const auto value = known_scalar(graph, id);
  if (!value || std::abs(*value) > largest || *value != std::trunc(*value)) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

}  // namespace resnet::onnx

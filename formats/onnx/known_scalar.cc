#include "formats/onnx/known_scalar.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

namespace resnet::onnx {

namespace {

// Longer chains are not followed, and no more values than these for one question: each may be asked for from two sides.
constexpr int deepest = 32, most_visits = 1000;

std::optional<double> element_of(const Fact& fact) {
  if (fact.value && fact.value->elements() == 1) return fact.value->values_as<double>().front();
  if (fact.elements && fact.elements->size() == 1 && fact.elements->front().is_number())
    return static_cast<double>(fact.elements->front().number());
  return std::nullopt;
}

bool is_whole(const Fact& fact) { return fact.dtype && !is_floating_point(*fact.dtype); }

// Nothing for another operator, and for what has no result.
std::optional<double> computed(std::string_view type, double a, double b, bool whole) {
  if (type == "Equal") return a == b;
  if (type == "Greater") return a > b;
  if (type == "GreaterOrEqual") return a >= b;
  if (type == "Less") return a < b;
  if (type == "LessOrEqual") return a <= b;
  if (type == "And") return a != 0 && b != 0;
  if (type == "Or") return a != 0 || b != 0;
  if (type == "Xor") return (a != 0) != (b != 0);
  if (type == "Add") return a + b;
  if (type == "Sub") return a - b;
  if (type == "Mul") return a * b;
  if (type == "Max") return std::max(a, b);
  if (type == "Min") return std::min(a, b);
  if (type == "Div" && b != 0) return whole ? std::trunc(a / b) : a / b;
  if (type == "Mod" && b != 0 && whole) return a - b * std::floor(a / b);
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
  if (const auto* cast = std::get_if<Cast>(&node.op)) {
    if (cast->to == DType::boolean) return *a != 0;
    return is_floating_point(cast->to) ? *a : std::trunc(*a);
  }
  if (type == "Not") return *a == 0;
  if (type == "Identity" || type == "Squeeze" || type == "Unsqueeze" || type == "Reshape") return a;
  const auto b = node.inputs.size() == 2 ? input(1) : std::nullopt;
  return b ? computed(type, *a, *b, is_whole(graph.fact(node.inputs[0]))) : std::nullopt;
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

#include "lib/graph/ops/logic.h"

#include <fmt/format.h>

#include "lib/base/error.h"
#include "lib/graph/ops/check.h"

namespace resnet {

namespace {

// Whether two sizes compare so, where that holds whatever a symbol stands for: one is not negative.
template <typename Compare>
std::optional<bool> compare_dims(const Dim& a, const Dim& b, const Compare& compare) {
  if (a.is_number() && b.is_number()) return compare(a.number(), b.number());
  if (a == b) return compare(std::int64_t{0}, std::int64_t{0});
  if (a.is_number() && a.number() < 0) return compare(std::int64_t{-1}, std::int64_t{0});
  if (b.is_number() && b.number() < 0) return compare(std::int64_t{0}, std::int64_t{-1});
  return std::nullopt;
}

template <typename Compare>
std::vector<Fact> infer_comparison(const Facts& inputs, const Compare& compare) {
  Fact fact = broadcast_all(inputs);
  fact.dtype = DType::boolean;
  const auto &a = inputs[0].elements, &b = inputs[1].elements;
  if (!fact.dims || fact.rank() > 1 || !a || !b || a->empty() || b->empty()) return {std::move(fact)};
  Dims elements;
  for (std::size_t i = 0; i < std::max(a->size(), b->size()); ++i) {
    const auto holds = compare_dims((*a)[a->size() == 1 ? 0 : i], (*b)[b->size() == 1 ? 0 : i], compare);
    if (!holds) return {std::move(fact)};
    elements.push_back(Dim(*holds ? 1 : 0));
  }
  fact.elements = bounded_elements(std::move(elements), fact.dtype);
  return {std::move(fact)};
}

std::vector<Fact> infer_logic(const Facts& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs.has(i)) check_dtype(inputs[i], "an operand", {DType::boolean});
  }
  Fact fact = broadcast_all(inputs);
  fact.dtype = DType::boolean;
  return {std::move(fact)};
}

}  // namespace

std::vector<Fact> infer(const Equal&, const Facts& inputs, std::size_t) {
  return infer_comparison(inputs, [](auto a, auto b) { return a == b; });
}
std::vector<Fact> infer(const Greater&, const Facts& inputs, std::size_t) {
  return infer_comparison(inputs, [](auto a, auto b) { return a > b; });
}
std::vector<Fact> infer(const GreaterOrEqual&, const Facts& inputs, std::size_t) {
  return infer_comparison(inputs, [](auto a, auto b) { return a >= b; });
}
std::vector<Fact> infer(const Less&, const Facts& inputs, std::size_t) {
  return infer_comparison(inputs, [](auto a, auto b) { return a < b; });
}
std::vector<Fact> infer(const LessOrEqual&, const Facts& inputs, std::size_t) {
  return infer_comparison(inputs, [](auto a, auto b) { return a <= b; });
}
std::vector<Fact> infer(const And&, const Facts& inputs, std::size_t) { return infer_logic(inputs); }
std::vector<Fact> infer(const Or&, const Facts& inputs, std::size_t) { return infer_logic(inputs); }
std::vector<Fact> infer(const Xor&, const Facts& inputs, std::size_t) { return infer_logic(inputs); }
std::vector<Fact> infer(const Not&, const Facts& inputs, std::size_t) { return infer_logic(inputs); }

// A boolean for each number.
std::vector<Fact> infer(const IsNaN&, const Facts& inputs, std::size_t) {
  return {Fact{DType::boolean, inputs[0].dims, std::nullopt, std::nullopt}};
}
std::vector<Fact> infer(const IsInf&, const Facts& inputs, std::size_t) {
  return {Fact{DType::boolean, inputs[0].dims, std::nullopt, std::nullopt}};
}

std::vector<Fact> infer(const Where&, const Facts& inputs, std::size_t) {
  check_dtype(inputs[0], "condition", {DType::boolean});
  Fact fact{common_dtype(inputs, {1, 2}), std::nullopt, std::nullopt, std::nullopt};
  const Fact &condition = inputs[0], &x = inputs[1], &y = inputs[2];
  if (!condition.dims || !x.dims || !y.dims) return {std::move(fact)};
  fact.dims = broadcast(broadcast(*condition.dims, *x.dims), *y.dims);
  const bool integers = fact.dtype == DType::int64 || fact.dtype == DType::int32;
  std::optional<Dims> choices = condition.elements;
  if (!choices && condition.value && condition.value->elements() <= 64) {
    choices.emplace();
    for (const std::byte byte : condition.value->bytes()) choices->push_back(Dim(byte != std::byte{0} ? 1 : 0));
  }
  if (!integers || fact.rank() > 1 || !choices || !x.elements || !y.elements) return {std::move(fact)};
  const std::size_t count = std::max({choices->size(), x.elements->size(), y.elements->size()});
  const auto entry = [](const Dims& list, std::size_t i) { return list[list.size() == 1 ? 0 : i]; };
  if (choices->empty() || x.elements->empty() || y.elements->empty()) return {std::move(fact)};
  Dims elements;
  for (std::size_t i = 0; i < count; ++i) elements.push_back(entry(entry(*choices, i).is(1) ? *x.elements : *y.elements, i));
  fact.elements = bounded_elements(std::move(elements), fact.dtype);
  return {std::move(fact)};
}

}  // namespace resnet

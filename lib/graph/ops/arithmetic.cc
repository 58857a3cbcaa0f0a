#include "lib/graph/ops/arithmetic.h"

#include <fmt/format.h>

#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/graph/ops/check.h"

namespace resnet {

namespace {

// Dims arithmetic on shape elements; operate(a, b) is the operator on two dims, or nothing where the answer is not certain.
template <typename Operate>
std::optional<Dims> combine_elements(const Fact& a, const Fact& b, const Operate& operate) {
  if (!a.elements || !b.elements) return std::nullopt;
  const std::size_t n = a.elements->size(), m = b.elements->size();
  if (n != m && n != 1 && m != 1) return std::nullopt;
  Dims result;
  for (std::size_t i = 0; i < (n == 1 ? m : n); ++i) {
    const std::optional<Dim> element = operate((*a.elements)[n == 1 ? 0 : i], (*b.elements)[m == 1 ? 0 : i]);
    if (!element) return std::nullopt;
    result.push_back(*element);
  }
  return result;
}

template <typename Operate>
std::vector<Fact> infer_binary(const Facts& inputs, const Operate& operate) {
  Fact fact{common_dtype(inputs), std::nullopt, std::nullopt, std::nullopt};
  const Fact &a = inputs[0], &b = inputs[1];
  if (a.dims && b.dims) {
    fact.dims = broadcast(*a.dims, *b.dims);
    const bool integers = fact.dtype == DType::int64 || fact.dtype == DType::int32;
    if (integers && fact.rank() <= 1) fact.elements = bounded_elements(combine_elements(a, b, operate), fact.dtype);
  }
  return {std::move(fact)};
}

// Of Max and Min of sizes: `choose` among numbers.
template <typename Choose>
std::vector<Fact> infer_extreme(const Facts& inputs, const Choose& choose) {
  Fact fact = broadcast_all(inputs);
  const bool integers = fact.dtype == DType::int64 || fact.dtype == DType::int32;
  if (!integers || !fact.dims || fact.rank() > 1) return {std::move(fact)};
  std::optional<Dims> elements = inputs[0].elements;
  for (std::size_t i = 1; elements && i < inputs.size(); ++i) {
    const Fact so_far{fact.dtype, std::nullopt, std::nullopt, std::move(elements)};
    elements = combine_elements(so_far, inputs[i], [&](const Dim& a, const Dim& b) -> std::optional<Dim> {
      if (a.is_number() && b.is_number()) return Dim(choose(a.number(), b.number()));
      return a == b ? std::optional(a) : std::nullopt;
    });
  }
  fact.elements = bounded_elements(std::move(elements), fact.dtype);
  return {std::move(fact)};
}

// Integers wrap around in ONNX; a size that would is not one, so that it counts as not known.
std::optional<Dim> number(std::optional<std::int64_t> result) {
  if (!result) return std::nullopt;
  return Dim(*result);
}

}  // namespace

std::vector<Fact> infer(const Add&, const Facts& inputs, std::size_t) {
  return infer_binary(inputs, [](const Dim& a, const Dim& b) -> std::optional<Dim> {
    if (a.is_number() && b.is_number()) return number(checked_add(a.number(), b.number()));
    return a + b;
  });
}

std::vector<Fact> infer(const Sub&, const Facts& inputs, std::size_t) {
  return infer_binary(inputs, [](const Dim& a, const Dim& b) -> std::optional<Dim> {
    std::int64_t difference;
    if (!a.is_number() || !b.is_number()) return a - b;
    if (__builtin_sub_overflow(a.number(), b.number(), &difference)) return std::nullopt;
    return Dim(difference);
  });
}

std::vector<Fact> infer(const Mul&, const Facts& inputs, std::size_t) {
  return infer_binary(inputs, [](const Dim& a, const Dim& b) -> std::optional<Dim> {
    if (a.is_number() && b.is_number()) return number(checked_multiply(a.number(), b.number()));
    return a * b;
  });
}

std::vector<Fact> infer(const Div&, const Facts& inputs, std::size_t) {
  return infer_binary(inputs, [](const Dim& a, const Dim& b) -> std::optional<Dim> {
    if (b.is(0)) throw Error(Fault::malformed, fmt::format("divides {} by zero", a.to_string()));
    if (a.is_number() && b.is_number()) {
      if (b.is(-1)) return number(checked_multiply(a.number(), b.number()));
      return Dim(a.number() / b.number());
    }
    // ONNX truncates; rounding down is the same for sizes, which are not negative.
    if ((a.is_number() && a.number() < 0) || (b.is_number() && b.number() < 0)) return std::nullopt;
    return floor_divide(a, b);
  });
}

std::vector<Fact> infer(const Max&, const Facts& inputs, std::size_t) {
  return infer_extreme(inputs, [](std::int64_t a, std::int64_t b) { return a > b ? a : b; });
}
std::vector<Fact> infer(const Min&, const Facts& inputs, std::size_t) {
  return infer_extreme(inputs, [](std::int64_t a, std::int64_t b) { return a < b ? a : b; });
}

std::vector<Fact> infer(const Pow&, const Facts& inputs, std::size_t) {
  Fact fact{inputs[0].dtype, std::nullopt, std::nullopt, std::nullopt};
  if (inputs[0].dims && inputs[1].dims) fact.dims = broadcast(*inputs[0].dims, *inputs[1].dims);
  return {std::move(fact)};
}

std::vector<Fact> infer(const Mod&, const Facts& inputs, std::size_t) {
  return infer_binary(inputs, [](const Dim& a, const Dim& b) -> std::optional<Dim> {
    if (b.is(0)) throw Error(Fault::malformed, fmt::format("divides {} by zero", a.to_string()));
    if (!a.is_number() || !b.is_number() || a.number() < 0 || b.number() < 0) return std::nullopt;
    return Dim(a.number() % b.number());
  });
}

std::vector<Fact> infer(const PRelu&, const Facts& inputs, std::size_t) {
  common_dtype(inputs);
  const Fact &x = inputs[0], &slope = inputs[1];
  if (x.dims && slope.dims) {
    const Dims whole = broadcast(*x.dims, *slope.dims);
    bool fits = whole.size() == x.rank();
    for (std::size_t i = 0; fits && i < whole.size(); ++i) fits = !(*x.dims)[i].is_number() || whole[i] == (*x.dims)[i];
    if (!fits)
      throw Error(Fault::malformed,
                  fmt::format("slope is {}, which does not broadcast to {}", to_string(*slope.dims), to_string(*x.dims)));
  }
  return {same_as(x)};
}

}  // namespace resnet

#include "lib/graph/ops/arithmetic.h"

#include <fmt/format.h>

#include "lib/base/error.h"
#include "lib/graph/ops/check.h"

namespace resnet {

namespace {

// Dims arithmetic on shape elements; operate(a, b) is the operator on two dims.
template <typename Operate>
std::optional<Dims> combine_elements(const Fact& a, const Fact& b, const Operate& operate) {
  if (!a.elements || !b.elements) return std::nullopt;
  const std::size_t n = a.elements->size(), m = b.elements->size();
  if (n != m && n != 1 && m != 1) return std::nullopt;
  Dims result;
  for (std::size_t i = 0; i < std::max(n, m); ++i)
    result.push_back(operate((*a.elements)[n == 1 ? 0 : i], (*b.elements)[m == 1 ? 0 : i]));
  return result;
}

template <typename Operate>
std::vector<Fact> infer_binary(const Facts& inputs, const Operate& operate) {
  Fact fact{common_dtype(inputs, {0, 1}), std::nullopt, std::nullopt, std::nullopt};
  const Fact &a = inputs[0], &b = inputs[1];
  if (a.dims && b.dims) {
    fact.dims = broadcast(*a.dims, *b.dims);
    const bool integers = fact.dtype == DType::int64 || fact.dtype == DType::int32;
    if (integers && fact.rank() <= 1) fact.elements = combine_elements(a, b, operate);
  }
  return {std::move(fact)};
}

}  // namespace

std::vector<Fact> infer(const Add&, const Facts& inputs, std::size_t) {
  return infer_binary(inputs, [](const Dim& a, const Dim& b) { return a + b; });
}

std::vector<Fact> infer(const Sub&, const Facts& inputs, std::size_t) {
  return infer_binary(inputs, [](const Dim& a, const Dim& b) { return a - b; });
}

std::vector<Fact> infer(const Mul&, const Facts& inputs, std::size_t) {
  return infer_binary(inputs, [](const Dim& a, const Dim& b) { return a * b; });
}

std::vector<Fact> infer(const Div&, const Facts& inputs, std::size_t) {
  return infer_binary(inputs, [](const Dim& a, const Dim& b) {
    if (b.is(0)) throw Error(ErrorKind::invalid_model, fmt::format("divides {} by zero", a.to_string()));
    // ONNX truncates; sizes are not negative, so that rounding down is the same, but constants may be.
    if (a.is_number() && b.is_number() && (b.number() != -1)) return Dim(a.number() / b.number());
    return floor_divide(a, b);
  });
}

std::vector<Fact> infer(const Sum&, const Facts& inputs, std::size_t) {
  Fact fact = same_as(inputs[0]);
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    if (!inputs.has(i)) throw Error(ErrorKind::invalid_model, fmt::format("input {} is left out, but is not optional", i));
    if (fact.dtype && inputs[i].dtype && *fact.dtype != *inputs[i].dtype) common_dtype(inputs, {0, i});
    if (!fact.dtype) fact.dtype = inputs[i].dtype;
    if (fact.dims && inputs[i].dims) {
      fact.dims = broadcast(*fact.dims, *inputs[i].dims);
    } else {
      fact.dims = std::nullopt;
    }
  }
  return {std::move(fact)};
}

}  // namespace resnet

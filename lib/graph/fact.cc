#include "lib/graph/fact.h"

#include <fmt/format.h>

#include "lib/base/error.h"

namespace resnet {

namespace {

// Longer vectors are data, not dims.
constexpr std::int64_t most_elements = 64;

Dims dims_of(const Shape& shape) { return Dims(shape.dims().begin(), shape.dims().end()); }

}  // namespace

Fact Fact::constant(const Tensor& value) {
  Fact fact = of(value.dtype(), dims_of(value.shape()));
  fact.value = value;
  const bool integers = value.dtype() == DType::int64 || value.dtype() == DType::int32;
  if (integers && value.shape().rank() <= 1 && value.elements() <= most_elements) {
    fact.elements.emplace();
    for (std::int64_t element : value.values_as<std::int64_t>()) fact.elements->push_back(element);
  }
  return fact;
}

Fact Fact::of_elements(Dims elements, bool scalar) {
  Fact fact = of(DType::int64, scalar ? Dims{} : Dims{static_cast<std::int64_t>(elements.size())});
  fact.elements = std::move(elements);
  return fact;
}

std::optional<Shape> Fact::shape() const {
  if (!dims) return std::nullopt;
  std::vector<std::int64_t> numbers;
  numbers.reserve(dims->size());
  for (const Dim& dim : *dims) {
    if (!dim.is_number()) return std::nullopt;
    numbers.push_back(dim.number());
  }
  return Shape(std::move(numbers));
}

std::string Fact::to_string() const {
  return fmt::format("{} {}", dtype ? name_of(*dtype) : "?", dims ? resnet::to_string(*dims) : "?");
}

Dims broadcast(const Dims& a, const Dims& b) {
  const std::size_t rank = std::max(a.size(), b.size());
  Dims result(rank, Dim(1));
  for (std::size_t i = 0; i < rank; ++i) {  // counted from the last axis
    const Dim x = i < a.size() ? a[a.size() - 1 - i] : Dim(1);
    const Dim y = i < b.size() ? b[b.size() - 1 - i] : Dim(1);
    Dim& out = result[rank - 1 - i];
    if (x == y || y.is(1)) {
      out = x;
    } else if (x.is(1)) {
      out = y;
    } else if (x.is_number() && y.is_number()) {
      throw Error(Fault::malformed, fmt::format("cannot broadcast {} with {}", to_string(a), to_string(b)));
    } else if (x.is_number()) {
      out = x;
    } else if (y.is_number()) {
      out = y;
    } else {
      out = Dim::symbol(fmt::format("broadcast({},{})", x.to_string(), y.to_string()));
    }
  }
  return result;
}

std::size_t normalize_axis(std::int64_t axis, std::size_t rank) {
  const auto signed_rank = static_cast<std::int64_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank) {
    throw Error(Fault::malformed, fmt::format("axis {} of a tensor of rank {}", axis, rank));
  }
  return static_cast<std::size_t>(axis < 0 ? axis + signed_rank : axis);
}

std::optional<std::vector<std::int64_t>> known_integers(const Fact& fact) {
  if (fact.value && (fact.value->dtype() == DType::int64 || fact.value->dtype() == DType::int32)) {
    return fact.value->values_as<std::int64_t>();
  }
  if (!fact.elements || (fact.dims && fact.rank() > 1)) return std::nullopt;
  std::vector<std::int64_t> numbers;
  for (const Dim& element : *fact.elements) {
    if (!element.is_number()) return std::nullopt;
    numbers.push_back(element.number());
  }
  return numbers;
}

}  // namespace resnet

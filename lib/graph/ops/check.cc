#include "lib/graph/ops/check.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/error.h"

namespace resnet {

namespace {

// Longer vectors are data, not dims; and a chain of Concats of a vector with itself would eat the memory.
constexpr std::size_t most_elements = 64;

void meet(std::optional<DType>& common, const Facts& inputs, std::size_t index) {
  if (!inputs.has(index) || !inputs[index].dtype) return;
  if (common && *common != *inputs[index].dtype) {
    throw Error(Fault::malformed, fmt::format("input {} is {}, expected {} as the inputs before it", index,
                                              name_of(*inputs[index].dtype), name_of(*common)));
  }
  common = inputs[index].dtype;
}

}  // namespace

std::optional<DType> common_dtype(const Facts& inputs, std::initializer_list<std::size_t> indices) {
  std::optional<DType> common;
  for (const std::size_t index : indices) meet(common, inputs, index);
  return common;
}

std::optional<DType> common_dtype(const Facts& inputs) {
  std::optional<DType> common;
  for (std::size_t index = 0; index < inputs.size(); ++index) meet(common, inputs, index);
  return common;
}

void check_dtype(const Fact& fact, const char* what, std::initializer_list<DType> allowed) {
  if (!fact.dtype || std::find(allowed.begin(), allowed.end(), *fact.dtype) != allowed.end()) return;
  std::string names;
  for (const DType dtype : allowed) names += (names.empty() ? "" : " or ") + std::string(name_of(dtype));
  throw Error(Fault::malformed, fmt::format("{} is {}, expected {}", what, name_of(*fact.dtype), names));
}

void check_scalar(const Fact& fact, const char* what) {
  const auto shape = fact.shape();
  if (!shape || shape->elements() == 1) return;
  throw Error(Fault::malformed, fmt::format("{} {}, expected a scalar", what,
                                            shape->elements() == 0 ? "has no elements" : "is " + shape->to_string()));
}

void check_vector(const Fact& fact, const char* what) {
  if (!fact.has_rank() || fact.rank() == 1) return;
  throw Error(Fault::malformed, fmt::format("{} is {}, expected a vector", what, to_string(*fact.dims)));
}

std::vector<std::int64_t> checked_list(const std::vector<std::int64_t>& list, std::size_t count, std::int64_t usual,
                                       std::int64_t least, std::int64_t most, const char* name) {
  if (list.empty()) return std::vector<std::int64_t>(count, usual);
  if (list.size() != count) {
    throw Error(Fault::malformed, fmt::format("{} has {} entries, expected {}", name, list.size(), count));
  }
  for (const std::int64_t entry : list) {
    if (entry < least || entry > most) {
      throw Error(Fault::malformed, entry < least ? fmt::format("{} holds {}, expected at least {}", name, entry, least)
                                                  : fmt::format("{} holds {}, expected at most {}", name, entry, most));
    }
  }
  return list;
}

std::optional<Dims> bounded_elements(std::optional<Dims> elements, std::optional<DType> dtype) {
  if (!elements || elements->size() > most_elements) return std::nullopt;
  if (dtype == DType::int32) {
    const auto outside = [](const Dim& dim) {
      return dim.is_number() && dim.number() != static_cast<std::int32_t>(dim.number());
    };
    if (std::any_of(elements->begin(), elements->end(), outside)) return std::nullopt;
  }
  return elements;
}

Fact broadcast_all(const Facts& inputs) {
  Fact fact = same_as(inputs[0]);
  fact.dtype = common_dtype(inputs);
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    if (!inputs.has(i)) throw Error(Fault::malformed, fmt::format("input {} is left out, but is not optional", i));
    if (fact.dims && inputs[i].dims) {
      fact.dims = broadcast(*fact.dims, *inputs[i].dims);
    } else {
      fact.dims = std::nullopt;
    }
  }
  return fact;
}

Fact same_as(const Fact& fact) { return {fact.dtype, fact.dims, std::nullopt, std::nullopt}; }

}  // namespace resnet

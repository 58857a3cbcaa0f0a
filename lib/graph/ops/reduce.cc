#include "lib/graph/ops/reduce.h"

#include <fmt/format.h>

#include <numeric>
#include <set>

#include "lib/base/error.h"
#include "lib/graph/ops/check.h"

namespace resnet {

std::optional<std::vector<std::size_t>> reduced_axes(bool noop_with_empty_axes, const Facts& inputs) {
  if (!inputs[0].has_rank()) return std::nullopt;
  const std::size_t rank = inputs[0].rank();
  std::vector<std::int64_t> axes;
  if (inputs.has(1)) {
    const auto known = known_integers(inputs[1]);
    if (!known) {
      // No elements, and so no axes, whatever the values would be.
      const auto shape = inputs[1].shape();
      if (!shape || shape->elements() != 0) return std::nullopt;
    } else {
      axes = *known;
    }
  }
  std::set<std::size_t> sorted;
  for (const std::int64_t axis : axes) {
    if (!sorted.insert(normalize_axis(axis, rank)).second)
      throw Error(Fault::malformed, fmt::format("axis {} is reduced twice", axis));
  }
  std::vector<std::size_t> result(sorted.begin(), sorted.end());
  if (axes.empty() && !noop_with_empty_axes) {
    result.resize(rank);
    std::iota(result.begin(), result.end(), std::size_t{0});
  }
  return result;
}

std::vector<Fact> infer_reduction(bool keepdims, bool noop_with_empty_axes, const Facts& inputs) {
  if (inputs.has(1)) check_dtype(inputs[1], "axes", {DType::int64});
  Fact fact = same_as(inputs[0]);
  const auto axes = reduced_axes(noop_with_empty_axes, inputs);
  if (!axes) {
    fact.dims = std::nullopt;
    return {std::move(fact)};
  }
  for (auto axis = axes->rbegin(); axis != axes->rend(); ++axis) {
    if (keepdims) {
      (*fact.dims)[*axis] = 1;
    } else {
      fact.dims->erase(fact.dims->begin() + static_cast<std::ptrdiff_t>(*axis));
    }
  }
  return {std::move(fact)};
}

namespace {

// Of ArgMax and ArgMin.
template <typename T>
std::vector<Fact> infer_choice(const T& op, const Facts& inputs) {
  Fact fact{DType::int64, inputs[0].dims, std::nullopt, std::nullopt};
  if (fact.dims) {
    const std::size_t axis = normalize_axis(op.axis, fact.rank());
    if ((*fact.dims)[axis].is(0)) throw Error(Fault::malformed, fmt::format("axis {} has no elements to choose from", op.axis));
    if (op.keepdims) {
      (*fact.dims)[axis] = 1;
    } else {
      fact.dims->erase(fact.dims->begin() + static_cast<std::ptrdiff_t>(axis));
    }
  }
  return {std::move(fact)};
}

}  // namespace

std::vector<Fact> infer(const ArgMax& op, const Facts& inputs, std::size_t) { return infer_choice(op, inputs); }
std::vector<Fact> infer(const ArgMin& op, const Facts& inputs, std::size_t) { return infer_choice(op, inputs); }

}  // namespace resnet

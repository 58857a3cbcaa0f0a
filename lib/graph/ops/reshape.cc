#include "lib/graph/ops/reshape.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lib/base/error.h"
#include "lib/graph/ops/check.h"

namespace resnet {

namespace {

Dim product(const Dims& dims, std::size_t begin, std::size_t end) {
  Dim result = 1;
  for (std::size_t i = begin; i < end; ++i) result = result * dims[i];
  return result;
}

// Takes the symbols out of both that both have.
void cancel(Dims& a, Dims& b) {
  for (auto dim = b.begin(); dim != b.end();) {
    const auto found = dim->is_number() ? a.end() : std::find(a.begin(), a.end(), *dim);
    if (found == a.end()) {
      ++dim;
    } else {
      a.erase(found);
      dim = b.erase(dim);
    }
  }
}

// total / known, exactly.
Dim divide(Dims total, Dims known, const std::string& description) {
  cancel(total, known);
  const Dim numerator = product(total, 0, total.size()), denominator = product(known, 0, known.size());
  if (denominator.is(0)) throw Error(Fault::malformed, description + ": -1 beside a dimension of 0 has no one answer");
  if (numerator.is_number() && denominator.is_number() && numerator.number() % denominator.number() != 0)
    throw Error(Fault::malformed, description + ": the number of elements does not divide");
  return floor_divide(numerator, denominator);
}

}  // namespace

std::vector<Fact> infer(const Flatten& op, const Facts& inputs, std::size_t) {
  Fact fact = same_as(inputs[0]);
  if (fact.dims) {
    const Dims dims = *fact.dims;
    const auto rank = static_cast<std::int64_t>(dims.size());
    if (op.axis < -rank || op.axis > rank) {
      throw Error(Fault::malformed, fmt::format("axis {} of a tensor of rank {}", op.axis, rank));
    }
    const auto axis = static_cast<std::size_t>(op.axis < 0 ? op.axis + rank : op.axis);
    fact.dims = Dims{product(dims, 0, axis), product(dims, axis, dims.size())};
  }
  return {std::move(fact)};
}

std::vector<Fact> infer(const Reshape& op, const Facts& inputs, std::size_t) {
  check_dtype(inputs[1], "shape", {DType::int64});
  const Fact& x = inputs[0];
  const Fact& target = inputs[1];
  check_vector(target, "shape");
  Fact fact{x.dtype, std::nullopt, std::nullopt, std::nullopt};
  std::optional<Dims> wanted = target.elements;
  if (!wanted) {
    if (const auto numbers = known_integers(target)) wanted = Dims(numbers->begin(), numbers->end());
  }
  if (!wanted) return {std::move(fact)};
  const std::string description = fmt::format("cannot reshape {} to {}", x.dims ? to_string(*x.dims) : "?", to_string(*wanted));
  Dims dims, known;
  std::optional<std::size_t> open;
  bool certain = true;
  for (std::size_t i = 0; i < wanted->size(); ++i) {
    Dim dim = (*wanted)[i];
    if (dim.is(-1)) {
      if (open) throw Error(Fault::malformed, description + ": more than one -1");
      open = i;
      dims.push_back(Dim(1));
      continue;
    }
    if (dim.is_number() && dim.number() < -1)
      throw Error(Fault::malformed, description + fmt::format(": {} is not a dimension", dim.number()));
    if (dim.is(0) && !op.allowzero) {
      if (!x.dims) {
        certain = false;
        continue;
      }
      if (i >= x.dims->size()) throw Error(Fault::malformed, description + fmt::format(": there is no dimension {} to copy", i));
      dim = (*x.dims)[i];
    }
    dims.push_back(dim);
    known.push_back(dim);
  }
  if (!certain || (open && !x.dims)) return {std::move(fact)};
  if (open) {
    dims[*open] = divide(*x.dims, known, description);
  } else if (x.dims) {
    Dims before = *x.dims, after = dims;
    cancel(before, after);
    const Dim in = product(before, 0, before.size()), out = product(after, 0, after.size());
    if (in.is_number() && out.is_number() && in != out) throw Error(Fault::malformed, description);
  }
  fact.dims = std::move(dims);
  fact.elements = x.elements;
  return {std::move(fact)};
}

std::vector<Fact> infer(const Squeeze&, const Facts& inputs, std::size_t) {
  Fact fact = same_as(inputs[0]);
  if (inputs.has(1)) check_dtype(inputs[1], "axes", {DType::int64});
  if (!fact.dims) return {std::move(fact)};
  const Dims dims = *fact.dims;
  std::set<std::size_t> axes;
  if (inputs.has(1)) {
    const auto known = known_integers(inputs[1]);
    if (!known) {
      fact.dims = std::nullopt;
      return {std::move(fact)};
    }
    for (const std::int64_t axis : *known) axes.insert(normalize_axis(axis, dims.size()));
  } else {
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
      if (!dims[axis].is_number()) {
        // A symbol may turn out to be 1, and then goes, too.
        fact.dims = std::nullopt;
        return {std::move(fact)};
      }
      if (dims[axis].is(1)) axes.insert(axis);
    }
  }
  Dims kept;
  for (std::size_t axis = 0; axis < dims.size(); ++axis) {
    if (!axes.contains(axis)) {
      kept.push_back(dims[axis]);
    } else if (dims[axis].is_number() && !dims[axis].is(1)) {
      throw Error(Fault::malformed,
                  fmt::format("cannot squeeze axis {} of {}, expected a dimension of 1", axis, to_string(dims)));
    }
  }
  fact.dims = std::move(kept);
  if (fact.rank() <= 1) fact.elements = inputs[0].elements;
  return {std::move(fact)};
}

std::vector<Fact> infer(const Unsqueeze&, const Facts& inputs, std::size_t) {
  Fact fact = same_as(inputs[0]);
  check_dtype(inputs[1], "axes", {DType::int64});
  const auto known = known_integers(inputs[1]);
  if (!fact.dims || !known) {
    fact.dims = std::nullopt;
    return {std::move(fact)};
  }
  const std::size_t rank = fact.rank() + known->size();
  std::set<std::size_t> axes;
  for (const std::int64_t axis : *known) {
    if (!axes.insert(normalize_axis(axis, rank)).second)
      throw Error(Fault::malformed, fmt::format("axis {} is given twice", axis));
  }
  Dims dims;
  auto next = fact.dims->begin();
  for (std::size_t axis = 0; axis < rank; ++axis) dims.push_back(axes.contains(axis) ? Dim(1) : *next++);
  fact.dims = std::move(dims);
  if (rank <= 1) fact.elements = inputs[0].elements;
  return {std::move(fact)};
}

}  // namespace resnet

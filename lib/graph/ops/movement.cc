#include "lib/graph/ops/movement.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <set>

#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/graph/ops/check.h"

namespace resnet {

namespace {

// What a vector of dims has at most; longer ones are data.
constexpr std::size_t most_elements = 64;

// A list that an optional input holds: empty where it is left out, nothing where it is not known.
std::optional<std::vector<std::int64_t>> list_of(const Facts& inputs, std::size_t index) {
  if (!inputs.has(index)) return std::vector<std::int64_t>{};
  return known_integers(inputs[index]);
}

SliceRange slice_axis(std::int64_t size, std::int64_t start, std::int64_t end, std::int64_t step) {
  const auto clamp = [](std::int64_t v, std::int64_t least, std::int64_t most) { return std::max(least, std::min(v, most)); };
  if (start < 0) start = std::max(start, -size - 1) + size;
  if (end < 0) end = end < -size ? -1 : end + size;
  if (step > 0) {
    start = clamp(start, 0, size);
    end = clamp(end, 0, size);
    const std::int64_t length = std::max<std::int64_t>(end - start, 0);
    return {start, step, length / step + (length % step != 0 ? 1 : 0)};
  }
  if (size == 0) return {0, step, 0};
  start = clamp(start, 0, size - 1);
  end = clamp(end, -1, size - 1);
  const std::int64_t length = std::max<std::int64_t>(start - end, 0);
  if (length == 0) return {std::max<std::int64_t>(start, 0), step, 0};
  // -step of the least number does not fit; a step that long takes one element.
  if (step < -length) return {start, step, 1};
  return {start, step, length / -step + (length % -step != 0 ? 1 : 0)};
}

// Whether a slice goes over all of a symbolic axis: from its first element to what exporters write for its end (at least the
// largest int32, or the axis's own size), or the other way round.
bool covers(const Dim& size, const Dim& start, const Dim& end, std::int64_t step) {
  constexpr std::int64_t far = std::numeric_limits<std::int32_t>::max();
  if (step > 0) return start.is(0) && (end == size || (end.is_number() && end.number() >= far));
  const bool from_last = start.is(-1) || start == size - 1 || (start.is_number() && start.number() >= far);
  return step >= -far && from_last && end.is_number() && end.number() <= -far;
}

}  // namespace

std::vector<std::size_t> permutation_of(const Transpose& op, std::size_t rank) {
  std::vector<std::size_t> perm;
  if (op.perm.empty()) {
    for (std::size_t i = 0; i < rank; ++i) perm.push_back(rank - 1 - i);
    return perm;
  }
  std::set<std::size_t> seen;
  bool fits = op.perm.size() == rank;
  for (const std::int64_t axis : op.perm) {
    fits = fits && axis >= 0 && axis < static_cast<std::int64_t>(rank) && seen.insert(static_cast<std::size_t>(axis)).second;
    if (fits) perm.push_back(static_cast<std::size_t>(axis));
  }
  if (!fits) {
    throw Error(Fault::malformed,
                fmt::format("perm is [{}], expected each axis of a tensor of rank {} once", fmt::join(op.perm, ","), rank));
  }
  return perm;
}

std::vector<SliceRange> slice_ranges(const Shape& shape, std::vector<std::int64_t> starts, std::vector<std::int64_t> ends,
                                     std::vector<std::int64_t> axes, std::vector<std::int64_t> steps) {
  if (axes.empty()) {
    for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  }
  if (steps.empty()) steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size()) {
    throw Error(Fault::malformed,
                fmt::format("starts, ends, axes and steps have {}, {}, {} and {} entries, expected the same number of each",
                            starts.size(), ends.size(), axes.size(), steps.size()));
  }
  std::vector<SliceRange> ranges;
  for (const std::int64_t size : shape.dims()) ranges.push_back({0, 1, size});
  std::set<std::size_t> seen;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::size_t axis = normalize_axis(axes[i], shape.rank());
    if (!seen.insert(axis).second) throw Error(Fault::malformed, fmt::format("axis {} is sliced twice", axes[i]));
    if (steps[i] == 0) throw Error(Fault::malformed, "a step is 0");
    ranges[axis] = slice_axis(shape[axis], starts[i], ends[i], steps[i]);
  }
  return ranges;
}

std::vector<AxisPads> pads_per_axis(std::size_t rank, const std::vector<std::int64_t>& pads,
                                    const std::vector<std::int64_t>& axes) {
  const std::size_t count = axes.empty() ? rank : axes.size();
  if (pads.size() != 2 * count) {
    throw Error(Fault::malformed, fmt::format("pads has {} entries, expected {}", pads.size(), 2 * count));
  }
  std::vector<AxisPads> result(rank, {0, 0});
  std::set<std::size_t> seen;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t axis = axes.empty() ? i : normalize_axis(axes[i], rank);
    if (!seen.insert(axis).second) throw Error(Fault::malformed, fmt::format("axis {} is padded twice", axis));
    result[axis] = {pads[i], pads[count + i]};
  }
  return result;
}

std::vector<Fact> infer(const Transpose& op, const Facts& inputs, std::size_t) {
  Fact fact = same_as(inputs[0]);
  if (fact.dims) {
    const Dims dims = *fact.dims;
    const auto perm = permutation_of(op, dims.size());
    for (std::size_t i = 0; i < dims.size(); ++i) (*fact.dims)[i] = dims[perm[i]];
    const Fact& x = inputs[0];
    if (x.elements && dims.size() == 2 && dims[0].is_number() && dims[1].is_number()) {
      const auto rows = static_cast<std::size_t>(dims[0].number()), columns = static_cast<std::size_t>(dims[1].number());
      fact.elements = x.elements;
      for (std::size_t i = 0; perm[0] == 1 && i < rows; ++i) {
        for (std::size_t k = 0; k < columns; ++k) (*fact.elements)[k * rows + i] = (*x.elements)[i * columns + k];
      }
    }
  }
  return {std::move(fact)};
}

std::vector<Fact> infer(const Concat& op, const Facts& inputs, std::size_t) {
  Fact fact{common_dtype(inputs), std::nullopt, std::nullopt, std::nullopt};
  bool known_rank = true, known_elements = true;
  Dims elements;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs.has(i)) throw Error(Fault::malformed, fmt::format("input {} is left out, but is not optional", i));
    known_rank = known_rank && inputs[i].has_rank();
    known_elements = known_elements && inputs[i].elements && inputs[i].has_rank() && inputs[i].rank() == 1;
    known_elements = known_elements && elements.size() <= most_elements;
    if (known_elements) elements.insert(elements.end(), inputs[i].elements->begin(), inputs[i].elements->end());
  }
  if (!known_rank) return {std::move(fact)};
  Dims dims = *inputs[0].dims;
  const std::size_t axis = normalize_axis(op.axis, dims.size());
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    const Dims& other = *inputs[i].dims;
    bool fits = other.size() == dims.size();
    for (std::size_t d = 0; fits && d < dims.size(); ++d) {
      if (d == axis) continue;
      if (dims[d].is_number() && other[d].is_number() && dims[d] != other[d]) fits = false;
      if (!dims[d].is_number() && other[d].is_number()) dims[d] = other[d];
    }
    if (!fits) {
      throw Error(Fault::malformed, fmt::format("cannot concatenate {} and {} along axis {}", to_string(*inputs[0].dims),
                                                to_string(other), op.axis));
    }
    dims[axis] = dims[axis] + other[axis];
  }
  fact.dims = std::move(dims);
  if (known_elements) fact.elements = bounded_elements(std::move(elements), fact.dtype);
  return {std::move(fact)};
}

std::vector<Fact> infer(const Slice&, const Facts& inputs, std::size_t) {
  const Fact& x = inputs[0];
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    if (inputs.has(i)) check_dtype(inputs[i], "an index list", {DType::int64, DType::int32});
  }
  Fact fact{x.dtype, std::nullopt, std::nullopt, std::nullopt};
  if (!x.dims) return {std::move(fact)};
  const auto axes = list_of(inputs, 3), steps = list_of(inputs, 4);
  const auto& starts = inputs[1].elements;
  const auto& ends = inputs[2].elements;
  if (!axes || !steps || !starts || !ends) return {std::move(fact)};
  const std::size_t count = starts->size();
  if (ends->size() != count || (!axes->empty() && axes->size() != count) || (!steps->empty() && steps->size() != count)) {
    throw Error(Fault::malformed,
                fmt::format("starts, ends, axes and steps have {}, {}, {} and {} entries, expected the same number of each",
                            count, ends->size(), axes->size(), steps->size()));
  }
  Dims dims = *x.dims;
  std::set<std::size_t> seen;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t axis = normalize_axis(axes->empty() ? static_cast<std::int64_t>(i) : (*axes)[i], dims.size());
    if (!seen.insert(axis).second) throw Error(Fault::malformed, fmt::format("axis {} is sliced twice", axis));
    const std::int64_t step = steps->empty() ? 1 : (*steps)[i];
    if (step == 0) throw Error(Fault::malformed, "a step is 0");
    const Dim &start = (*starts)[i], &end = (*ends)[i], size = dims[axis];
    if (size.is_number() && start.is_number() && end.is_number()) {
      dims[axis] = slice_axis(size.number(), start.number(), end.number(), step).count;
    } else if (covers(size, start, end, step)) {
      const std::int64_t stride = step > 0 ? step : -step;
      dims[axis] = floor_divide(size + (stride - 1), stride);
    } else {
      dims[axis] = Dim::symbol(fmt::format("slice({},{},{},{})", size.to_string(), start.to_string(), end.to_string(), step));
    }
  }
  fact.dims = std::move(dims);
  const auto shape = x.shape();
  const auto are_numbers = [](const Dims& list) {
    return std::all_of(list.begin(), list.end(), [](const Dim& d) { return d.is_number(); });
  };
  if (x.elements && shape && shape->rank() <= 2 && are_numbers(*starts) && are_numbers(*ends)) {
    const auto numbers = [](const Dims& list) {
      std::vector<std::int64_t> result;
      for (const Dim& dim : list) result.push_back(dim.number());
      return result;
    };
    std::vector<SliceRange> ranges = slice_ranges(*shape, numbers(*starts), numbers(*ends), *axes, *steps);
    // A list is one row, a scalar a row of one.
    while (ranges.size() < 2) ranges.insert(ranges.begin(), SliceRange{0, 1, 1});
    const std::int64_t columns = shape->rank() == 0 ? 1 : (*shape)[shape->rank() - 1];
    fact.elements.emplace();
    for (std::int64_t i = 0; i < ranges[0].count; ++i) {
      const std::int64_t row = (ranges[0].start + i * ranges[0].step) * columns;
      for (std::int64_t k = 0; k < ranges[1].count; ++k)
        fact.elements->push_back((*x.elements)[static_cast<std::size_t>(row + ranges[1].start + k * ranges[1].step)]);
    }
  }
  return {std::move(fact)};
}

std::vector<Fact> infer(const Pad& op, const Facts& inputs, std::size_t) {
  const Fact& x = inputs[0];
  Fact fact{x.dtype, std::nullopt, std::nullopt, std::nullopt};
  check_dtype(inputs[1], "pads", {DType::int64});
  if (inputs.has(2)) {
    common_dtype(inputs, {0, 2});
    check_scalar(inputs[2], "constant_value");
  }
  const auto axes = list_of(inputs, 3);
  const auto pads = known_integers(inputs[1]);
  if (!x.dims || !axes || !pads) return {std::move(fact)};
  Dims dims = *x.dims;
  const auto per_axis = pads_per_axis(dims.size(), *pads, *axes);
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const Dim size = dims[i];
    dims[i] = size + per_axis[i].begin + per_axis[i].end;
    if (dims[i].is_number() && dims[i].number() < 0) {
      throw Error(Fault::malformed, fmt::format("pads {} and {} leave nothing of axis {} of {}", per_axis[i].begin,
                                                per_axis[i].end, i, to_string(*x.dims)));
    }
    const std::int64_t largest = std::max(per_axis[i].begin, per_axis[i].end);
    if (op.mode == Pad::Mode::reflect && size.is_number() && largest >= std::max<std::int64_t>(size.number(), 1)) {
      throw Error(Fault::malformed, fmt::format("reflects {} elements of axis {} of {}, expected fewer than it has", largest, i,
                                                to_string(*x.dims)));
    }
    if (op.mode != Pad::Mode::constant && size.is(0) && largest > 0) {
      throw Error(Fault::malformed, fmt::format("axis {} of {} has no element to pad with", i, to_string(*x.dims)));
    }
  }
  fact.dims = std::move(dims);
  return {std::move(fact)};
}

std::vector<Fact> infer(const Gather& op, const Facts& inputs, std::size_t) {
  const Fact &x = inputs[0], &indices = inputs[1];
  check_dtype(indices, "indices", {DType::int64, DType::int32});
  Fact fact{x.dtype, std::nullopt, std::nullopt, std::nullopt};
  if (!x.dims) return {std::move(fact)};
  const std::size_t axis = normalize_axis(op.axis, x.rank());
  if (!indices.dims) return {std::move(fact)};
  Dims dims(x.dims->begin(), x.dims->begin() + static_cast<std::ptrdiff_t>(axis));
  dims.insert(dims.end(), indices.dims->begin(), indices.dims->end());
  dims.insert(dims.end(), x.dims->begin() + static_cast<std::ptrdiff_t>(axis) + 1, x.dims->end());
  fact.dims = std::move(dims);
  const auto known = known_integers(indices);
  const Dim& along = (*x.dims)[axis];
  if (!known || !along.is_number()) return {std::move(fact)};
  const std::int64_t size = along.number();
  for (const std::int64_t index : *known) {
    if (index < -size || index >= size)
      throw Error(Fault::malformed, fmt::format("index {} is out of range for axis {} of {}", index, axis, to_string(*x.dims)));
  }
  if (x.elements && x.rank() == 1 && fact.rank() <= 1 && known->size() <= most_elements) {
    fact.elements.emplace();
    for (const std::int64_t index : *known)
      fact.elements->push_back((*x.elements)[static_cast<std::size_t>(index < 0 ? index + size : index)]);
  }
  return {std::move(fact)};
}

std::vector<Fact> infer(const Expand&, const Facts& inputs, std::size_t) {
  const Fact& x = inputs[0];
  check_dtype(inputs[1], "shape", {DType::int64});
  check_vector(inputs[1], "shape");
  Fact fact{x.dtype, std::nullopt, std::nullopt, std::nullopt};
  if (!x.dims || !inputs[1].elements) return {std::move(fact)};
  for (const Dim& dim : *inputs[1].elements) {
    if (dim.is_number() && dim.number() < 0) throw Error(Fault::malformed, fmt::format("shape holds {}", dim.number()));
  }
  fact.dims = broadcast(*x.dims, *inputs[1].elements);
  return {std::move(fact)};
}

}  // namespace resnet

#include "lib/graph/ops/rearrange.h"

#include <fmt/format.h>

#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/graph/ops/check.h"

namespace resnet {

namespace {

void check_blocks(const Fact& x, std::int64_t blocksize) {
  if (blocksize < 1 || blocksize > (1 << 20))
    throw Error(Fault::malformed, fmt::format("blocksize is {}, expected at least 1", blocksize));
  if (x.has_rank() && x.rank() != 4)
    throw Error(Fault::malformed, fmt::format("input is {}, expected four dims", to_string(*x.dims)));
}

// dim / divisor, exactly where it is a number.
Dim divide(const Dim& dim, std::int64_t divisor) {
  if (dim.is_number() && dim.number() % divisor != 0)
    throw Error(Fault::malformed, fmt::format("{} cannot be divided into blocks of {}", dim.number(), divisor));
  return floor_divide(dim, divisor);
}

}  // namespace

std::vector<Fact> infer(const Split& op, const Facts& inputs, std::size_t outputs) {
  const Fact& x = inputs[0];
  std::vector<Fact> facts(outputs, Fact{x.dtype, std::nullopt, std::nullopt, std::nullopt});
  if (inputs.has(1)) check_dtype(inputs[1], "split", {DType::int64});
  if (!x.dims) return facts;
  const std::size_t axis = normalize_axis(op.axis, x.rank());
  const Dim& size = (*x.dims)[axis];
  const auto count = static_cast<std::int64_t>(outputs);
  std::vector<Dim> sizes;
  if (inputs.has(1)) {
    const auto known = known_integers(inputs[1]);
    if (!known) {
      for (std::size_t i = 0; i < outputs; ++i) sizes.push_back(Dim::symbol(fmt::format("split({},{})", size.to_string(), i)));
    } else {
      if (known->size() != outputs) {
        throw Error(Fault::malformed,
                    fmt::format("split has {} sizes, expected {} as there are outputs", known->size(), outputs));
      }
      std::optional<std::int64_t> sum = 0;
      for (const std::int64_t part : *known) {
        if (part < 0) throw Error(Fault::malformed, fmt::format("split holds {}", part));
        sum = sum ? checked_add(*sum, part) : sum;
        sizes.push_back(Dim(part));
      }
      if (!sum || (size.is_number() && size.number() != *sum)) {
        throw Error(Fault::malformed,
                    fmt::format("the sizes of split do not add up to {}, which axis {} has", size.to_string(), axis));
      }
    }
  } else {
    if (op.num_outputs != 0 && op.num_outputs != count)
      throw Error(Fault::malformed, fmt::format("num_outputs is {}, and there are {} outputs", op.num_outputs, count));
    const Dim part = floor_divide(size + (count - 1), count);
    for (std::int64_t i = 0; i + 1 < count; ++i) sizes.push_back(part);
    if (size.is_number()) {
      const std::int64_t last = size.number() - part.number() * (count - 1);
      if (last < 0) throw Error(Fault::malformed, fmt::format("{} cannot be divided into {} parts", size.number(), count));
      sizes.push_back(Dim(last));
    } else {
      sizes.push_back(part);
    }
  }
  for (std::size_t i = 0; i < outputs; ++i) {
    facts[i].dims = x.dims;
    (*facts[i].dims)[axis] = sizes[i];
  }
  // Shapes that are taken apart.
  if (!x.elements || x.rank() != 1) return facts;
  std::size_t first = 0;
  for (std::size_t i = 0; i < outputs; ++i) {
    if (!sizes[i].is_number()) break;
    const auto end = first + static_cast<std::size_t>(sizes[i].number());
    if (end > x.elements->size()) break;
    facts[i].elements =
        Dims(x.elements->begin() + static_cast<std::ptrdiff_t>(first), x.elements->begin() + static_cast<std::ptrdiff_t>(end));
    first = end;
  }
  return facts;
}

std::vector<Fact> infer(const Tile&, const Facts& inputs, std::size_t) {
  const Fact& x = inputs[0];
  check_dtype(inputs[1], "repeats", {DType::int64});
  check_vector(inputs[1], "repeats");
  Fact fact{x.dtype, std::nullopt, std::nullopt, std::nullopt};
  std::optional<Dims> repeats = inputs[1].elements;
  if (!repeats) {
    if (const auto known = known_integers(inputs[1])) repeats = Dims(known->begin(), known->end());
  }
  if (!x.dims || !repeats) return {std::move(fact)};
  if (repeats->size() != x.rank()) {
    throw Error(Fault::malformed,
                fmt::format("repeats has {} entries, expected {} as there are axes", repeats->size(), x.rank()));
  }
  fact.dims = x.dims;
  for (std::size_t i = 0; i < repeats->size(); ++i) {
    const Dim& repeat = (*repeats)[i];
    if (repeat.is_number() && repeat.number() < 0)
      throw Error(Fault::malformed, fmt::format("repeats holds {}", repeat.number()));
    Dim& dim = (*fact.dims)[i];
    if (dim.is_number() && repeat.is_number()) {
      const auto product = checked_multiply(dim.number(), repeat.number());
      if (!product) throw Error(Fault::malformed, "the size of the result does not fit into 64 bits");
      dim = Dim(*product);
    } else {
      dim = dim * repeat;
    }
  }
  return {std::move(fact)};
}

std::vector<Fact> infer(const DepthToSpace& op, const Facts& inputs, std::size_t) {
  check_blocks(inputs[0], op.blocksize);
  Fact fact = same_as(inputs[0]);
  if (!fact.dims) return {std::move(fact)};
  Dims& dims = *fact.dims;
  dims[1] = divide(dims[1], op.blocksize * op.blocksize);
  dims[2] = dims[2] * op.blocksize;
  dims[3] = dims[3] * op.blocksize;
  return {std::move(fact)};
}

std::vector<Fact> infer(const SpaceToDepth& op, const Facts& inputs, std::size_t) {
  check_blocks(inputs[0], op.blocksize);
  Fact fact = same_as(inputs[0]);
  if (!fact.dims) return {std::move(fact)};
  Dims& dims = *fact.dims;
  dims[1] = dims[1] * (op.blocksize * op.blocksize);
  dims[2] = divide(dims[2], op.blocksize);
  dims[3] = divide(dims[3], op.blocksize);
  return {std::move(fact)};
}

std::vector<Fact> infer(const Trilu&, const Facts& inputs, std::size_t) {
  if (inputs[0].has_rank() && inputs[0].rank() < 2)
    throw Error(Fault::malformed, fmt::format("input is {}, expected matrices", to_string(*inputs[0].dims)));
  if (inputs.has(1)) check_dtype(inputs[1], "k", {DType::int64});
  return {same_as(inputs[0])};
}

}  // namespace resnet

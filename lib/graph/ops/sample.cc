#include "lib/graph/ops/sample.h"

#include <fmt/format.h>

#include "lib/base/error.h"
#include "lib/graph/ops/check.h"

namespace resnet {

std::vector<Fact> infer(const GridSample& op, const Facts& inputs, std::size_t) {
  const Fact &x = inputs[0], &grid = inputs[1];
  Fact fact{x.dtype, std::nullopt, std::nullopt, std::nullopt};
  if (!x.dims || !grid.dims) return {std::move(fact)};
  const bool fits = x.rank() >= 3 && grid.rank() == x.rank() &&
                    (!grid.dims->back().is_number() || grid.dims->back().is(static_cast<std::int64_t>(x.rank()) - 2));
  if (!fits)
    throw Error(Fault::malformed, fmt::format("grid is {} for an input of {}", to_string(*grid.dims), to_string(*x.dims)));
  if (op.mode == GridSample::Mode::cubic && x.rank() != 4)
    throw Error(Fault::unsupported, "cubic sampling of other than two axes");
  fact.dims = Dims{(*x.dims)[0], (*x.dims)[1]};
  fact.dims->insert(fact.dims->end(), grid.dims->begin() + 1, grid.dims->end() - 1);
  return {std::move(fact)};
}

std::vector<Fact> infer(const AffineGrid&, const Facts& inputs, std::size_t) {
  const Fact &theta = inputs[0], &size = inputs[1];
  check_dtype(size, "size", {DType::int64});
  check_vector(size, "size");
  Fact fact{theta.dtype, std::nullopt, std::nullopt, std::nullopt};
  if (!size.elements) return {std::move(fact)};
  const Dims& sizes = *size.elements;
  const auto axes = static_cast<std::int64_t>(sizes.size()) - 2;
  if (axes < 2 || axes > 3) throw Error(Fault::malformed, fmt::format("size has {} entries, expected 4 or 5", sizes.size()));
  if (const auto shape = theta.shape(); shape && *shape != Shape{(*shape)[0], axes, axes + 1}) {
    throw Error(Fault::malformed, fmt::format("theta is {}, expected Nx{}x{}", shape->to_string(), axes, axes + 1));
  }
  for (const Dim& dim : sizes) {
    if (dim.is_number() && dim.number() < 0) throw Error(Fault::malformed, fmt::format("size holds {}", dim.number()));
  }
  fact.dims = Dims{sizes[0]};
  fact.dims->insert(fact.dims->end(), sizes.begin() + 2, sizes.end());
  fact.dims->push_back(Dim(axes));
  return {std::move(fact)};
}

}  // namespace resnet

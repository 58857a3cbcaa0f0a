#include "lib/graph/ops/pool.h"

#include <fmt/format.h>

#include "lib/base/error.h"
#include "lib/graph/ops/check.h"

namespace resnet {

namespace {

template <typename Pool>
Fact infer_window(const Pool& pool, const Fact& x) {
  if (pool.kernel_shape.empty()) throw Error(Fault::malformed, "kernel_shape is missing");
  if (!x.has_rank()) return {x.dtype, std::nullopt, std::nullopt, std::nullopt};
  if (x.rank() < 3) throw Error(Fault::malformed, fmt::format("input is {}, expected (N, C, spatial...)", to_string(*x.dims)));
  Dims dims = {(*x.dims)[0], (*x.dims)[1]};
  const Window window = window_of(pool, Dims(x.dims->begin() + 2, x.dims->end()));
  dims.insert(dims.end(), window.output.begin(), window.output.end());
  return {x.dtype, std::move(dims), std::nullopt, std::nullopt};
}

}  // namespace

Window window_of(const MaxPool& pool, const Dims& spatial) {
  return resolve_window({pool.auto_pad, pool.kernel_shape, pool.strides, pool.dilations, pool.pads, pool.ceil_mode}, spatial);
}

Window window_of(const AveragePool& pool, const Dims& spatial) {
  return resolve_window({pool.auto_pad, pool.kernel_shape, pool.strides, pool.dilations, pool.pads, pool.ceil_mode}, spatial);
}

std::vector<Fact> infer(const MaxPool& pool, const Facts& inputs, std::size_t outputs) {
  std::vector<Fact> facts = {infer_window(pool, inputs[0])};
  if (outputs > 1) {
    facts.push_back(facts[0]);
    facts[1].dtype = DType::int64;
  }
  return facts;
}

std::vector<Fact> infer(const AveragePool& pool, const Facts& inputs, std::size_t) { return {infer_window(pool, inputs[0])}; }

std::vector<Fact> infer(const GlobalAveragePool&, const Facts& inputs, std::size_t) {
  Fact fact = same_as(inputs[0]);
  if (fact.dims) {
    if (fact.rank() < 2)
      throw Error(Fault::malformed, fmt::format("input is {}, expected (N, C, spatial...)", to_string(*fact.dims)));
    for (std::size_t axis = 2; axis < fact.dims->size(); ++axis) (*fact.dims)[axis] = 1;
  }
  return {fact};
}

}  // namespace resnet

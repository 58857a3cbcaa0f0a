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

namespace {

std::vector<Fact> infer_global(const Facts& inputs) {
  Fact fact = same_as(inputs[0]);
  if (fact.dims) {
    if (fact.rank() < 2)
      throw Error(Fault::malformed, fmt::format("input is {}, expected (N, C, spatial...)", to_string(*fact.dims)));
    for (std::size_t axis = 2; axis < fact.dims->size(); ++axis) (*fact.dims)[axis] = 1;
  }
  return {fact};
}

}  // namespace

std::vector<Fact> infer(const GlobalAveragePool&, const Facts& inputs, std::size_t) { return infer_global(inputs); }
std::vector<Fact> infer(const GlobalMaxPool&, const Facts& inputs, std::size_t) { return infer_global(inputs); }
std::vector<Fact> infer(const GlobalLpPool& op, const Facts& inputs, std::size_t) {
  if (op.p < 1) throw Error(Fault::malformed, fmt::format("p is {}, expected at least 1", op.p));
  return infer_global(inputs);
}

Window window_of(const LpPool& pool, const Dims& spatial) {
  return resolve_window({pool.auto_pad, pool.kernel_shape, pool.strides, pool.dilations, pool.pads, pool.ceil_mode}, spatial);
}

std::vector<Fact> infer(const LpPool& pool, const Facts& inputs, std::size_t) {
  if (pool.p < 1) throw Error(Fault::malformed, fmt::format("p is {}, expected at least 1", pool.p));
  return {infer_window(pool, inputs[0])};
}

Dims unpooled_dims(const MaxUnpool& op, const Dims& dims) {
  if (dims.size() < 3) throw Error(Fault::malformed, fmt::format("input is {}, expected (N, C, spatial...)", to_string(dims)));
  const std::size_t rank = dims.size() - 2;
  // Checks the lists; what it gives for an input of these sizes is of no account.
  resolve_window({AutoPad::same_upper, op.kernel_shape, op.strides, {}, op.pads, false}, Dims(rank, Dim(1)));
  Dims result = {dims[0], dims[1]};
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t stride = op.strides.empty() ? 1 : op.strides[i];
    const std::int64_t pads = op.pads.empty() ? 0 : op.pads[i] + op.pads[rank + i];
    const Dim size = (dims[i + 2] - 1) * stride + (op.kernel_shape[i] - pads);
    if (size.is_number() && size.number() < 0)
      throw Error(Fault::malformed, fmt::format("its pads leave {} elements of axis {}", size.number(), i + 2));
    result.push_back(size);
  }
  return result;
}

std::vector<Fact> infer(const MaxUnpool& op, const Facts& inputs, std::size_t) {
  const Fact& x = inputs[0];
  check_dtype(inputs[1], "I", {DType::int64});
  Fact fact{x.dtype, std::nullopt, std::nullopt, std::nullopt};
  if (!x.dims) return {std::move(fact)};
  const auto values = x.shape(), indices = inputs[1].shape();
  if (values && indices && *values != *indices)
    throw Error(Fault::malformed, fmt::format("I is {}, expected {} as X", indices->to_string(), values->to_string()));
  const Dims natural = unpooled_dims(op, *x.dims);
  if (!inputs.has(2)) {
    fact.dims = natural;
    return {std::move(fact)};
  }
  check_dtype(inputs[2], "output_shape", {DType::int64});
  if (!inputs[2].elements) return {std::move(fact)};
  const Dims& wanted = *inputs[2].elements;
  bool fits = wanted.size() == natural.size();
  for (std::size_t i = 0; fits && i < wanted.size(); ++i) {
    fits = !wanted[i].is_number() || !natural[i].is_number() || wanted[i].number() >= natural[i].number();
  }
  if (!fits)
    throw Error(Fault::malformed, fmt::format("output_shape is {}, expected at least {}", to_string(wanted), to_string(natural)));
  fact.dims = wanted;
  return {std::move(fact)};
}

}  // namespace resnet

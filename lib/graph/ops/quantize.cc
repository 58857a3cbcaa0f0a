#include "lib/graph/ops/quantize.h"

#include <fmt/format.h>

#include "lib/base/error.h"
#include "lib/graph/ops/check.h"

namespace resnet {

namespace {

// Scale and zero point fit each other and x: one, one per element of the axis, or one per block along it.
void check_scale(const Facts& inputs, std::int64_t axis, std::int64_t block_size) {
  if (block_size < 0) throw Error(Fault::malformed, fmt::format("block_size is {}, expected at least 0", block_size));
  const auto scale = inputs[1].shape();
  if (!scale) return;
  if (inputs.has(2)) {
    const auto zero_point = inputs[2].shape();
    const bool both_single = zero_point && zero_point->elements() == 1 && scale->elements() == 1;
    if (zero_point && *zero_point != *scale && !both_single) {
      throw Error(Fault::malformed,
                  fmt::format("zero point is {}, expected {} as the scale", zero_point->to_string(), scale->to_string()));
    }
  }
  const auto& x = inputs[0].dims;
  if (!x || (scale->elements() == 1 && scale->rank() <= 1)) return;
  const std::size_t at = normalize_axis(axis, x->size());
  if (scale->rank() == 1 && block_size == 0) {
    if ((*x)[at].is_number() && (*x)[at] != Dim((*scale)[0])) {
      throw Error(Fault::malformed, fmt::format("scale has {} elements for {} along axis {}, expected {}", (*scale)[0],
                                                to_string(*x), axis, (*x)[at].to_string()));
    }
    return;
  }
  bool fits = block_size > 0 && scale->rank() == x->size();
  for (std::size_t i = 0; fits && i < x->size(); ++i) {
    if (!(*x)[i].is_number()) continue;
    const std::int64_t size = (*x)[i].number();
    fits = (*scale)[i] == (i == at ? size / block_size + (size % block_size != 0 ? 1 : 0) : size);
  }
  if (!fits) {
    throw Error(Fault::malformed, fmt::format("scale is {} for {} with axis {} and blocks of {}", scale->to_string(),
                                              to_string(*x), axis, block_size));
  }
}

}  // namespace

std::vector<Fact> infer(const QuantizeLinear& op, const Facts& inputs, std::size_t) {
  check_scale(inputs, op.axis, op.block_size);
  Fact fact = same_as(inputs[0]);
  fact.dtype = op.output_dtype ? op.output_dtype : DType::uint8;
  if (inputs.has(2)) {
    fact.dtype = inputs[2].dtype;
    check_dtype(inputs[2], "y_zero_point", {DType::uint8, DType::int8, DType::uint16, DType::int16});
    if (op.output_dtype && fact.dtype && *op.output_dtype != *fact.dtype) {
      throw Error(Fault::malformed, fmt::format("y_zero_point is {}, expected {} as output_dtype says", name_of(*fact.dtype),
                                                name_of(*op.output_dtype)));
    }
  }
  return {std::move(fact)};
}

std::vector<Fact> infer(const DequantizeLinear& op, const Facts& inputs, std::size_t) {
  check_scale(inputs, op.axis, op.block_size);
  common_dtype(inputs, {0, 2});
  check_dtype(inputs[0], "x", {DType::uint8, DType::int8, DType::uint16, DType::int16, DType::int32});
  Fact fact = same_as(inputs[0]);
  fact.dtype = inputs[1].dtype;
  return {std::move(fact)};
}

std::vector<Fact> infer(const DynamicQuantizeLinear&, const Facts& inputs, std::size_t) {
  check_dtype(inputs[0], "x", {DType::float32});
  Fact fact = same_as(inputs[0]);
  fact.dtype = DType::uint8;
  return {std::move(fact), Fact::of(DType::float32, {}), Fact::of(DType::uint8, {})};
}

}  // namespace resnet

#include "lib/graph/ops/integer.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "lib/base/error.h"
#include "lib/graph/ops/check.h"
#include "lib/graph/ops/matmul.h"

namespace resnet {

namespace {

void check_bytes(const Fact& fact, const char* what) { check_dtype(fact, what, {DType::uint8, DType::int8}); }

// A zero point has the type of what it belongs to.
void check_zero_point(const Facts& inputs, std::size_t of, std::size_t zero_point, const char* what) {
  if (!inputs.has(zero_point)) return;
  if (inputs[of].dtype) check_dtype(inputs[zero_point], what, {*inputs[of].dtype});
}

void check_scale(const Fact& scale, const char* what) {
  check_dtype(scale, what, {DType::float32, DType::float16, DType::bfloat16});
}

void check_single(const Facts& inputs, std::size_t index, const char* what) {
  if (!inputs.has(index)) return;
  const auto shape = inputs[index].shape();
  if (shape && shape->elements() != 1)
    throw Error(Fault::malformed, fmt::format("{} is {}, expected one element", what, shape->to_string()));
}

// One, or one per output channel.
void check_per_channel(const Facts& inputs, std::size_t index, std::size_t weight, std::size_t axis, const char* what) {
  if (!inputs.has(index)) return;
  const auto shape = inputs[index].shape();
  const auto& w = inputs[weight].dims;
  if (!shape || shape->elements() == 1 || !w || axis >= w->size() || !(*w)[axis].is_number()) return;
  if (shape->rank() != 1 || (*shape)[0] != (*w)[axis].number()) {
    throw Error(Fault::malformed,
                fmt::format("{} is {}, expected one element or {}", what, shape->to_string(), (*w)[axis].number()));
  }
}

// One, or something that broadcasts to the matrix with one column (`axis` 1: one per row) or one row (0).
void check_per_vector(const Facts& inputs, std::size_t index, std::size_t matrix, std::size_t axis, const char* what) {
  if (!inputs.has(index)) return;
  const auto shape = inputs[index].shape();
  const auto& dims = inputs[matrix].dims;
  if (!shape || shape->elements() == 1 || !dims || dims->size() < 2) return;
  const Dim& count = (*dims)[dims->size() - 1 - axis];
  bool fits = shape->rank() == 1 && (!count.is_number() || count.is((*shape)[0]));
  if (shape->rank() == dims->size()) {
    fits = (*shape)[shape->rank() - 2 + axis] == 1;
    for (std::size_t i = 0; fits && i < dims->size(); ++i) {
      const std::int64_t size = (*shape)[i];
      fits = size == 1 || !(*dims)[i].is_number() || (*dims)[i].is(size);
    }
  }
  if (!fits) {
    throw Error(Fault::malformed, fmt::format("{} is {} for {}, expected one element or one per {}", what, shape->to_string(),
                                              to_string(*dims), axis == 1 ? "row" : "column"));
  }
}

// What y_zero_point says, which is one element of uint8 or int8.
std::optional<DType> quantized_dtype(const Facts& inputs, std::size_t zero_point, std::size_t otherwise, const char* what) {
  if (!inputs.has(zero_point)) return inputs[otherwise].dtype;
  check_bytes(inputs[zero_point], what);
  return inputs[zero_point].dtype;
}

// X, x_scale, x_zero_point, y_scale, y_zero_point.
void check_pool(const Facts& inputs) {
  check_bytes(inputs[0], "X");
  check_zero_point(inputs, 0, 2, "x_zero_point");
  check_zero_point(inputs, 0, 4, "y_zero_point");
  check_scale(inputs[1], "x_scale");
  check_scale(inputs[3], "y_scale");
  for (const auto& [index, name] :
       {std::pair{std::size_t{1}, "x_scale"}, {2, "x_zero_point"}, {3, "y_scale"}, {4, "y_zero_point"}})
    check_single(inputs, index, name);
}

Fact made(std::optional<DType> dtype, std::optional<Dims> dims) { return {dtype, std::move(dims), std::nullopt, std::nullopt}; }

}  // namespace

std::vector<Fact> infer(const ConvInteger& op, const Facts& inputs, std::size_t) {
  check_bytes(inputs[0], "x");
  check_bytes(inputs[1], "w");
  check_zero_point(inputs, 0, 2, "x_zero_point");
  check_zero_point(inputs, 1, 3, "w_zero_point");
  check_single(inputs, 2, "x_zero_point");
  check_per_channel(inputs, 3, 1, 0, "w_zero_point");
  return {made(DType::int32, convolved_dims(op.conv, inputs[0], inputs[1], nullptr))};
}

std::vector<Fact> infer(const MatMulInteger&, const Facts& inputs, std::size_t) {
  check_bytes(inputs[0], "A");
  check_bytes(inputs[1], "B");
  check_zero_point(inputs, 0, 2, "a_zero_point");
  check_zero_point(inputs, 1, 3, "b_zero_point");
  check_per_vector(inputs, 2, 0, 1, "a_zero_point");
  check_per_vector(inputs, 3, 1, 0, "b_zero_point");
  return {made(DType::int32, product_dims(inputs[0], inputs[1]))};
}

std::vector<Fact> infer(const QLinearConv& op, const Facts& inputs, std::size_t) {
  check_bytes(inputs[0], "x");
  check_bytes(inputs[3], "w");
  check_zero_point(inputs, 0, 2, "x_zero_point");
  check_zero_point(inputs, 3, 5, "w_zero_point");
  for (const auto& [index, name] :
       {std::pair{std::size_t{1}, "x_scale"}, {2, "x_zero_point"}, {6, "y_scale"}, {7, "y_zero_point"}})
    check_single(inputs, index, name);
  for (const auto& [index, name] : {std::pair{std::size_t{1}, "x_scale"}, {4, "w_scale"}, {6, "y_scale"}})
    check_scale(inputs[index], name);
  check_per_channel(inputs, 4, 3, 0, "w_scale");
  check_per_channel(inputs, 5, 3, 0, "w_zero_point");
  if (inputs.has(8)) check_dtype(inputs[8], "B", {DType::int32});
  return {made(quantized_dtype(inputs, 7, 0, "y_zero_point"),
               convolved_dims(op.conv, inputs[0], inputs[3], inputs.has(8) ? &inputs[8] : nullptr))};
}

std::vector<Fact> infer(const QLinearMatMul&, const Facts& inputs, std::size_t) {
  check_bytes(inputs[0], "a");
  check_bytes(inputs[3], "b");
  check_zero_point(inputs, 0, 2, "a_zero_point");
  check_zero_point(inputs, 3, 5, "b_zero_point");
  for (const auto& [index, name] : {std::pair{std::size_t{1}, "a_scale"}, {4, "b_scale"}, {6, "y_scale"}})
    check_scale(inputs[index], name);
  check_per_vector(inputs, 1, 0, 1, "a_scale");
  check_per_vector(inputs, 2, 0, 1, "a_zero_point");
  check_per_vector(inputs, 4, 3, 0, "b_scale");
  check_per_vector(inputs, 5, 3, 0, "b_zero_point");
  check_single(inputs, 6, "y_scale");
  check_single(inputs, 7, "y_zero_point");
  return {made(quantized_dtype(inputs, 7, 0, "y_zero_point"), product_dims(inputs[0], inputs[3]))};
}

std::vector<Fact> infer(const QLinearAdd&, const Facts& inputs, std::size_t) {
  check_bytes(inputs[0], "A");
  if (inputs[0].dtype) check_dtype(inputs[3], "B", {*inputs[0].dtype});
  check_zero_point(inputs, 0, 2, "A_zero_point");
  check_zero_point(inputs, 0, 5, "B_zero_point");
  check_zero_point(inputs, 0, 7, "C_zero_point");
  for (const auto& [index, name] : {std::pair{std::size_t{1}, "A_scale"}, {4, "B_scale"}, {6, "C_scale"}})
    check_scale(inputs[index], name);
  for (const auto& [index, name] : {std::pair{std::size_t{1}, "A_scale"},
                                    {2, "A_zero_point"},
                                    {4, "B_scale"},
                                    {5, "B_zero_point"},
                                    {6, "C_scale"},
                                    {7, "C_zero_point"}}) {
    check_single(inputs, index, name);
  }
  if (!inputs[0].dims || !inputs[3].dims) return {made(inputs[0].dtype, std::nullopt)};
  return {made(inputs[0].dtype, broadcast(*inputs[0].dims, *inputs[3].dims))};
}

std::vector<Fact> infer(const QLinearGlobalAveragePool& op, const Facts& inputs, std::size_t) {
  check_pool(inputs);
  if (!inputs[0].has_rank()) return {made(inputs[0].dtype, std::nullopt)};
  Dims dims = *inputs[0].dims;
  if (dims.size() < 3) throw Error(Fault::malformed, fmt::format("X is {}, expected (N, C, spatial...)", to_string(dims)));
  const std::size_t first = op.channels_last ? 1 : 2;
  for (std::size_t i = 0; i < dims.size() - 2; ++i) dims[first + i] = 1;
  return {made(inputs[0].dtype, std::move(dims))};
}

std::vector<Fact> infer(const QLinearAveragePool& op, const Facts& inputs, std::size_t outputs) {
  check_pool(inputs);
  Fact x = same_as(inputs[0]);
  if (op.channels_last && x.has_rank() && x.rank() > 1) std::rotate(x.dims->begin() + 1, x.dims->end() - 1, x.dims->end());
  const Fact* const operands[] = {&x};
  Fact y = infer(op.pool, Facts(operands), outputs).front();
  if (op.channels_last && y.has_rank()) std::rotate(y.dims->begin() + 1, y.dims->begin() + 2, y.dims->end());
  return {std::move(y)};
}

std::vector<Fact> infer(const LookupTable&, const Facts& inputs, std::size_t) {
  check_bytes(inputs[0], "x");
  check_bytes(inputs[1], "table");
  Fact y = same_as(inputs[0]);
  y.dtype = inputs[1].dtype;
  const auto table = inputs[1].shape();
  if (!table) return {std::move(y)};
  bool fits = table->rank() >= 1 && table->rank() <= 2 && table->dims().back() == 256;
  if (fits && table->rank() == 2 && y.has_rank())
    fits = y.rank() >= 2 && (!(*y.dims)[1].is_number() || (*y.dims)[1].is((*table)[0]));
  if (!fits) {
    throw Error(Fault::malformed, fmt::format("table is {} for {}, expected 256 bytes, or 256 for each channel",
                                              table->to_string(), inputs[0].to_string()));
  }
  return {std::move(y)};
}

std::vector<Fact> infer(const QGemm& op, const Facts& inputs, std::size_t) {
  check_bytes(inputs[0], "A");
  check_bytes(inputs[3], "B");
  check_zero_point(inputs, 0, 2, "a_zero_point");
  check_zero_point(inputs, 3, 5, "b_zero_point");
  for (const auto& [index, name] :
       {std::pair{std::size_t{1}, "a_scale"}, {2, "a_zero_point"}, {7, "y_scale"}, {8, "y_zero_point"}})
    check_single(inputs, index, name);
  check_scale(inputs[1], "a_scale");
  check_scale(inputs[4], "b_scale");
  check_per_channel(inputs, 4, 3, op.transB ? 0 : 1, "b_scale");
  check_per_channel(inputs, 5, 3, op.transB ? 0 : 1, "b_zero_point");
  if (inputs.has(6)) check_dtype(inputs[6], "C", {DType::int32});
  // The shapes are Gemm's.
  Fact a = same_as(inputs[0]), b = same_as(inputs[3]), c = inputs.has(6) ? same_as(inputs[6]) : Fact::unknown();
  a.dtype = b.dtype = c.dtype = DType::int32;
  const Fact* const operands[] = {&a, &b, inputs.has(6) ? &c : nullptr};
  Fact y = infer(Gemm{.transA = op.transA, .transB = op.transB}, Facts(operands), 1).front();
  y.dtype = inputs.has(7) ? quantized_dtype(inputs, 8, 0, "y_zero_point") : DType::float32;
  return {std::move(y)};
}

}  // namespace resnet

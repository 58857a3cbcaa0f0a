#include "lib/graph/ops/matmul.h"

#include <fmt/format.h>

#include "lib/base/error.h"
#include "lib/graph/ops/check.h"

namespace resnet {

namespace {

void check_inner(const Dim& a, const Dim& b, const Fact& left, const Fact& right) {
  if (a.is_number() && b.is_number() && a != b) {
    throw Error(Fault::malformed, fmt::format("cannot multiply {} by {}: the inner dimensions are {} and {}",
                                              to_string(*left.dims), to_string(*right.dims), a.to_string(), b.to_string()));
  }
}

}  // namespace

std::vector<Fact> infer(const Gemm& gemm, const Facts& inputs, std::size_t) {
  const Fact& a = inputs[0];
  const Fact& b = inputs[1];
  const auto dtype = common_dtype(inputs, {0, 1, 2});
  for (const Fact* fact : {&a, &b}) {
    if (fact->has_rank() && fact->rank() != 2) {
      throw Error(Fault::malformed, fmt::format("{} is {}, expected a matrix", fact == &a ? "A" : "B", to_string(*fact->dims)));
    }
  }
  if (!a.has_rank() || !b.has_rank()) return {{dtype, std::nullopt, std::nullopt, std::nullopt}};
  check_inner((*a.dims)[gemm.transA ? 0 : 1], (*b.dims)[gemm.transB ? 1 : 0], a, b);
  Dims dims = {(*a.dims)[gemm.transA ? 1 : 0], (*b.dims)[gemm.transB ? 0 : 1]};
  if (inputs.has(2) && inputs[2].has_rank()) {
    const Dims& c = *inputs[2].dims;
    bool fits = c.size() <= 2;
    for (std::size_t i = 0; fits && i < c.size(); ++i) {
      const Dim& of_c = c[c.size() - 1 - i];
      const Dim& of_y = dims[1 - i];
      fits = of_c.is(1) || !of_c.is_number() || !of_y.is_number() || of_c == of_y;
    }
    if (!fits) throw Error(Fault::malformed, fmt::format("C is {}, expected to broadcast to {}", to_string(c), to_string(dims)));
  }
  return {{dtype, std::move(dims), std::nullopt, std::nullopt}};
}

std::optional<Dims> product_dims(const Fact& a, const Fact& b) {
  for (const Fact* fact : {&a, &b}) {
    if (fact->has_rank() && fact->rank() == 0)
      throw Error(Fault::malformed, "a factor is a scalar, expected a vector or a matrix");
  }
  if (!a.has_rank() || !b.has_rank()) return std::nullopt;
  Dims left = *a.dims, right = *b.dims;
  const bool left_vector = left.size() == 1, right_vector = right.size() == 1;
  if (left_vector) left.insert(left.begin(), Dim(1));
  if (right_vector) right.push_back(Dim(1));
  check_inner(left.back(), right[right.size() - 2], a, b);
  Dims dims = broadcast(Dims(left.begin(), left.end() - 2), Dims(right.begin(), right.end() - 2));
  if (!left_vector) dims.push_back(left[left.size() - 2]);
  if (!right_vector) dims.push_back(right.back());
  return dims;
}

std::vector<Fact> infer(const MatMul&, const Facts& inputs, std::size_t) {
  const auto dtype = common_dtype(inputs, {0, 1});
  return {{dtype, product_dims(inputs[0], inputs[1]), std::nullopt, std::nullopt}};
}

}  // namespace resnet

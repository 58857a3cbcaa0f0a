// Products of matrices, and what works along one axis.
#include <algorithm>

#include "tests/random/recipes.h"

namespace resnet::random {

namespace {

void gemm(Maker& m, ValueId x) {
  x = matrix_of(m, x);
  const std::int64_t inputs = m.sizes(x)[1], outputs = m.draw.chance(50) ? m.draw.between(16, 33) : m.draw.between(1, 15);
  Gemm op;
  op.transB = m.draw.chance(50);
  if (m.draw.chance(20)) op.alpha = 0.5f;
  if (m.draw.chance(20)) op.beta = 2;
  std::vector<ValueId> operands = {x, weights(m, op.transB ? Sizes{outputs, inputs} : Sizes{inputs, outputs}, inputs)};
  if (m.draw.chance(70)) operands.push_back(m.constant(m.draw.chance(80) ? Sizes{outputs} : Sizes{1}, -0.5, 0.5));
  ValueId y = m.add(op, operands);
  if (m.draw.chance(30)) y = activate(m, y);
  m.offer(y);
}

// Both operands computed, or the first transposed.
void gemm_computed(Maker& m, ValueId x) {
  if (m.open) return;
  x = matrix_of(m, x);
  const Sizes sizes = m.sizes(x);
  Gemm op;
  op.transA = m.draw.chance(50);
  const std::int64_t inner = op.transA ? sizes[0] : sizes[1], rows = op.transA ? sizes[1] : sizes[0];
  op.transB = m.draw.chance(50);
  const bool square = (op.transB ? sizes[1] : sizes[0]) == inner;
  const std::int64_t columns = square ? (op.transB ? sizes[0] : sizes[1]) : m.draw.between(1, 8);
  if (rows * columns > 3000) return;
  const ValueId b = square ? x : weights(m, op.transB ? Sizes{columns, inner} : Sizes{inner, columns}, inner);
  std::vector<ValueId> operands = {x, b};
  if (m.draw.chance(50)) operands.push_back(m.constant(m.draw.chance(50) ? Sizes{rows, 1} : Sizes{rows, columns}));
  m.offer(m.add(op, operands));
}

void mat_mul_constant(Maker& m, ValueId x) {
  if (m.rank(x) < 2) x = matrix_of(m, x);
  const Sizes sizes = m.sizes(x);
  const std::int64_t inner = sizes.back(), outputs = m.draw.chance(40) ? m.draw.between(16, 24) : m.draw.between(1, 15);
  ValueId y = m.draw.chance(85) || m.rank(x) < 3 ? m.add(MatMul{}, {x, weights(m, {inner, outputs}, inner)})
                                                 : m.add(MatMul{}, {x, weights(m, {inner}, inner)});
  if (m.draw.chance(25)) y = m.add(Add{}, {y, m.scalar(0.25f)});
  m.offer(y);
}

// x by its own transpose, or its transpose by x: attention.
void mat_mul_computed(Maker& m, ValueId x) {
  const std::size_t rank = m.rank(x);
  if (rank < 2 || (m.open && rank < 3)) return;
  Sizes perm;
  for (std::size_t i = 0; i < rank; ++i) perm.push_back(static_cast<std::int64_t>(i));
  std::swap(perm[rank - 1], perm[rank - 2]);
  ValueId turned = transpose(m, x, perm);
  if (m.draw.chance(30)) turned = m.add(Sigmoid{}, {turned});
  ValueId y = m.draw.chance(50) ? m.add(MatMul{}, {x, turned}) : m.add(MatMul{}, {turned, x});
  if (m.draw.chance(50)) y = m.add(Softmax{}, {m.add(Mul{}, {y, m.scalar(0.1f)})});
  m.offer(y);
}

template <typename Operator>
void softmax(Maker& m, ValueId x) {
  if (m.rank(x) < 1 || (m.open && m.rank(x) < 2)) return;
  Operator op;
  op.axis = m.draw.chance(50) ? -1 : m.either_end(m.free_axis(x), m.rank(x));
  m.offer(m.add(op, {x}));
}

void reduce_mean(Maker& m, ValueId x) {
  const std::size_t rank = m.rank(x);
  ReduceMean op;
  op.keepdims = m.draw.chance(60);
  Sizes axes;
  const bool map = rank == 4 && m.draw.chance(40);
  for (std::size_t i = m.open ? 1 : 0; i < rank; ++i) {
    if (map ? i >= 2 : m.draw.chance(50)) axes.push_back(m.either_end(i, rank));
  }
  if (axes.empty()) {
    if (m.open) return;
    return m.offer(m.add(op, {x}));
  }
  if (m.draw.chance(20)) std::reverse(axes.begin(), axes.end());
  m.offer(m.add(op, {x, m.integers(axes)}));
}

void arg_max(Maker& m, ValueId x) {
  if (m.rank(x) < 1 || (m.open && m.rank(x) < 2)) return;
  const std::size_t axis = m.free_axis(x);
  ArgMax op{.axis = m.either_end(axis, m.rank(x)), .keepdims = m.draw.chance(50), .select_last_index = m.draw.chance(20)};
  const ValueId y = m.add(op, {x});
  m.leave(y);
  if (m.draw.chance(50)) m.offer(m.add(Mul{}, {m.add(Cast{DType::float32}, {y}), m.scalar(0.1f)}));
}

constexpr Recipe recipes[] = {
    {"gemm", 5, gemm},
    {"gemm_computed", 2, gemm_computed},
    {"mat_mul_constant", 5, mat_mul_constant},
    {"mat_mul_computed", 4, mat_mul_computed},
    {"softmax", 3, softmax<Softmax>},
    {"log_softmax", 2, softmax<LogSoftmax>},
    {"reduce_mean", 5, reduce_mean},
    {"arg_max", 2, arg_max},
};

}  // namespace

std::span<const Recipe> matrix_recipes() { return recipes; }

}  // namespace resnet::random

// The product of two matrices, block by block: what Conv, Gemm and MatMul have in common.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "lib/reference/ops/loops.h"

namespace resnet::reference {

// Computes A * B, where A (rows x inner, row-major) lies in memory as numbers to sum in (double, or an unsigned integer that
// wraps around) and B (inner x columns) is fetched in blocks. Each element is summed along `inner` in order, so that it has the
// same bits whatever the other rows and columns are. Keeps its memory from one product to the next.
template <typename A>
class Multiplier {
 public:
  // fetch(k, k_count, j, j_count, block) writes B's rows [k, k + k_count) and columns [j, j + j_count) to `block`, row-major;
  // store(i, j, sums, count) takes the elements (i, j..j + count) of the product.
  template <typename Fetch, typename Store>
  void run(const A* a, std::int64_t rows, std::int64_t inner, std::int64_t columns, const Fetch& fetch, const Store& store) {
    if (rows == 0 || columns == 0) return;
    const std::int64_t width = std::min(columns, block_columns);
    block_.resize(static_cast<std::size_t>(width * std::min(inner, block_rows)));
    for (std::int64_t j = 0; j < columns; j += width) {
      const std::int64_t count = std::min(width, columns - j);
      sums_.assign(static_cast<std::size_t>(rows * count), A{0});
      for (std::int64_t k = 0; k < inner; k += block_rows) {
        const std::int64_t depth = std::min(block_rows, inner - k);
        fetch(k, depth, j, count, block_.data());
        add_product(a + k, inner, rows, depth, count);
      }
      for (std::int64_t i = 0; i < rows; ++i) store(i, j, sums_.data() + i * count, count);
    }
  }

 private:
  // A block of B stays in the second-level cache while all of A's rows pass.
  static constexpr std::int64_t block_rows = 128, block_columns = 256;

  // sums_ += a (rows x depth, its rows `stride` apart) * block_, four rows at a time.
  void add_product(const A* a, std::int64_t stride, std::int64_t rows, std::int64_t depth, std::int64_t count) {
    std::int64_t i = 0;
    for (; i + 4 <= rows; i += 4) {
      A* __restrict sum = sums_.data() + i * count;
      for (std::int64_t k = 0; k < depth; ++k) {
        const A* __restrict b = block_.data() + k * count;
        const A* factors = a + i * stride + k;
        const A f0 = factors[0], f1 = factors[stride], f2 = factors[2 * stride], f3 = factors[3 * stride];
        for (std::int64_t j = 0; j < count; ++j) {
          sum[j] += f0 * b[j];
          sum[count + j] += f1 * b[j];
          sum[2 * count + j] += f2 * b[j];
          sum[3 * count + j] += f3 * b[j];
        }
      }
    }
    for (; i < rows; ++i) {
      A* __restrict sum = sums_.data() + i * count;
      for (std::int64_t k = 0; k < depth; ++k) {
        const A* __restrict b = block_.data() + k * count;
        const A factor = a[i * stride + k];
        for (std::int64_t j = 0; j < count; ++j) sum[j] += factor * b[j];
      }
    }
  }

  std::vector<A> block_, sums_;
};

// One matrix product of a stack: its size, and where its operands and its result begin.
struct MatrixProduct {
  std::int64_t rows, inner, columns;
  std::int64_t a, b, y;
};

// Calls run(product) for each product of MatMul(a, b) = y. y is not empty.
template <typename Run>
void visit_products(const Shape& a, const Shape& b, const Shape& y, const Run& run) {
  std::vector<std::int64_t> left(a.dims().begin(), a.dims().end()), right(b.dims().begin(), b.dims().end());
  if (left.size() == 1) left.insert(left.begin(), 1);
  if (right.size() == 1) right.push_back(1);
  const std::int64_t rows = left[left.size() - 2], inner = left.back(), columns = right.back();
  // The stacks of matrices broadcast as elements do: y's shape without the matrix.
  const Shape left_stack(std::vector<std::int64_t>(left.begin(), left.end() - 2)),
      right_stack(std::vector<std::int64_t>(right.begin(), right.end() - 2));
  const std::size_t matrix_rank = (a.rank() > 1 ? 1 : 0) + (b.rank() > 1 ? 1 : 0);
  const auto stack_dims = y.dims().first(y.rank() - matrix_rank);
  const Shape stack(std::vector<std::int64_t>(stack_dims.begin(), stack_dims.end()));
  std::int64_t at = 0;
  visit_rows<2>(stack.dims(), {broadcast_strides(left_stack, stack), broadcast_strides(right_stack, stack)},
                [&](const auto& offsets, std::int64_t count, const auto& steps) {
                  for (std::int64_t s = 0; s < count; ++s, at += rows * columns) {
                    run(MatrixProduct{rows, inner, columns, (offsets[0] + s * steps[0]) * rows * inner,
                                      (offsets[1] + s * steps[1]) * inner * columns, at});
                  }
                });
}

}  // namespace resnet::reference

#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"
#include "lib/reference/ops/multiply.h"

namespace resnet::reference {

namespace {

// A matrix in memory, row-major or transposed.
template <typename T>
struct Matrix {
  const T* data;
  std::int64_t row_step, column_step;
};

// Integers pass through int64, so that negative ones are extended by their sign before they wrap around.
template <typename T>
Accumulator<T> to_accumulator(T value) {
  if constexpr (is_real<T>) {
    return static_cast<double>(to_number(value));
  } else {
    return static_cast<std::uint64_t>(value);
  }
}

// target (row-major) = rows [i, i + i_count) and columns [j, j + j_count), read along what is contiguous.
template <typename T>
void copy_block(const Matrix<T>& matrix, std::int64_t i, std::int64_t i_count, std::int64_t j, std::int64_t j_count,
                Accumulator<T>* target) {
  const T* source = matrix.data + i * matrix.row_step + j * matrix.column_step;
  if (matrix.column_step == 1) {
    for (std::int64_t p = 0; p < i_count; ++p) {
      for (std::int64_t q = 0; q < j_count; ++q) target[p * j_count + q] = to_accumulator(source[p * matrix.row_step + q]);
    }
  } else {
    for (std::int64_t q = 0; q < j_count; ++q) {
      for (std::int64_t p = 0; p < i_count; ++p) {
        target[p * j_count + q] = to_accumulator(source[p * matrix.row_step + q * matrix.column_step]);
      }
    }
  }
}

// store(i, j, sums, count) takes the product's elements (i, j..j + count).
template <typename T, typename Store>
void multiply(Multiplier<Accumulator<T>>& multiplier, std::vector<Accumulator<T>>& left, const Matrix<T>& a, const Matrix<T>& b,
              std::int64_t rows, std::int64_t inner, std::int64_t columns, const Store& store) {
  left.resize(static_cast<std::size_t>(rows * inner));
  copy_block(a, 0, rows, 0, inner, left.data());
  multiplier.run(
      left.data(), rows, inner, columns,
      [&](std::int64_t k, std::int64_t k_count, std::int64_t j, std::int64_t j_count, Accumulator<T>* block) {
        copy_block(b, k, k_count, j, j_count, block);
      },
      store);
}

// factor * value for integers, where the factor is a float: rounded towards zero.
template <typename T>
std::uint64_t scale_integer(float factor, std::uint64_t value) {
  if (factor == 1.0f) return value;
  // The sum as the type itself has it, so that a negative one is negative.
  const double product = static_cast<double>(factor) * static_cast<double>(static_cast<T>(value));
  constexpr double limit = 9223372036854775808.0;  // 2^63
  if (product >= limit)
    return product >= 2 * limit ? std::numeric_limits<std::uint64_t>::max() : static_cast<std::uint64_t>(product);
  return static_cast<std::uint64_t>(product > -limit ? static_cast<std::int64_t>(product)
                                                     : std::numeric_limits<std::int64_t>::min());
}

}  // namespace

void compute(const Gemm& op, Inputs inputs, Outputs outputs) {
  const Tensor &a = *inputs[0], &b = *inputs[1];
  Tensor& y = outputs[0];
  if (y.elements() == 0) return;
  const std::int64_t rows = y.shape()[0], columns = y.shape()[1], inner = a.shape()[op.transA ? 0 : 1];
  const std::vector<std::int64_t> c_steps =
      has(inputs, 2) ? broadcast_strides(inputs[2]->shape(), y.shape()) : std::vector<std::int64_t>{0, 0};
  dispatch_number(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    using A = Accumulator<T>;
    const T* c = has(inputs, 2) ? inputs[2]->data<T>().data() : nullptr;
    T* target = y.mutable_data<T>().data();
    const Matrix<T> left{a.data<T>().data(), op.transA ? 1 : a.shape()[1], op.transA ? a.shape()[1] : 1};
    const Matrix<T> right{b.data<T>().data(), op.transB ? 1 : b.shape()[1], op.transB ? b.shape()[1] : 1};
    Multiplier<A> multiplier;
    std::vector<A> buffer;
    multiply<T>(multiplier, buffer, left, right, rows, inner, columns,
                [&](std::int64_t i, std::int64_t j, const A* sums, std::int64_t count) {
                  T* row = target + i * columns + j;
                  for (std::int64_t k = 0; k < count; ++k) {
                    A value;
                    if constexpr (is_real<T>) {
                      value = static_cast<double>(op.alpha) * sums[k];
                    } else {
                      value = scale_integer<T>(op.alpha, sums[k]);
                    }
                    if (c != nullptr) {
                      const A addend = to_accumulator(c[i * c_steps[0] + (j + k) * c_steps[1]]);
                      if constexpr (is_real<T>) {
                        value += static_cast<double>(op.beta) * addend;
                      } else {
                        value += scale_integer<T>(op.beta, addend);
                      }
                    }
                    row[k] = to_element<T>(value);
                  }
                });
  });
}

void compute(const MatMul&, Inputs inputs, Outputs outputs) {
  const Tensor &a = *inputs[0], &b = *inputs[1];
  Tensor& y = outputs[0];
  if (y.elements() == 0) return;
  dispatch_number(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    using A = Accumulator<T>;
    const T* a_data = a.data<T>().data();
    const T* b_data = b.data<T>().data();
    T* target = y.mutable_data<T>().data();
    Multiplier<A> multiplier;
    std::vector<A> buffer;
    visit_products(a.shape(), b.shape(), y.shape(), [&](const MatrixProduct& product) {
      const Matrix<T> p{a_data + product.a, product.inner, 1}, q{b_data + product.b, product.columns, 1};
      multiply<T>(multiplier, buffer, p, q, product.rows, product.inner, product.columns,
                  [&](std::int64_t i, std::int64_t j, const A* sums, std::int64_t width) {
                    T* row = target + product.y + i * product.columns + j;
                    for (std::int64_t k = 0; k < width; ++k) row[k] = to_element<T>(sums[k]);
                  });
    });
  });
}

}  // namespace resnet::reference

#include <algorithm>
#include <cmath>

#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

namespace {

template <typename SoftmaxLike>
void normalize(const SoftmaxLike& op, const Tensor& x, Tensor& y, bool log) {
  const Shape& shape = x.shape();
  std::int64_t outer = 1, size = 1, inner = 1;
  if (op.coerce_to_2d) {
    const auto rank = static_cast<std::int64_t>(shape.rank());
    const auto axis = static_cast<std::size_t>(op.axis < 0 ? op.axis + rank : op.axis);
    for (std::size_t i = 0; i < shape.rank(); ++i) (i < axis ? outer : size) *= shape[i];
  } else {
    const std::size_t axis = normalize_axis(op.axis, shape.rank());
    for (std::size_t i = 0; i < axis; ++i) outer *= shape[i];
    for (std::size_t i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
    size = shape[axis];
  }
  dispatch(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    if constexpr (is_real<T>) {
      const T* source = x.data<T>().data();
      T* target = y.mutable_data<T>().data();
      for (std::int64_t o = 0; o < outer; ++o) {
        for (std::int64_t i = 0; i < inner; ++i) {
          const std::int64_t start = o * size * inner + i;
          const auto at = [&](std::int64_t k) { return static_cast<double>(to_number(source[start + k * inner])); };
          double largest = -std::numeric_limits<double>::infinity(), sum = 0;
          for (std::int64_t k = 0; k < size; ++k) largest = std::max(largest, at(k));
          for (std::int64_t k = 0; k < size; ++k) sum += std::exp(at(k) - largest);
          for (std::int64_t k = 0; k < size; ++k) {
            const double value = log ? at(k) - largest - std::log(sum) : std::exp(at(k) - largest) / sum;
            target[start + k * inner] = T(static_cast<Number<T>>(value));
          }
        }
      }
    } else {
      unsupported_dtype(dtype_of<T>());
    }
  });
}

}  // namespace

void compute(const Softmax& op, Inputs inputs, Outputs outputs) { normalize(op, *inputs[0], outputs[0], false); }
void compute(const LogSoftmax& op, Inputs inputs, Outputs outputs) { normalize(op, *inputs[0], outputs[0], true); }

}  // namespace resnet::reference

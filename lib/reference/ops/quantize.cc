#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

namespace {

// Calls run(begin, count, scale index) over x in order: stretches of elements that share a scale.
template <typename Run>
void visit_stretches(const Shape& x, const Shape& scale, std::int64_t axis_attribute, std::int64_t block_size, const Run& run) {
  if (scale.elements() == 1 && scale.rank() <= 1) {
    run(0, x.elements(), 0);
    return;
  }
  const std::size_t axis = normalize_axis(axis_attribute, x.rank());
  std::int64_t outer = 1, inner = 1;
  for (std::size_t i = 0; i < axis; ++i) outer *= x[i];
  for (std::size_t i = axis + 1; i < x.rank(); ++i) inner *= x[i];
  const std::int64_t size = x[axis];
  const std::int64_t blocks = block_size > 0 ? (size + block_size - 1) / block_size : 0;
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t a = 0; a < size; ++a) {
      const std::int64_t begin = (o * size + a) * inner;
      if (block_size == 0) {
        run(begin, inner, a);
      } else {
        for (std::int64_t i = 0; i < inner; ++i) run(begin + i, 1, (o * blocks + a / block_size) * inner + i);
      }
    }
  }
}

}  // namespace

void compute(const QuantizeLinear& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  const auto scales = inputs[1]->values_as<float>();
  const auto zero_points = list_of(inputs, 2);
  dispatch(x.dtype(), [&](auto from) {
    using From = decltype(from);
    dispatch(outputs[0].dtype(), [&](auto to) {
      using To = decltype(to);
      if constexpr (std::is_integral_v<To> && sizeof(To) <= 2 && !std::is_same_v<To, bool>) {
        const From* source = x.data<From>().data();
        To* target = outputs[0].mutable_data<To>().data();
        constexpr float least = std::numeric_limits<To>::min(), most = std::numeric_limits<To>::max();
        visit_stretches(
            x.shape(), inputs[1]->shape(), op.axis, op.block_size,
            [&](std::int64_t begin, std::int64_t count, std::int64_t index) {
              const float scale = scales[static_cast<std::size_t>(index)];
              const float zero_point =
                  zero_points.empty()
                      ? 0.0f
                      : static_cast<float>(zero_points[zero_points.size() == 1 ? 0 : static_cast<std::size_t>(index)]);
              for (std::int64_t i = begin; i < begin + count; ++i) {
                // The default rounding mode is to nearest, ties to even; NaN has no place among integers and becomes the least.
                const float value = std::nearbyint(static_cast<float>(to_number(source[i])) / scale) + zero_point;
                target[i] = static_cast<To>(value >= most ? most : value >= least ? value : least);
              }
            });
      } else {
        unsupported_dtype(dtype_of<To>());
      }
    });
  });
}

void compute(const DequantizeLinear& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  const auto scales = inputs[1]->values_as<float>();
  const auto zero_points = list_of(inputs, 2);
  dispatch(x.dtype(), [&](auto from) {
    using From = decltype(from);
    dispatch(outputs[0].dtype(), [&](auto to) {
      using To = decltype(to);
      if constexpr (std::is_integral_v<From> && is_real<To>) {
        const From* source = x.data<From>().data();
        To* target = outputs[0].mutable_data<To>().data();
        visit_stretches(
            x.shape(), inputs[1]->shape(), op.axis, op.block_size,
            [&](std::int64_t begin, std::int64_t count, std::int64_t index) {
              const float scale = scales[static_cast<std::size_t>(index)];
              const std::int64_t zero_point =
                  zero_points.empty() ? 0 : zero_points[zero_points.size() == 1 ? 0 : static_cast<std::size_t>(index)];
              for (std::int64_t i = begin; i < begin + count; ++i) {
                target[i] =
                    To(static_cast<Number<To>>(static_cast<float>(static_cast<std::int64_t>(source[i]) - zero_point) * scale));
              }
            });
      } else {
        unsupported_dtype(dtype_of<To>());
      }
    });
  });
}

}  // namespace resnet::reference

#include <cmath>

#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

void compute(const ReduceMean& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  const Fact x_fact = Fact::of(x.dtype(), Dims(x.shape().dims().begin(), x.shape().dims().end()));
  Fact axes_fact;
  const Fact* facts[] = {&x_fact, nullptr};
  if (has(inputs, 1)) {
    axes_fact = Fact::constant(*inputs[1]);
    facts[1] = &axes_fact;
  }
  const auto axes = *reduced_axes(op, Facts(facts));
  // Where each element of x goes: along the reduced axes the output does not move.
  std::vector<std::int64_t> kept(x.shape().dims().begin(), x.shape().dims().end());
  std::int64_t count = 1;
  for (const std::size_t axis : axes) {
    count *= kept[axis];
    kept[axis] = 1;
  }
  const auto steps = broadcast_strides(Shape(kept), x.shape());
  dispatch(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_same_v<T, bool>) {
      unsupported_dtype(DType::boolean);
    } else {
      std::vector<Accumulator<T>> sums(static_cast<std::size_t>(outputs[0].elements()), 0);
      const T* source = x.data<T>().data();
      visit_strided(x.shape().dims(), steps, 0, [&](std::int64_t offset) {
        sums[static_cast<std::size_t>(offset)] += static_cast<Accumulator<T>>(to_number(*source++));
      });
      T* target = outputs[0].mutable_data<T>().data();
      for (std::size_t i = 0; i < sums.size(); ++i) {
        if constexpr (is_real<T>) {
          target[i] = T(static_cast<Number<T>>(sums[i] / static_cast<double>(count)));
        } else {
          target[i] = static_cast<T>(count == 0 ? 0 : sums[i] / count);
        }
      }
    }
  });
}

void compute(const ArgMax& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  const std::size_t axis = normalize_axis(op.axis, x.shape().rank());
  std::int64_t outer = 1, inner = 1;
  for (std::size_t i = 0; i < axis; ++i) outer *= x.shape()[i];
  for (std::size_t i = axis + 1; i < x.shape().rank(); ++i) inner *= x.shape()[i];
  const std::int64_t size = x.shape()[axis];
  std::int64_t* target = outputs[0].mutable_data<std::int64_t>().data();
  dispatch(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* source = x.data<T>().data();
    for (std::int64_t o = 0; o < outer; ++o) {
      for (std::int64_t i = 0; i < inner; ++i) {
        const T* column = source + o * size * inner + i;
        std::int64_t best = 0;
        for (std::int64_t k = 1; k < size; ++k) {
          const auto value = to_number(column[k * inner]), so_far = to_number(column[best * inner]);
          if (value > so_far || (op.select_last_index && value == so_far)) best = k;
        }
        *target++ = best;
      }
    }
  });
}

}  // namespace resnet::reference

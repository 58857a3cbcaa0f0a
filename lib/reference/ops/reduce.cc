#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

namespace {

// sum / count in the integer type itself, rounded towards zero as C++ and numpy's conversion of the mean do.
template <typename T>
T mean_of(std::uint64_t sum, std::int64_t count) {
  if (count == 0) return T{0};
  if constexpr (std::is_signed_v<T>) return static_cast<T>(static_cast<std::int64_t>(sum) / count);
  return static_cast<T>(sum / static_cast<std::uint64_t>(count));
}

}  // namespace

void compute(const ReduceMean& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  const Fact x_fact = Fact::of(x.dtype(), Dims(x.shape().dims().begin(), x.shape().dims().end()));
  Fact axes_fact;
  const Fact* facts[] = {&x_fact, nullptr};
  if (has(inputs, 1)) {
    axes_fact = Fact::constant(*inputs[1]);
    facts[1] = &axes_fact;
  }
  const auto axes = reduced_axes(op, Facts(facts));
  // Where each element of x goes: along the reduced axes the output does not move.
  std::vector<std::int64_t> kept(x.shape().dims().begin(), x.shape().dims().end());
  std::int64_t count = 1;
  for (const std::size_t axis : *axes) {
    count *= kept[axis];
    kept[axis] = 1;
  }
  const auto steps_of_y = broadcast_strides(Shape(kept), x.shape());
  dispatch_number(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    using A = Accumulator<T>;
    std::vector<A> sums(static_cast<std::size_t>(outputs[0].elements()), A{0});
    const T* source = x.data<T>().data();
    visit_rows<1>(x.shape().dims(), {steps_of_y}, [&](const auto& offsets, std::int64_t length, const auto& steps) {
      A* row = sums.data() + offsets[0];
      if (steps[0] == 0) {
        A sum = *row;
        for (std::int64_t i = 0; i < length; ++i) sum += static_cast<A>(to_number(source[i]));
        *row = sum;
      } else {
        for (std::int64_t i = 0; i < length; ++i) row[i * steps[0]] += static_cast<A>(to_number(source[i]));
      }
      source += length;
    });
    T* target = outputs[0].mutable_data<T>().data();
    for (std::size_t i = 0; i < sums.size(); ++i) {
      if constexpr (is_real<T>) {
        target[i] = to_element<T>(sums[i] / static_cast<double>(count));
      } else {
        target[i] = mean_of<T>(sums[i], count);
      }
    }
  });
}

void compute(const ArgMax& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  if (outputs[0].elements() == 0) return;
  const AxisSplit split = split_at(x.shape(), normalize_axis(op.axis, x.shape().rank()));
  std::int64_t* target = outputs[0].mutable_data<std::int64_t>().data();
  dispatch_number(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    // NaN is above all numbers, as numpy has it.
    const auto beats = [&](auto value, auto best) {
      if (is_nan(value) || is_nan(best)) return is_nan(value) && (!is_nan(best) || op.select_last_index);
      return op.select_last_index ? value >= best : value > best;
    };
    const T* source = x.data<T>().data();
    for (std::int64_t o = 0; o < split.outer; ++o) {
      for (std::int64_t i = 0; i < split.inner; ++i) {
        const T* column = source + o * split.size * split.inner + i;
        std::int64_t where = 0;
        auto best = to_number(*column);
        for (std::int64_t k = 1; k < split.size; ++k) {
          const auto value = to_number(column[k * split.inner]);
          if (beats(value, best)) {
            best = value;
            where = k;
          }
        }
        *target++ = where;
      }
    }
  });
}

}  // namespace resnet::reference

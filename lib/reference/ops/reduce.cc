#include <algorithm>
#include <cmath>

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

// Where each element of x goes: along the reduced axes the output does not move.
struct Reduced {
  std::vector<std::int64_t> steps;
  std::int64_t count = 1;  // elements of x for one of the output
};
Reduced reduced(bool noop_with_empty_axes, Inputs inputs) {
  const Tensor& x = *inputs[0];
  const Fact x_fact = Fact::of(x.dtype(), Dims(x.shape().dims().begin(), x.shape().dims().end()));
  Fact axes_fact;
  const Fact* facts[] = {&x_fact, nullptr};
  if (has(inputs, 1)) {
    axes_fact = Fact::constant(*inputs[1]);
    facts[1] = &axes_fact;
  }
  const auto axes = reduced_axes(noop_with_empty_axes, Facts(facts));
  std::vector<std::int64_t> kept(x.shape().dims().begin(), x.shape().dims().end());
  Reduced result;
  for (const std::size_t axis : *axes) {
    result.count *= kept[axis];
    kept[axis] = 1;
  }
  result.steps = broadcast_strides(Shape(kept), x.shape());
  return result;
}

// into[place] = merge(into[place], x's element), for every element of x.
template <typename T, typename A, typename Merge>
void accumulate(const Tensor& x, const Reduced& reduced, std::vector<A>& into, const Merge& merge) {
  const T* source = elements<T>(x);
  visit_rows<1>(x.shape().dims(), {reduced.steps}, [&](const auto& offsets, std::int64_t length, const auto& steps) {
    A* row = into.data() + offsets[0];
    if (steps[0] == 0) {
      A sum = *row;
      for (std::int64_t i = 0; i < length; ++i) sum = merge(sum, to_number(source[i]));
      *row = sum;
    } else {
      for (std::int64_t i = 0; i < length; ++i) row[i * steps[0]] = merge(row[i * steps[0]], to_number(source[i]));
    }
    source += length;
  });
}

template <typename T>
void reduce_to_extreme(bool largest, const Tensor& x, const Reduced& reduced, Tensor& y) {
  using N = Number<T>;
  using Limits = std::numeric_limits<N>;
  // Of nothing: the neutral element.
  const N above = Limits::has_infinity ? Limits::infinity() : Limits::max();
  const N below = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
  std::vector<N> best(static_cast<std::size_t>(y.elements()), largest ? below : above);
  accumulate<T>(x, reduced, best, [&](N so_far, N value) {
    if (is_nan(so_far) || is_nan(value)) return is_nan(so_far) ? so_far : value;
    return (largest ? value > so_far : value < so_far) ? value : so_far;
  });
  T* target = elements<T>(y);
  for (std::size_t i = 0; i < best.size(); ++i) target[i] = to_element<T>(best[i]);
}

// log of the sum of exponentials, measured from the largest, so that none overflows.
template <typename T>
std::vector<double> log_sum_exp(const Tensor& x, const Reduced& reduced, std::size_t count) {
  std::vector<double> largest(count, -std::numeric_limits<double>::infinity()), sums(count, 0.0);
  accumulate<T>(x, reduced, largest, [](double a, auto v) { return std::max(a, static_cast<double>(v)); });
  std::vector<double> from = largest;
  for (double& value : from) value = std::isfinite(value) ? value : 0.0;
  // Each sum has a number of its own that it is measured from.
  const T* source = elements<T>(x);
  visit_rows<1>(x.shape().dims(), {reduced.steps}, [&](const auto& offsets, std::int64_t length, const auto& steps) {
    for (std::int64_t i = 0; i < length; ++i) {
      const auto at = static_cast<std::size_t>(offsets[0] + i * steps[0]);
      sums[at] += std::exp(static_cast<double>(to_number(*source++)) - from[at]);
    }
  });
  for (std::size_t i = 0; i < count; ++i) sums[i] = std::log(sums[i]) + from[i];
  return sums;
}

// Everything but the extremes and the exponentials.
template <typename T>
void reduce_to_sum(Reduction reduction, const Tensor& x, const Reduced& reduced, Tensor& y) {
  using A = Accumulator<T>;
  const bool squares = reduction == Reduction::sum_square || reduction == Reduction::l2;
  std::vector<A> sums(static_cast<std::size_t>(y.elements()), reduction == Reduction::prod ? A{1} : A{0});
  if (reduction == Reduction::prod) {
    accumulate<T>(x, reduced, sums, [](A a, auto v) { return a * static_cast<A>(v); });
  } else if (squares) {
    accumulate<T>(x, reduced, sums, [](A a, auto v) { return a + static_cast<A>(v) * static_cast<A>(v); });
  } else if (reduction == Reduction::l1) {
    accumulate<T>(x, reduced, sums,
                  [](A a, auto v) { return a + (v < decltype(v){0} ? A{0} - static_cast<A>(v) : static_cast<A>(v)); });
  } else {
    accumulate<T>(x, reduced, sums, [](A a, auto v) { return a + static_cast<A>(v); });
  }
  T* target = elements<T>(y);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (reduction == Reduction::mean) {
      if constexpr (is_real<T>) {
        target[i] = to_element<T>(sums[i] / static_cast<double>(reduced.count));
      } else {
        target[i] = mean_of<T>(sums[i], reduced.count);
      }
    } else if (reduction == Reduction::l2) {
      target[i] = to_element<T>(std::sqrt(static_cast<double>(sums[i])));
    } else if (reduction == Reduction::log_sum) {
      target[i] = to_element<T>(std::log(static_cast<double>(sums[i])));
    } else {
      target[i] = to_element<T>(sums[i]);
    }
  }
}

}  // namespace

void reduce(Reduction reduction, bool noop_with_empty_axes, Inputs inputs, Tensor& y) {
  const Tensor& x = *inputs[0];
  const Reduced how = reduced(noop_with_empty_axes, inputs);
  const bool extreme = reduction == Reduction::max || reduction == Reduction::min;
  dispatch(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_same_v<T, bool>) {
      if (!extreme) unsupported_dtype(DType::boolean);
      reduce_to_extreme<std::uint8_t>(reduction == Reduction::max, x, how, y);
      for (std::byte& byte : y.mutable_bytes()) byte = byte != std::byte{0} ? std::byte{1} : std::byte{0};
    } else if (extreme) {
      reduce_to_extreme<T>(reduction == Reduction::max, x, how, y);
    } else if (reduction == Reduction::log_sum_exp) {
      const auto values = log_sum_exp<T>(x, how, static_cast<std::size_t>(y.elements()));
      T* target = elements<T>(y);
      for (std::size_t i = 0; i < values.size(); ++i) target[i] = to_element<T>(values[i]);
    } else {
      reduce_to_sum<T>(reduction, x, how, y);
    }
  });
}

namespace {

// Of ArgMax and ArgMin.
template <typename T>
void choose_index(const T& op, bool largest, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  if (outputs[0].elements() == 0) return;
  const AxisSplit split = split_at(x.shape(), normalize_axis(op.axis, x.shape().rank()));
  std::int64_t* target = outputs[0].mutable_data<std::int64_t>().data();
  dispatch_number(x.dtype(), [&](auto zero) {
    using E = decltype(zero);
    // NaN is above all numbers, as numpy has it.
    const auto beats = [&](auto value, auto best) {
      if (is_nan(value) || is_nan(best)) return is_nan(value) && (!is_nan(best) || op.select_last_index);
      if (value == best) return op.select_last_index;
      return (value > best) == largest;
    };
    const E* source = x.data<E>().data();
    for (std::int64_t o = 0; o < split.outer; ++o) {
      for (std::int64_t i = 0; i < split.inner; ++i) {
        const E* column = source + o * split.size * split.inner + i;
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

}  // namespace

void compute(const ArgMax& op, Inputs inputs, Outputs outputs) { choose_index(op, true, inputs, outputs); }
void compute(const ArgMin& op, Inputs inputs, Outputs outputs) { choose_index(op, false, inputs, outputs); }

}  // namespace resnet::reference

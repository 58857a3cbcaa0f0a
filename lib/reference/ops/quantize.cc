#include <algorithm>

#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

namespace {

// Calls run(begin, count, first, step) over x in order: elements [begin, begin + count), of which element i has scale
// first + i * step.
template <typename Run>
void visit_stretches(const Shape& x, const Shape& scale, std::int64_t axis, std::int64_t block_size, const Run& run) {
  if (x.elements() == 0) return;
  if (scale.elements() == 1 && scale.rank() <= 1) {
    run(std::int64_t{0}, x.elements(), std::int64_t{0}, std::int64_t{0});
    return;
  }
  const AxisSplit split = split_at(x, normalize_axis(axis, x.rank()));
  const std::int64_t blocks = block_size > 0 ? split.size / block_size + (split.size % block_size != 0 ? 1 : 0) : 0;
  for (std::int64_t o = 0; o < split.outer; ++o) {
    for (std::int64_t a = 0; a < split.size; ++a) {
      const std::int64_t begin = (o * split.size + a) * split.inner;
      if (block_size > 0) {
        run(begin, split.inner, (o * blocks + a / block_size) * split.inner, std::int64_t{1});
      } else if (split.inner > 1) {
        run(begin, split.inner, a, std::int64_t{0});
      } else {  // the last axis: a scale of its own for each element of a row
        run(begin, split.size, std::int64_t{0}, std::int64_t{1});
        break;
      }
    }
  }
}

// The nearest integer, ties to even, of a number between the bounds of 17 bits and a sign: adding this power of two leaves no
// bits for a fraction.
float round_half_to_even(float value) { return (value + 0x1.8p23f) - 0x1.8p23f; }
double round_half_to_even(double value) { return (value + 0x1.8p52) - 0x1.8p52; }

// 32-bit integers do not fit into a float.
template <typename T>
using Quotient = std::conditional_t<std::is_same_v<Number<T>, float>, float, double>;

template <typename To, typename From>
void quantize(const QuantizeLinear& op, Inputs inputs, Tensor& y) {
  using Q = Quotient<From>;
  const auto scales = inputs[1]->values_as<Q>();
  const auto zero_points = has(inputs, 2) ? inputs[2]->values_as<Q>() : std::vector<Q>(scales.size(), Q{0});
  const From* source = inputs[0]->data<From>().data();
  To* target = y.mutable_data<To>().data();
  constexpr Q least = std::numeric_limits<To>::min(), most = std::numeric_limits<To>::max();
  // Beyond this, every result is saturated.
  constexpr Q bound = 131072;
  const auto apply = [&](From value, Q scale, Q zero_point) {
    const Q quotient = static_cast<Q>(to_number(value)) / scale;
    // NaN has no place among integers and becomes the least, as the comparisons have it.
    const Q bounded = quotient > -bound ? (quotient < bound ? quotient : bound) : -bound;
    const Q rounded = round_half_to_even(bounded) + zero_point;
    return static_cast<To>(static_cast<std::int32_t>(std::clamp(rounded, least, most)));
  };
  visit_stretches(inputs[0]->shape(), inputs[1]->shape(), op.axis, op.block_size,
                  [&](std::int64_t begin, std::int64_t count, std::int64_t first, std::int64_t step) {
                    const From* in = source + begin;
                    To* out = target + begin;
                    const Q* scale = scales.data() + first;
                    const Q* zero_point = zero_points.data() + first;
                    if (step == 0) {
                      const Q one_scale = *scale, one_zero_point = *zero_point;
                      for (std::int64_t i = 0; i < count; ++i) out[i] = apply(in[i], one_scale, one_zero_point);
                    } else {
                      for (std::int64_t i = 0; i < count; ++i) out[i] = apply(in[i], scale[i], zero_point[i]);
                    }
                  });
}

template <typename To, typename From>
void dequantize(const DequantizeLinear& op, Inputs inputs, Tensor& y) {
  // Differences of 32-bit integers need more than 32 bits; narrower ones are exact in a float.
  using D = std::conditional_t<(sizeof(From) < 4), std::int32_t, std::int64_t>;
  const auto scales = inputs[1]->values_as<Number<To>>();
  const auto zero_points = has(inputs, 2) ? inputs[2]->values_as<D>() : std::vector<D>(scales.size(), D{0});
  const From* source = inputs[0]->data<From>().data();
  To* target = y.mutable_data<To>().data();
  const auto apply = [](From value, Number<To> scale, D zero_point) {
    return To(static_cast<Number<To>>(static_cast<D>(value) - zero_point) * scale);
  };
  visit_stretches(inputs[0]->shape(), inputs[1]->shape(), op.axis, op.block_size,
                  [&](std::int64_t begin, std::int64_t count, std::int64_t first, std::int64_t step) {
                    const From* in = source + begin;
                    To* out = target + begin;
                    const auto* scale = scales.data() + first;
                    const D* zero_point = zero_points.data() + first;
                    if (step == 0) {
                      const auto one_scale = *scale;
                      const D one_zero_point = *zero_point;
                      for (std::int64_t i = 0; i < count; ++i) out[i] = apply(in[i], one_scale, one_zero_point);
                    } else {
                      for (std::int64_t i = 0; i < count; ++i) out[i] = apply(in[i], scale[i], zero_point[i]);
                    }
                  });
}

}  // namespace

void compute(const QuantizeLinear& op, Inputs inputs, Outputs outputs) {
  dispatch(inputs[0]->dtype(), [&](auto from) {
    using From = decltype(from);
    if constexpr (is_real<From> || std::is_same_v<From, std::int32_t>) {
      dispatch(outputs[0].dtype(), [&](auto to) {
        using To = decltype(to);
        if constexpr (std::is_integral_v<To> && sizeof(To) <= 2 && !std::is_same_v<To, bool>) {
          quantize<To, From>(op, inputs, outputs[0]);
        } else {
          unsupported_dtype(dtype_of<To>());
        }
      });
    } else {
      unsupported_dtype(dtype_of<From>());
    }
  });
}

void compute(const DequantizeLinear& op, Inputs inputs, Outputs outputs) {
  dispatch(inputs[0]->dtype(), [&](auto from) {
    using From = decltype(from);
    if constexpr (std::is_integral_v<From> && sizeof(From) <= 4 && !std::is_same_v<From, bool>) {
      dispatch_real(outputs[0].dtype(), [&](auto to) { dequantize<decltype(to), From>(op, inputs, outputs[0]); });
    } else {
      unsupported_dtype(dtype_of<From>());
    }
  });
}

}  // namespace resnet::reference

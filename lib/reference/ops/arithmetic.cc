#include <cmath>

#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

namespace {

// y = function(a, b) with broadcasting; y may be a or b itself where their shapes are y's.
template <typename T, typename Function>
void combine(const Tensor& a, const Tensor& b, Tensor& y, const Function& function) {
  if (y.elements() == 0) return;
  const T* a_data = a.data<T>().data();
  const T* b_data = b.data<T>().data();
  T* target = y.mutable_data<T>().data();
  const auto apply = [&](T p, T q) { return to_element<T>(function(to_number(p), to_number(q))); };
  visit_rows<2>(y.shape().dims(), {broadcast_strides(a.shape(), y.shape()), broadcast_strides(b.shape(), y.shape())},
                [&](const auto& offsets, std::int64_t count, const auto& steps) {
                  const T* left = a_data + offsets[0];
                  const T* right = b_data + offsets[1];
                  if (steps[0] == 1 && steps[1] == 1) {
                    for (std::int64_t i = 0; i < count; ++i) target[i] = apply(left[i], right[i]);
                  } else if (steps[0] == 1 && steps[1] == 0) {
                    const T q = *right;
                    for (std::int64_t i = 0; i < count; ++i) target[i] = apply(left[i], q);
                  } else if (steps[0] == 0 && steps[1] == 1) {
                    const T p = *left;
                    for (std::int64_t i = 0; i < count; ++i) target[i] = apply(p, right[i]);
                  } else {
                    for (std::int64_t i = 0; i < count; ++i) target[i] = apply(left[i * steps[0]], right[i * steps[1]]);
                  }
                  target += count;
                });
}

// Integers wrap around, as in every runtime; they are computed unsigned so that this is defined, and in at least 32 bits, since
// narrower types would be promoted to int, where a product can overflow.
template <typename N, typename Function>
N wrapped(N a, N b, const Function& function) {
  if constexpr (std::is_integral_v<N>) {
    using U = std::conditional_t<(sizeof(N) < 4), std::uint32_t, std::make_unsigned_t<N>>;
    return static_cast<N>(function(static_cast<U>(a), static_cast<U>(b)));
  } else {
    return function(a, b);
  }
}

template <typename Function>
void combine_wrapped(Inputs inputs, Tensor& y, const Function& function) {
  dispatch_number(y.dtype(), [&](auto zero) {
    combine<decltype(zero)>(*inputs[0], *inputs[1], y, [&](auto a, auto b) { return wrapped(a, b, function); });
  });
}

}  // namespace

void compute(const Add&, Inputs inputs, Outputs outputs) {
  combine_wrapped(inputs, outputs[0], [](auto a, auto b) { return a + b; });
}
void compute(const Sub&, Inputs inputs, Outputs outputs) {
  combine_wrapped(inputs, outputs[0], [](auto a, auto b) { return a - b; });
}
void compute(const Mul&, Inputs inputs, Outputs outputs) {
  combine_wrapped(inputs, outputs[0], [](auto a, auto b) { return a * b; });
}

void compute(const Div&, Inputs inputs, Outputs outputs) {
  dispatch_number(outputs[0].dtype(), [&](auto zero) {
    combine<decltype(zero)>(*inputs[0], *inputs[1], outputs[0], [](auto a, auto b) {
      using N = decltype(a);
      if constexpr (std::is_integral_v<N>) {
        if (b == 0) throw Error(Fault::malformed, "divides an integer by zero");
        // The least number has no negative of its own and wraps around to itself.
        if constexpr (std::is_signed_v<N>) {
          if (b == -1) return wrapped(N{0}, a, [](auto p, auto q) { return p - q; });
        }
      }
      return static_cast<N>(a / b);
    });
  });
}

namespace {

// Calls visit(number in row-major order of y, element) for every input, broadcast to y.
template <typename T, typename Visit>
void visit_broadcast(const Tensor& input, const Shape& shape, const Visit& visit) {
  const T* source = input.data<T>().data();
  std::size_t place = 0;
  visit_rows<1>(shape.dims(), {broadcast_strides(input.shape(), shape)},
                [&](const auto& offsets, std::int64_t count, const auto& steps) {
                  const T* row = source + offsets[0];
                  for (std::int64_t i = 0; i < count; ++i) visit(place++, to_number(row[i * steps[0]]));
                });
}

// The sum of all inputs divided by `divisor`.
void add_all(Inputs inputs, Tensor& y, double divisor) {
  if (y.elements() == 0) return;
  dispatch_real(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    std::vector<double> sums(static_cast<std::size_t>(y.elements()), 0.0);
    for (const Tensor* input : inputs) {
      visit_broadcast<T>(*input, y.shape(), [&](std::size_t i, auto value) { sums[i] += static_cast<double>(value); });
    }
    T* target = y.mutable_data<T>().data();
    for (std::size_t i = 0; i < sums.size(); ++i) target[i] = to_element<T>(sums[i] / divisor);
  });
}

template <typename Beats>
void choose(Inputs inputs, Tensor& y, const Beats& beats) {
  if (y.elements() == 0) return;
  dispatch_number(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    std::vector<Number<T>> best(static_cast<std::size_t>(y.elements()));
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      visit_broadcast<T>(*inputs[k], y.shape(), [&](std::size_t i, auto value) {
        // NaN is handed on.
        if (k == 0 || is_nan(value) || (!is_nan(best[i]) && beats(value, best[i]))) best[i] = value;
      });
    }
    T* target = y.mutable_data<T>().data();
    for (std::size_t i = 0; i < best.size(); ++i) target[i] = to_element<T>(best[i]);
  });
}

// base to the power of `exponent`, wrapping around; 0 for what is below 1, as of 1 / base without its fraction.
template <typename N>
N integer_power(N base, std::int64_t exponent) {
  if (exponent < 0) {
    if (base == N{1}) return base;
    if constexpr (std::is_signed_v<N>) {
      if (base == N{-1}) return exponent % 2 == 0 ? N{1} : base;
    }
    return N{0};
  }
  std::uint64_t result = 1, power = static_cast<std::uint64_t>(base);
  for (auto rest = static_cast<std::uint64_t>(exponent); rest > 0; rest >>= 1, power *= power) {
    if ((rest & 1) != 0) result *= power;
  }
  return static_cast<N>(result);
}

template <typename N>
N modulo(N a, N b, bool fmod) {
  if constexpr (std::is_integral_v<N>) {
    if (b == 0) throw Error(Fault::malformed, "divides an integer by zero");
    if constexpr (std::is_signed_v<N>) {
      if (b == N{-1}) return N{0};
    }
    const N rest = static_cast<N>(a % b);
    return !fmod && rest != 0 && (rest < 0) != (b < 0) ? static_cast<N>(rest + b) : rest;
  } else {
    const N rest = std::fmod(a, b);
    return !fmod && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  }
}

}  // namespace

void compute(const Sum&, Inputs inputs, Outputs outputs) { add_all(inputs, outputs[0], 1); }
void compute(const Mean&, Inputs inputs, Outputs outputs) { add_all(inputs, outputs[0], static_cast<double>(inputs.size())); }
void compute(const Max&, Inputs inputs, Outputs outputs) {
  choose(inputs, outputs[0], [](auto value, auto best) { return value > best; });
}
void compute(const Min&, Inputs inputs, Outputs outputs) {
  choose(inputs, outputs[0], [](auto value, auto best) { return value < best; });
}

void compute(const Pow&, Inputs inputs, Outputs outputs) {
  const Tensor &x = *inputs[0], &exponents = *inputs[1];
  Tensor& y = outputs[0];
  if (y.elements() == 0) return;
  const bool whole = !is_floating_point(exponents.dtype());
  const auto integers = whole ? exponents.values_as<std::int64_t>() : std::vector<std::int64_t>{};
  const auto reals = exponents.values_as<double>();
  dispatch_number(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    using N = Number<T>;
    const T* source = x.data<T>().data();
    T* target = y.mutable_data<T>().data();
    visit_rows<2>(y.shape().dims(), {broadcast_strides(x.shape(), y.shape()), broadcast_strides(exponents.shape(), y.shape())},
                  [&](const auto& offsets, std::int64_t count, const auto& steps) {
                    for (std::int64_t i = 0; i < count; ++i) {
                      const N base = to_number(source[offsets[0] + i * steps[0]]);
                      const auto k = static_cast<std::size_t>(offsets[1] + i * steps[1]);
                      if constexpr (std::is_integral_v<N>) {
                        if (whole) {
                          *target++ = to_element<T>(integer_power(base, integers[k]));
                          continue;
                        }
                      }
                      *target++ = to_element<T>(std::pow(static_cast<double>(base), reals[k]));
                    }
                  });
  });
}

void compute(const Mod& op, Inputs inputs, Outputs outputs) {
  dispatch_number(outputs[0].dtype(), [&](auto zero) {
    combine<decltype(zero)>(*inputs[0], *inputs[1], outputs[0], [&](auto a, auto b) { return modulo(a, b, op.fmod); });
  });
}

void compute(const PRelu&, Inputs inputs, Outputs outputs) {
  dispatch_number(outputs[0].dtype(), [&](auto zero) {
    combine<decltype(zero)>(*inputs[0], *inputs[1], outputs[0], [](auto x, auto slope) {
      return x < decltype(x){0} ? wrapped(x, slope, [](auto p, auto q) { return p * q; }) : x;
    });
  });
}

}  // namespace resnet::reference

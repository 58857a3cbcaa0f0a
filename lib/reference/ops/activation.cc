#include <cmath>

#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

namespace {

// y[i] = function(x[i]).
template <typename T, typename Function>
void map_elements(const Tensor& x, Tensor& y, const Function& function) {
  const auto source = x.data<T>();
  const auto target = y.mutable_data<T>();
  for (std::size_t i = 0; i < source.size(); ++i) target[i] = to_element<T>(function(to_number(source[i])));
}

}  // namespace

void compute(const Relu&, Inputs inputs, Outputs outputs) {
  dispatch_number(inputs[0]->dtype(), [&](auto zero) {
    // NaN stays NaN.
    map_elements<decltype(zero)>(*inputs[0], outputs[0], [](auto v) { return v < decltype(v){0} ? decltype(v){0} : v; });
  });
}

void compute(const Clip&, Inputs inputs, Outputs outputs) {
  dispatch_number(inputs[0]->dtype(), [&](auto zero) {
    using T = decltype(zero);
    using N = Number<T>;
    using Limits = std::numeric_limits<N>;
    N least = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
    N most = Limits::has_infinity ? Limits::infinity() : Limits::max();
    if (has(inputs, 1)) least = to_number(inputs[1]->data<T>()[0]);
    if (has(inputs, 2)) most = to_number(inputs[2]->data<T>()[0]);
    // As min(max, max(x, min)) of numbers that hand a NaN on: with min above max, max wins.
    if (is_nan(least)) most = least;
    if (is_nan(most)) {
      map_elements<T>(*inputs[0], outputs[0], [&](N) { return most; });
      return;
    }
    map_elements<T>(*inputs[0], outputs[0], [&](N v) {
      v = v < least ? least : v;
      return v > most ? most : v;
    });
  });
}

void compute(const Abs&, Inputs inputs, Outputs outputs) {
  dispatch_number(inputs[0]->dtype(), [&](auto zero) {
    map_elements<decltype(zero)>(*inputs[0], outputs[0], [](auto v) {
      using N = decltype(v);
      if constexpr (std::is_unsigned_v<N>) return v;
      if constexpr (std::is_floating_point_v<N>) return std::abs(v);
      // The least number has no positive of its own and wraps around to itself.
      return static_cast<N>(v < N{0} ? ~static_cast<std::uint64_t>(v) + 1 : static_cast<std::uint64_t>(v));
    });
  });
}

void compute(const Neg&, Inputs inputs, Outputs outputs) {
  dispatch_number(inputs[0]->dtype(), [&](auto zero) {
    map_elements<decltype(zero)>(*inputs[0], outputs[0], [](auto v) {
      using N = decltype(v);
      if constexpr (std::is_floating_point_v<N>) return -v;
      return static_cast<N>(~static_cast<std::uint64_t>(v) + 1);
    });
  });
}

void compute(const Sign&, Inputs inputs, Outputs outputs) {
  dispatch_number(inputs[0]->dtype(), [&](auto zero) {
    map_elements<decltype(zero)>(*inputs[0], outputs[0], [](auto v) {
      using N = decltype(v);
      if (is_nan(v)) return v;
      if constexpr (std::is_signed_v<N> || std::is_floating_point_v<N>) {
        if (v < N{0}) return static_cast<N>(-1);
      }
      return static_cast<N>(v > N{0} ? 1 : 0);
    });
  });
}

void apply(double (*formula)(const void*, double), const void* op, const Tensor& x, Tensor& y) {
  dispatch_real(x.dtype(), [&](auto zero) {
    map_elements<decltype(zero)>(x, y, [&](auto v) { return formula(op, static_cast<double>(v)); });
  });
}

}  // namespace resnet::reference

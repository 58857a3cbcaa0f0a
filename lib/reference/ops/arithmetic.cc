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

void compute(const Sum&, Inputs inputs, Outputs outputs) {
  Tensor& y = outputs[0];
  dispatch_real(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    std::vector<double> sums(static_cast<std::size_t>(y.elements()), 0.0);
    for (const Tensor* input : inputs) {
      const T* source = input->data<T>().data();
      double* sum = sums.data();
      visit_rows<1>(y.shape().dims(), {broadcast_strides(input->shape(), y.shape())},
                    [&](const auto& offsets, std::int64_t count, const auto& steps) {
                      const T* row = source + offsets[0];
                      for (std::int64_t i = 0; i < count; ++i) *sum++ += static_cast<double>(to_number(row[i * steps[0]]));
                    });
    }
    T* target = y.mutable_data<T>().data();
    for (std::size_t i = 0; i < sums.size(); ++i) target[i] = to_element<T>(sums[i]);
  });
}

}  // namespace resnet::reference

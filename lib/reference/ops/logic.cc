#include <cmath>

#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

namespace {

// Elements of a bool tensor come from files as bytes, of which any but 0 is true.
template <typename T>
using Stored = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>;
template <typename T>
auto value_of(Stored<T> element) {
  if constexpr (std::is_same_v<T, bool>) return element != 0;
  if constexpr (!std::is_same_v<T, bool>) return to_number(element);
}

// y = compare(a, b), as bool, for operands of type T.
template <typename T, typename Compare>
void compare_as(const Tensor& a, const Tensor& b, Tensor& y, const Compare& compare) {
  const auto *left = elements<Stored<T>>(a), *right = elements<Stored<T>>(b);
  auto* target = elements<std::uint8_t>(y);
  visit_rows<2>(y.shape().dims(), {broadcast_strides(a.shape(), y.shape()), broadcast_strides(b.shape(), y.shape())},
                [&](const auto& offsets, std::int64_t count, const auto& steps) {
                  for (std::int64_t i = 0; i < count; ++i) {
                    *target++ =
                        compare(value_of<T>(left[offsets[0] + i * steps[0]]), value_of<T>(right[offsets[1] + i * steps[1]]));
                  }
                });
}

template <typename Compare>
void compare(Inputs inputs, Tensor& y, const Compare& compare) {
  if (y.elements() == 0) return;
  dispatch(inputs[0]->dtype(), [&](auto zero) { compare_as<decltype(zero)>(*inputs[0], *inputs[1], y, compare); });
}

}  // namespace

void compute(const Equal&, Inputs inputs, Outputs outputs) {
  compare(inputs, outputs[0], [](auto a, auto b) { return a == b; });
}
void compute(const Greater&, Inputs inputs, Outputs outputs) {
  compare(inputs, outputs[0], [](auto a, auto b) { return a > b; });
}
void compute(const GreaterOrEqual&, Inputs inputs, Outputs outputs) {
  compare(inputs, outputs[0], [](auto a, auto b) { return a >= b; });
}
void compute(const Less&, Inputs inputs, Outputs outputs) {
  compare(inputs, outputs[0], [](auto a, auto b) { return a < b; });
}
void compute(const LessOrEqual&, Inputs inputs, Outputs outputs) {
  compare(inputs, outputs[0], [](auto a, auto b) { return a <= b; });
}
void compute(const And&, Inputs inputs, Outputs outputs) {
  if (outputs[0].elements() > 0) compare_as<bool>(*inputs[0], *inputs[1], outputs[0], [](bool a, bool b) { return a && b; });
}
void compute(const Or&, Inputs inputs, Outputs outputs) {
  if (outputs[0].elements() > 0) compare_as<bool>(*inputs[0], *inputs[1], outputs[0], [](bool a, bool b) { return a || b; });
}
void compute(const Xor&, Inputs inputs, Outputs outputs) {
  if (outputs[0].elements() > 0) compare_as<bool>(*inputs[0], *inputs[1], outputs[0], [](bool a, bool b) { return a != b; });
}
void compute(const Not&, Inputs inputs, Outputs outputs) {
  const auto source = inputs[0]->bytes();
  auto* target = elements<std::uint8_t>(outputs[0]);
  for (std::size_t i = 0; i < source.size(); ++i) target[i] = source[i] == std::byte{0};
}

namespace {

template <typename Predicate>
void ask_each(Inputs inputs, Outputs outputs, const Predicate& holds) {
  auto* target = elements<std::uint8_t>(outputs[0]);
  const Tensor& x = *inputs[0];
  if (x.elements() == 0) return;
  dispatch(x.dtype(), [&](auto zero) {
    for (const auto value : x.data<decltype(zero)>()) *target++ = holds(static_cast<double>(to_number(value))) ? 1 : 0;
  });
}

}  // namespace

void compute(const IsNaN&, Inputs inputs, Outputs outputs) {
  ask_each(inputs, outputs, [](double x) { return std::isnan(x); });
}
void compute(const IsInf& op, Inputs inputs, Outputs outputs) {
  ask_each(inputs, outputs, [&](double x) { return std::isinf(x) && (x < 0 ? op.detect_negative : op.detect_positive); });
}

void compute(const Where&, Inputs inputs, Outputs outputs) {
  Tensor& y = outputs[0];
  if (y.elements() == 0) return;
  const Shape& shape = y.shape();
  dispatch_size(y.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto* condition = elements<std::uint8_t>(*inputs[0]);
    const T *chosen = elements<T>(*inputs[1]), *other = elements<T>(*inputs[2]);
    T* target = elements<T>(y);
    visit_rows<3>(shape.dims(),
                  {broadcast_strides(inputs[0]->shape(), shape), broadcast_strides(inputs[1]->shape(), shape),
                   broadcast_strides(inputs[2]->shape(), shape)},
                  [&](const auto& offsets, std::int64_t count, const auto& steps) {
                    for (std::int64_t i = 0; i < count; ++i) {
                      const bool holds = condition[offsets[0] + i * steps[0]] != 0;
                      *target++ = holds ? chosen[offsets[1] + i * steps[1]] : other[offsets[2] + i * steps[2]];
                    }
                  });
  });
}

}  // namespace resnet::reference

#include <algorithm>
#include <bit>
#include <cmath>

#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

namespace {

// The float next to `value`, rounded so that a second rounding to fewer bits gives what one rounding would have given: towards
// zero, the last bit set where something was lost ("round to odd").
float round_to_odd(double value) {
  const float nearest = static_cast<float>(value);
  const double back = static_cast<double>(nearest);
  if (back == value || std::isnan(value)) return nearest;
  if (std::isinf(nearest)) return nearest;
  float truncated = nearest;
  if (std::abs(back) > std::abs(value)) truncated = std::nextafter(nearest, 0.0f);
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(truncated) | 1u);
}

// The same of an integer: what lies below its leading 32 bits only shows whether something was lost.
template <typename N>
float round_to_odd_integer(N value) {
  const bool negative = value < N{0};
  std::uint64_t magnitude = static_cast<std::uint64_t>(value);
  if (negative) magnitude = ~magnitude + 1;
  const int shift = std::max(static_cast<int>(std::bit_width(magnitude)) - 32, 0);
  const std::uint64_t lost = magnitude & ((std::uint64_t{1} << shift) - 1);
  const double leading = std::ldexp(static_cast<double>((magnitude >> shift) | (lost != 0 ? 1u : 0u)), shift);
  return round_to_odd(negative ? -leading : leading);
}

// A number as an element of another type. Floats lose their fraction on the way to an integer and saturate (C++ and ONNX leave
// undefined what is out of range); NaN is 0. Integers keep their low bits.
template <typename To, typename From>
To convert(From value) {
  if constexpr (std::is_same_v<To, bool>) {
    return value != From{0};
  } else if constexpr (std::is_same_v<To, Float16> || std::is_same_v<To, BFloat16>) {
    if constexpr (std::is_same_v<From, float> || std::is_same_v<From, bool>) return To(static_cast<float>(value));
    if constexpr (std::is_same_v<From, double>) return To(round_to_odd(value));
    return To(round_to_odd_integer(value));
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    using Limits = std::numeric_limits<To>;
    // One above the largest, a power of two and so exact; the least is one, too, or 0.
    const From above = std::ldexp(From{1}, Limits::digits);
    const From truncated = std::trunc(value);
    if (std::isnan(value)) return To{0};
    if (truncated >= above) return Limits::max();
    if (truncated <= static_cast<From>(Limits::min())) return Limits::min();
    return static_cast<To>(truncated);
  } else {
    return static_cast<To>(value);
  }
}

// Elements of a bool tensor come from files as bytes, of which any but 0 is true.
template <typename From, typename To>
void cast(const Tensor& x, Tensor& y) {
  const auto target = y.mutable_data<To>();
  if constexpr (std::is_same_v<From, bool>) {
    const auto source = x.bytes();
    for (std::size_t i = 0; i < source.size(); ++i) target[i] = convert<To>(source[i] != std::byte{0});
  } else {
    const auto source = x.data<From>();
    for (std::size_t i = 0; i < source.size(); ++i) target[i] = convert<To>(to_number(source[i]));
  }
}

}  // namespace

void compute(const ConstantOfShape& op, Inputs, Outputs outputs) {
  const auto target = outputs[0].mutable_bytes();
  const auto value = op.value.bytes();
  for (std::size_t i = 0; i < target.size(); i += value.size()) std::memcpy(target.data() + i, value.data(), value.size());
}

void compute(const ShapeOf& op, Inputs inputs, Outputs outputs) {
  const auto dims = inputs[0]->shape().dims();
  const auto rank = static_cast<std::int64_t>(dims.size());
  // Clamped as infer() does, which gave the output its size.
  const std::int64_t start = std::max<std::int64_t>(op.start < 0 ? std::max(op.start, -rank) + rank : op.start, 0);
  const auto target = outputs[0].mutable_data<std::int64_t>();
  for (std::size_t i = 0; i < target.size(); ++i) target[i] = dims[static_cast<std::size_t>(start) + i];
}

void compute(const Cast& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  if (x.dtype() == op.to && op.to != DType::boolean) {
    copy_bytes(x, outputs[0]);
    return;
  }
  dispatch(x.dtype(), [&](auto from) { dispatch(op.to, [&](auto to) { cast<decltype(from), decltype(to)>(x, outputs[0]); }); });
}

void compute(const Dropout&, Inputs inputs, Outputs outputs) {
  // A training mode that drops nothing is inference; the ratio's default is 0.5.
  const auto any_set = [](const Tensor& tensor) {
    return std::any_of(tensor.bytes().begin(), tensor.bytes().end(), [](std::byte byte) { return byte != std::byte{0}; });
  };
  if (has(inputs, 2) && any_set(*inputs[2])) {
    double ratio = 0.5;
    if (has(inputs, 1)) {
      const auto ratios = inputs[1]->values_as<double>();
      if (ratios.size() != 1) {
        throw Error(Fault::malformed, "ratio is " + inputs[1]->shape().to_string() + ", expected a scalar");
      }
      ratio = ratios.front();
    }
    if (ratio != 0) throw Error(Fault::unsupported, "dropout in training mode cannot run");
  }
  copy_bytes(*inputs[0], outputs[0]);
  if (wants(outputs, 1)) std::memset(outputs[1].mutable_bytes().data(), 1, outputs[1].size_bytes());
}

}  // namespace resnet::reference

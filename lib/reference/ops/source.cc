#include <cmath>
#include <cstring>
#include <limits>

#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

namespace {

// A number as another type. Where C++ leaves a float outside an integer's range undefined, it goes through int64 and wraps; NaN
// is 0.
template <typename To, typename From>
To convert(From value) {
  using N = Number<To>;
  if constexpr (std::is_same_v<To, bool>) {
    return value != From{0};
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<N>) {
    if (std::isnan(value)) return N{0};
    constexpr double limit = 9223372036854775808.0;  // 2^63
    const double truncated = std::trunc(static_cast<double>(value));
    if constexpr (std::is_same_v<N, std::uint64_t>) {
      if (truncated >= limit) return truncated >= 2 * limit ? std::numeric_limits<N>::max() : static_cast<N>(truncated);
    }
    if (truncated >= limit) return static_cast<N>(std::numeric_limits<std::int64_t>::max());
    if (truncated < -limit) return static_cast<N>(std::numeric_limits<std::int64_t>::min());
    return static_cast<N>(static_cast<std::int64_t>(truncated));
  } else if constexpr (std::is_same_v<N, float> && !std::is_same_v<To, float>) {
    return To(static_cast<float>(value));
  } else {
    return static_cast<N>(value);
  }
}

}  // namespace

void compute(const ConstantOfShape& op, Inputs, Outputs outputs) {
  const std::size_t size = size_of(op.value.dtype());
  std::byte* target = outputs[0].mutable_bytes().data();
  for (std::int64_t i = 0; i < outputs[0].elements(); ++i)
    std::memcpy(target + static_cast<std::size_t>(i) * size, op.value.bytes().data(), size);
}

void compute(const ShapeOf& op, Inputs inputs, Outputs outputs) {
  const auto dims = inputs[0]->shape().dims();
  const auto rank = static_cast<std::int64_t>(dims.size());
  const std::int64_t start = std::max<std::int64_t>(0, op.start < 0 ? op.start + rank : op.start);
  const auto target = outputs[0].mutable_data<std::int64_t>();
  for (std::size_t i = 0; i < target.size(); ++i) target[i] = dims[static_cast<std::size_t>(start) + i];
}

void compute(const Cast&, Inputs inputs, Outputs outputs) {
  dispatch(inputs[0]->dtype(), [&](auto from) {
    const auto source = inputs[0]->data<decltype(from)>();
    dispatch(outputs[0].dtype(), [&](auto to) {
      using To = decltype(to);
      const auto target = outputs[0].mutable_data<To>();
      for (std::size_t i = 0; i < source.size(); ++i) target[i] = convert<To>(to_number(source[i]));
    });
  });
}

void compute(const Dropout&, Inputs inputs, Outputs outputs) {
  if (has(inputs, 2) && inputs[2]->values_as<std::int64_t>().at(0) != 0) {
    const double ratio = has(inputs, 1) ? inputs[1]->values_as<double>().at(0) : 0.5;
    if (ratio != 0) throw Error(ErrorKind::unsupported, "dropout in training mode cannot run");
  }
  copy_bytes(*inputs[0], outputs[0]);
  if (outputs.size() > 1) std::memset(outputs[1].mutable_bytes().data(), 1, outputs[1].size_bytes());
}

}  // namespace resnet::reference

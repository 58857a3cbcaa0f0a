// Loops and number types that the evaluator's operators share.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "lib/base/error.h"
#include "lib/reference/reference.h"

namespace resnet::reference {

// What an element type is computed in: 16-bit floats in float, everything else as it is.
template <typename T>
using Number = decltype(to_number(T{}));

template <typename T>
inline constexpr bool is_real = std::is_floating_point_v<Number<T>>;

// What sums of an element type are kept in. Integers are summed unsigned, so that they wrap around as in every runtime.
template <typename T>
using Accumulator = std::conditional_t<is_real<T>, double, std::uint64_t>;

// NaN among floats; no integer is one.
template <typename N>
bool is_nan(N value) {
  if constexpr (std::is_floating_point_v<N>) return std::isnan(value);
  return false;
}

// An operator's result as an element.
template <typename T, typename N>
T to_element(N value) {
  return T(static_cast<Number<T>>(value));
}

[[noreturn]] inline void unsupported_dtype(DType dtype) {
  throw Error(Fault::unsupported, "cannot be computed in " + std::string(name_of(dtype)));
}

// dispatch() for operators that only floats have.
template <typename Handler>
void dispatch_real(DType dtype, const Handler& handler) {
  dispatch(dtype, [&](auto zero) {
    if constexpr (is_real<decltype(zero)>) {
      handler(zero);
    } else {
      unsupported_dtype(dtype_of<decltype(zero)>());
    }
  });
}

// dispatch() for operators that every type but bool has.
template <typename Handler>
void dispatch_number(DType dtype, const Handler& handler) {
  dispatch(dtype, [&](auto zero) {
    if constexpr (std::is_same_v<decltype(zero), bool>) {
      unsupported_dtype(DType::boolean);
    } else {
      handler(zero);
    }
  });
}

// Walks `counts` in row-major order, with `Operands` offsets that move by their strides along each axis, and calls
// visit(offsets, count, steps) for each innermost row. Axes of one element are left out and axes that every operand walks in one
// piece are joined, so that rows are as long as they can be.
template <std::size_t Operands, typename Visit>
void visit_rows(std::span<const std::int64_t> counts, const std::array<std::vector<std::int64_t>, Operands>& strides,
                const Visit& visit) {
  using Offsets = std::array<std::int64_t, Operands>;
  struct Axis {
    std::int64_t count;
    Offsets steps;
  };
  std::vector<Axis> axes;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] <= 0) return;
    if (counts[i] == 1) continue;
    Axis axis{counts[i], {}};
    bool joins = !axes.empty();
    for (std::size_t k = 0; k < Operands; ++k) {
      axis.steps[k] = strides[k][i];
      joins = joins && axes.back().steps[k] == axis.steps[k] * axis.count;
    }
    if (joins) {
      axis.count *= axes.back().count;
      axes.back() = axis;
    } else {
      axes.push_back(axis);
    }
  }
  Axis row{1, {}};
  if (!axes.empty()) {
    row = axes.back();
    axes.pop_back();
  }
  std::vector<std::int64_t> index(axes.size(), 0);
  Offsets offsets{};
  while (true) {
    visit(offsets, row.count, row.steps);
    std::size_t i = axes.size();
    while (true) {
      if (i == 0) return;
      --i;
      for (std::size_t k = 0; k < Operands; ++k) offsets[k] += axes[i].steps[k];
      if (++index[i] < axes[i].count) break;
      for (std::size_t k = 0; k < Operands; ++k) offsets[k] -= axes[i].steps[k] * axes[i].count;
      index[i] = 0;
    }
  }
}

// The strides with which `shape` is read when it broadcasts to `target`: 0 along what repeats.
std::vector<std::int64_t> broadcast_strides(const Shape& shape, const Shape& target);

// A shape seen as (outer, size, inner) around one axis.
struct AxisSplit {
  std::int64_t outer = 1, size = 1, inner = 1;
};
AxisSplit split_at(const Shape& shape, std::size_t axis);

inline bool has(Inputs inputs, std::size_t index) { return index < inputs.size() && inputs[index] != nullptr; }

// The numbers of an optional list input; empty where it is left out.
inline std::vector<std::int64_t> list_of(Inputs inputs, std::size_t index) {
  return has(inputs, index) ? inputs[index]->values_as<std::int64_t>() : std::vector<std::int64_t>{};
}

// Whether output `index` is wanted: it may be left out or empty.
inline bool wants(std::span<const Tensor> outputs, std::size_t index) {
  return index < outputs.size() && outputs[index].elements() > 0;
}

// An unsigned integer of each element size: moving elements needs no more of their type.
template <typename Handler>
void dispatch_size(DType dtype, const Handler& handler) {
  switch (size_of(dtype)) {
    case 1: return handler(std::uint8_t{});
    case 2: return handler(std::uint16_t{});
    case 4: return handler(std::uint32_t{});
    default: return handler(std::uint64_t{});
  }
}
template <typename T>
const T* elements(const Tensor& tensor) {
  return reinterpret_cast<const T*>(tensor.bytes().data());
}
template <typename T>
T* elements(Tensor& tensor) {
  return reinterpret_cast<T*>(tensor.mutable_bytes().data());
}

// y, whose elements lie as those of a tensor of these counts, = x read with these strides from element `start` on.
void copy_strided(const Tensor& x, Tensor& y, std::span<const std::int64_t> counts, std::vector<std::int64_t> strides,
                  std::int64_t start);
inline void copy_strided(const Tensor& x, Tensor& y, std::initializer_list<std::int64_t> counts,
                         std::vector<std::int64_t> strides, std::int64_t start) {
  copy_strided(x, y, std::span<const std::int64_t>(counts.begin(), counts.size()), std::move(strides), start);
}

// Copies the bytes: for operators that only change the shape.
void copy_bytes(const Tensor& from, Tensor& to);

}  // namespace resnet::reference

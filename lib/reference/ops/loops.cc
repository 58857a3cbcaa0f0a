#include "lib/reference/ops/loops.h"

#include <algorithm>

namespace resnet::reference {

std::vector<std::int64_t> broadcast_strides(const Shape& shape, const Shape& target) {
  const std::vector<std::int64_t> own = shape.strides();
  std::vector<std::int64_t> strides(target.rank(), 0);
  const std::size_t lead = target.rank() - shape.rank();
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] != 1) strides[lead + axis] = own[axis];
  }
  return strides;
}

AxisSplit split_at(const Shape& shape, std::size_t axis) {
  AxisSplit split;
  for (std::size_t i = 0; i < axis; ++i) split.outer *= shape[i];
  split.size = shape[axis];
  for (std::size_t i = axis + 1; i < shape.rank(); ++i) split.inner *= shape[i];
  return split;
}

void copy_strided(const Tensor& x, Tensor& y, std::span<const std::int64_t> counts, std::vector<std::int64_t> strides,
                  std::int64_t start) {
  if (y.elements() == 0) return;
  dispatch_size(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* source = elements<T>(x) + start;
    T* target = elements<T>(y);
    visit_rows<1>(counts, {std::move(strides)}, [&](const auto& offsets, std::int64_t count, const auto& steps) {
      const T* row = source + offsets[0];
      if (steps[0] == 1) {
        std::copy_n(row, count, target);
      } else {
        for (std::int64_t i = 0; i < count; ++i) target[i] = row[i * steps[0]];
      }
      target += count;
    });
  });
}

void copy_bytes(const Tensor& from, Tensor& to) {
  if (from.size_bytes() != to.size_bytes()) {
    throw Error(Fault::malformed, "cannot reshape " + from.shape().to_string() + " to " + to.shape().to_string());
  }
  if (from.size_bytes() > 0) std::memmove(to.mutable_bytes().data(), from.bytes().data(), from.size_bytes());
}

}  // namespace resnet::reference

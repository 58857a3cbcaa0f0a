#include <algorithm>
#include <cstring>

#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

namespace {

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

// y = x read with these strides from `start` on, in y's row-major order.
void gather_strided(const Tensor& x, Tensor& y, std::span<const std::int64_t> strides, std::int64_t start) {
  if (y.elements() == 0) return;
  dispatch_size(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* source = elements<T>(x);
    T* target = elements<T>(y);
    visit_strided(y.shape().dims(), strides, start, [&](std::int64_t offset) { *target++ = source[offset]; });
  });
}

// Which element of an axis of `size` a padded position reads; -1 for the constant.
std::int64_t padded_source(Pad::Mode mode, std::int64_t position, std::int64_t size) {
  if (position >= 0 && position < size) return position;
  switch (mode) {
    case Pad::Mode::constant: return -1;
    case Pad::Mode::edge: return position < 0 ? 0 : size - 1;
    case Pad::Mode::reflect: return size == 1 ? 0 : position < 0 ? -position : 2 * (size - 1) - position;
    case Pad::Mode::wrap: return (position % size + size) % size;
  }
  __builtin_unreachable();
}

}  // namespace

void compute(const Transpose& op, Inputs inputs, Outputs outputs) {
  const auto perm = permutation_of(op, inputs[0]->shape().rank());
  const auto own = inputs[0]->shape().strides();
  std::vector<std::int64_t> strides;
  for (const std::size_t axis : perm) strides.push_back(own[axis]);
  gather_strided(*inputs[0], outputs[0], strides, 0);
}

void compute(const Concat& op, Inputs inputs, Outputs outputs) {
  Tensor& y = outputs[0];
  const std::size_t axis = normalize_axis(op.axis, y.shape().rank());
  std::size_t outer = 1, inner = size_of(y.dtype());
  for (std::size_t i = 0; i < axis; ++i) outer *= static_cast<std::size_t>(y.shape()[i]);
  for (std::size_t i = axis + 1; i < y.shape().rank(); ++i) inner *= static_cast<std::size_t>(y.shape()[i]);
  std::byte* target = y.mutable_bytes().data();
  for (std::size_t o = 0; o < outer; ++o) {
    for (const Tensor* input : inputs) {
      const std::size_t length = static_cast<std::size_t>(input->shape()[axis]) * inner;
      if (length == 0) continue;
      std::memcpy(target, input->bytes().data() + o * length, length);
      target += length;
    }
  }
}

void compute(const Slice&, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  const auto ranges = slice_ranges(x.shape(), inputs[1]->values_as<std::int64_t>(), inputs[2]->values_as<std::int64_t>(),
                                   list_of(inputs, 3), list_of(inputs, 4));
  auto strides = x.shape().strides();
  std::int64_t start = 0;
  for (std::size_t axis = 0; axis < ranges.size(); ++axis) {
    start += ranges[axis].start * strides[axis];
    // A step may be huge where only one element is taken.
    strides[axis] = ranges[axis].count <= 1 ? 0 : strides[axis] * ranges[axis].step;
  }
  gather_strided(x, outputs[0], strides, start);
}

void compute(const Pad& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  Tensor& y = outputs[0];
  const auto pads = pads_per_axis(x.shape().rank(), inputs[1]->values_as<std::int64_t>(), list_of(inputs, 3));
  dispatch_size(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T fill{};
    if (has(inputs, 2)) fill = elements<T>(*inputs[2])[0];
    const T* source = elements<T>(x);
    T* target = elements<T>(y);
    const auto strides = x.shape().strides();
    // Per axis: for each output position the offset into x, or -1.
    std::vector<std::vector<std::int64_t>> offsets(x.shape().rank());
    for (std::size_t axis = 0; axis < offsets.size(); ++axis) {
      for (std::int64_t i = 0; i < y.shape()[axis]; ++i) {
        const std::int64_t at = padded_source(op.mode, i - pads[axis].begin, x.shape()[axis]);
        offsets[axis].push_back(at < 0 ? -1 : at * strides[axis]);
      }
    }
    const std::int64_t count = y.elements();
    for (std::int64_t i = 0; i < count; ++i) {
      std::int64_t rest = i, offset = 0;
      bool inside = true;
      for (std::size_t axis = offsets.size(); axis-- > 0;) {
        const std::int64_t size = y.shape()[axis];
        const std::int64_t at = offsets[axis][static_cast<std::size_t>(rest % size)];
        inside = inside && at >= 0;
        offset += at;
        rest /= size;
      }
      target[i] = inside ? source[offset] : fill;
    }
  });
}

void compute(const Gather& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  const std::size_t axis = normalize_axis(op.axis, x.shape().rank());
  std::size_t outer = 1, inner = size_of(x.dtype());
  for (std::size_t i = 0; i < axis; ++i) outer *= static_cast<std::size_t>(x.shape()[i]);
  for (std::size_t i = axis + 1; i < x.shape().rank(); ++i) inner *= static_cast<std::size_t>(x.shape()[i]);
  const std::int64_t size = x.shape()[axis];
  auto indices = inputs[1]->values_as<std::int64_t>();
  for (std::int64_t& index : indices) {
    if (index < -size || index >= size) {
      throw Error(ErrorKind::invalid_model, "index " + std::to_string(index) + " of " + std::to_string(size) + " elements");
    }
    if (index < 0) index += size;
  }
  std::byte* target = outputs[0].mutable_bytes().data();
  if (inner == 0) return;
  for (std::size_t o = 0; o < outer; ++o) {
    const std::byte* block = x.bytes().data() + o * static_cast<std::size_t>(size) * inner;
    for (const std::int64_t index : indices) {
      std::memcpy(target, block + static_cast<std::size_t>(index) * inner, inner);
      target += inner;
    }
  }
}

void compute(const Expand&, Inputs inputs, Outputs outputs) {
  gather_strided(*inputs[0], outputs[0], broadcast_strides(inputs[0]->shape(), outputs[0].shape()), 0);
}

}  // namespace resnet::reference

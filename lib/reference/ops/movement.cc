#include <algorithm>

#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

namespace {

// Which element of an axis of `size` a padded position reads; -1 for the constant.
std::int64_t padded_source(Pad::Mode mode, std::int64_t position, std::int64_t size) {
  if (position >= 0 && position < size) return position;
  switch (mode) {
    case Pad::Mode::constant: return -1;
    case Pad::Mode::edge: return position < 0 ? 0 : size - 1;
    case Pad::Mode::reflect: return position < 0 ? -position : 2 * (size - 1) - position;
    case Pad::Mode::wrap: return (position % size + size) % size;
  }
  __builtin_unreachable();
}

template <typename T>
void pad(const Pad& op, const Tensor& x, const std::vector<AxisPads>& pads, T fill, Tensor& y) {
  const T* source = elements<T>(x);
  T* target = elements<T>(y);
  const std::size_t rank = x.shape().rank();
  if (rank == 0) {
    *target = *source;
    return;
  }
  // Per axis: for each output position the offset into x, or -1.
  const auto strides = x.shape().strides();
  std::vector<std::vector<std::int64_t>> offsets(rank);
  for (std::size_t axis = 0; axis < rank; ++axis) {
    for (std::int64_t i = 0; i < y.shape()[axis]; ++i) {
      const std::int64_t at = padded_source(op.mode, i - pads[axis].begin, x.shape()[axis]);
      offsets[axis].push_back(at < 0 ? -1 : at * strides[axis]);
    }
  }
  const std::vector<std::int64_t>& row = offsets[rank - 1];
  std::vector<std::size_t> position(rank - 1, 0);
  while (true) {
    std::int64_t start = 0;
    bool inside = true;
    for (std::size_t axis = 0; axis + 1 < rank; ++axis) {
      inside = inside && offsets[axis][position[axis]] >= 0;
      start += offsets[axis][position[axis]];
    }
    if (inside) {
      for (const std::int64_t offset : row) *target++ = offset < 0 ? fill : source[start + offset];
    } else {
      target = std::fill_n(target, row.size(), fill);
    }
    std::size_t axis = rank - 1;
    while (true) {
      if (axis == 0) return;
      --axis;
      if (++position[axis] < offsets[axis].size()) break;
      position[axis] = 0;
    }
  }
}

}  // namespace

void compute(const Transpose& op, Inputs inputs, Outputs outputs) {
  const auto own = inputs[0]->shape().strides();
  std::vector<std::int64_t> strides;
  for (const std::size_t axis : permutation_of(op, own.size())) strides.push_back(own[axis]);
  copy_strided(*inputs[0], outputs[0], outputs[0].shape().dims(), std::move(strides), 0);
}

void compute(const Concat& op, Inputs inputs, Outputs outputs) {
  Tensor& y = outputs[0];
  if (y.elements() == 0) return;
  const std::size_t axis = normalize_axis(op.axis, y.shape().rank());
  const AxisSplit split = split_at(y.shape(), axis);
  std::byte* target = y.mutable_bytes().data();
  for (std::int64_t o = 0; o < split.outer; ++o) {
    for (const Tensor* input : inputs) {
      const auto length = static_cast<std::size_t>(input->shape()[axis] * split.inner) * size_of(y.dtype());
      if (length == 0) continue;
      std::memcpy(target, input->bytes().data() + static_cast<std::size_t>(o) * length, length);
      target += length;
    }
  }
}

void compute(const Slice&, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  if (outputs[0].elements() == 0) return;
  const auto ranges = slice_ranges(x.shape(), list_of(inputs, 1), list_of(inputs, 2), list_of(inputs, 3), list_of(inputs, 4));
  auto strides = x.shape().strides();
  std::int64_t start = 0;
  for (std::size_t axis = 0; axis < ranges.size(); ++axis) {
    start += ranges[axis].start * strides[axis];
    // A step may be huge where only one element is taken.
    strides[axis] = ranges[axis].count <= 1 ? 0 : strides[axis] * ranges[axis].step;
  }
  copy_strided(x, outputs[0], outputs[0].shape().dims(), std::move(strides), start);
}

void compute(const Pad& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  if (outputs[0].elements() == 0) return;
  const auto pads = pads_per_axis(x.shape().rank(), list_of(inputs, 1), list_of(inputs, 3));
  dispatch_size(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    pad<T>(op, x, pads, has(inputs, 2) ? elements<T>(*inputs[2])[0] : T{0}, outputs[0]);
  });
}

void compute(const Gather& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  const std::size_t axis = normalize_axis(op.axis, x.shape().rank());
  const AxisSplit split = split_at(x.shape(), axis);
  auto indices = list_of(inputs, 1);
  for (std::int64_t& index : indices) {
    if (index < -split.size || index >= split.size) {
      throw Error(Fault::malformed, "index " + std::to_string(index) + " is out of range for axis " + std::to_string(axis) +
                                        " of " + x.shape().to_string());
    }
    if (index < 0) index += split.size;
  }
  if (outputs[0].elements() == 0) return;
  const std::size_t length = static_cast<std::size_t>(split.inner) * size_of(x.dtype());
  const std::byte* source = x.bytes().data();
  std::byte* target = outputs[0].mutable_bytes().data();
  for (std::int64_t o = 0; o < split.outer; ++o) {
    for (const std::int64_t index : indices) {
      std::memcpy(target, source + static_cast<std::size_t>(o * split.size + index) * length, length);
      target += length;
    }
  }
}

void compute(const Expand&, Inputs inputs, Outputs outputs) {
  copy_strided(*inputs[0], outputs[0], outputs[0].shape().dims(), broadcast_strides(inputs[0]->shape(), outputs[0].shape()), 0);
}

}  // namespace resnet::reference

// A convolution as products of matrices: what Conv and its integer kin have in common.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "lib/reference/ops/loops.h"
#include "lib/reference/ops/multiply.h"

namespace resnet::reference {

// What one spatial axis of a convolution looks like.
struct Axis {
  std::int64_t in, out, kernel, stride, dilation, pad;
};

inline std::vector<Axis> axes_of(const Conv& op, const Shape& x, const Shape& w, const Shape& y) {
  const std::vector<std::int64_t> kernel(w.dims().begin() + 2, w.dims().end());
  const Window window = window_of(op, kernel, Dims(x.dims().begin() + 2, x.dims().end()));
  std::vector<Axis> axes;
  bool pointwise = true;
  for (std::size_t i = 0; i < kernel.size(); ++i) {
    axes.push_back({x[i + 2], y[i + 2], kernel[i], window.strides[i], window.dilations[i], window.pads_begin[i]});
    pointwise = pointwise && kernel[i] == 1 && axes[i].stride == 1 && axes[i].in == axes[i].out;
  }
  if (!pointwise) return axes;
  // Every output looks at its own place only: all axes are one.
  Axis all{1, 1, 1, 1, 1, 0};
  for (const Axis& axis : axes) all.in *= axis.in;
  all.out = all.in;
  return {all};
}

// The matrix of an image's group whose product with the weights is the convolution: row (c, kernel position), column output
// position, as x - zero_point; what lies in the padding is 0.
template <typename T>
class Patches {
 public:
  Patches(const std::vector<Axis>& axes, const T* maps, double zero_point)
      : axes_(axes), maps_(maps), zero_point_(zero_point), position_(axes.size()) {
    for (const Axis& axis : axes_) {
      map_size_ *= axis.in;
      kernel_size_ *= axis.kernel;
    }
  }

  void fetch(std::int64_t k, std::int64_t k_count, std::int64_t j, std::int64_t j_count, double* block) {
    for (std::int64_t row = k; row < k + k_count; ++row, block += j_count) fetch_row(row, j, j_count, block);
  }

 private:
  void fetch_row(std::int64_t row, std::int64_t j, std::int64_t count, double* target) {
    const T* map = maps_ + row / kernel_size_ * map_size_;
    // Where output position 0 of each axis reads: the kernel's element, moved by the padding.
    const std::size_t last = axes_.size() - 1;
    std::int64_t tap = row % kernel_size_;
    std::int64_t rest = j;
    shifts_.resize(axes_.size());
    for (std::size_t i = axes_.size(); i-- > 0;) {
      shifts_[i] = tap % axes_[i].kernel * axes_[i].dilation - axes_[i].pad;
      tap /= axes_[i].kernel;
      position_[i] = rest % axes_[i].out;
      rest /= axes_[i].out;
    }
    const Axis& inner = axes_[last];
    // Outputs [first, end) of a row read inside the input.
    const std::int64_t shift = shifts_[last];
    const std::int64_t first = shift >= 0 ? 0 : (-shift + inner.stride - 1) / inner.stride;
    const std::int64_t end = shift >= inner.in ? 0 : (inner.in - 1 - shift) / inner.stride + 1;
    while (count > 0) {
      std::int64_t offset = 0;
      bool inside = true;
      for (std::size_t i = 0; inside && i < last; ++i) {
        const std::int64_t at = position_[i] * axes_[i].stride + shifts_[i];
        inside = at >= 0 && at < axes_[i].in;
        if (inside) offset = (offset + at) * axes_[i + 1].in;
      }
      const std::int64_t begin = position_[last], length = std::min(inner.out - begin, count), stop = begin + length;
      const std::int64_t from = inside ? std::clamp(first, begin, stop) : stop, to = std::clamp(end, from, stop);
      double* out = target - begin;
      for (std::int64_t i = begin; i < from; ++i) out[i] = 0;
      if (from < to) {
        const T* source = map + offset + shift;
        for (std::int64_t i = from; i < to; ++i) out[i] = static_cast<double>(to_number(source[i * inner.stride])) - zero_point_;
      }
      for (std::int64_t i = to; i < stop; ++i) out[i] = 0;
      target += length;
      count -= length;
      position_[last] = 0;
      for (std::size_t i = last; i-- > 0;) {
        if (++position_[i] < axes_[i].out) break;
        position_[i] = 0;
      }
    }
  }

  const std::vector<Axis>& axes_;
  const T* maps_;
  double zero_point_;
  std::int64_t map_size_ = 1, kernel_size_ = 1;
  std::vector<std::int64_t> position_, shifts_;
};

// x: (N, C, spatial...) of T, each element read as x - x_zero_point; `weights` (of w's shape) as they are to be multiplied. Calls
// store(channel, offset, sums, count) for outputs [offset, offset + count) of y, which lie in one channel's map.
template <typename T, typename Store>
void convolve(const Conv& op, const Tensor& x, double x_zero_point, const Shape& w, const double* weights, const Shape& y,
              const Store& store) {
  if (y.elements() == 0) return;
  const std::vector<Axis> axes = axes_of(op, x.shape(), w, y);
  const std::int64_t batch = x.shape()[0], out_channels = w[0], in_channels = w[1];
  const std::int64_t per_group = out_channels / op.group, out_map = y.elements() / (batch * out_channels);
  std::int64_t in_map = 1, inner = in_channels;
  for (const Axis& axis : axes) {
    in_map *= axis.in;
    inner *= axis.kernel;
  }
  const T* source = x.data<T>().data();
  Multiplier<double> multiplier;
  for (std::int64_t group = 0; group < op.group; ++group) {
    for (std::int64_t n = 0; n < batch; ++n) {
      Patches<T> patches(axes, source + (n * op.group + group) * in_channels * in_map, x_zero_point);
      const std::int64_t first = group * per_group;
      multiplier.run(
          weights + first * inner, per_group, inner, out_map,
          [&](std::int64_t k, std::int64_t k_count, std::int64_t j, std::int64_t j_count, double* block) {
            patches.fetch(k, k_count, j, j_count, block);
          },
          [&](std::int64_t m, std::int64_t j, const double* sums, std::int64_t count) {
            store(first + m, (n * out_channels + first + m) * out_map + j, sums, count);
          });
    }
  }
}

}  // namespace resnet::reference

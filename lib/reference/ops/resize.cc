#include <algorithm>
#include <cmath>

#include "lib/graph/ops/resize_taps.h"
#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

namespace {

using Transformation = Resize::Transformation;

// One axis of `values` resized; the other axes as they are.
std::vector<double> resize_axis(const std::vector<double>& values, std::int64_t outer, std::int64_t inner,
                                const ResizedAxis& axis, const std::vector<ResizeTaps>& taps) {
  std::vector<double> result(static_cast<std::size_t>(outer * axis.out * inner), 0.0);
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t i = 0; i < axis.out; ++i) {
      const ResizeTaps& own = taps[static_cast<std::size_t>(i)];
      double* target = result.data() + (o * axis.out + i) * inner;
      for (std::size_t k = 0; k < own.places.size(); ++k) {
        const double* source = values.data() + (o * axis.in + own.places[k]) * inner;
        for (std::int64_t j = 0; j < inner; ++j) target[j] += own.weights[k] * source[j];
      }
    }
  }
  return result;
}

}  // namespace

void compute(const Resize& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  Tensor& y = outputs[0];
  if (y.elements() == 0) return;
  const auto numbers = [&](std::size_t i) { return has(inputs, i) ? inputs[i]->values_as<double>() : std::vector<double>{}; };
  const auto axes = resized_axes(op, x.shape(), numbers(1), numbers(2), list_of(inputs, 3));
  std::vector<std::vector<ResizeTaps>> taps(axes.size());
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    for (std::int64_t i = 0; i < axes[axis].out; ++i) taps[axis].push_back(resize_taps(op, axes[axis], i));
  }
  std::vector<double> values = x.values_as<double>();
  std::int64_t outer = 1, inner = x.elements();
  bool crops = op.coordinate_transformation_mode == Transformation::tf_crop_and_resize;
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    inner /= axes[axis].in;
    const bool same = axes[axis].in == axes[axis].out && axes[axis].scale == 1 && !crops;
    if (!same) values = resize_axis(values, outer, inner, axes[axis], taps[axis]);
    outer *= axes[axis].out;
  }
  if (crops) {
    inner = y.elements();
    outer = 1;
    for (std::size_t axis = 0; axis < axes.size(); ++axis) {
      inner /= axes[axis].out;
      for (std::int64_t place = 0; place < y.elements(); ++place) {
        if (taps[axis][static_cast<std::size_t>(place / inner % axes[axis].out)].is_outside)
          values[static_cast<std::size_t>(place)] = static_cast<double>(op.extrapolation_value);
      }
    }
  }
  dispatch_number(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* target = y.mutable_data<T>().data();
    for (std::size_t i = 0; i < values.size(); ++i) {
      if constexpr (is_real<T>) {
        target[i] = to_element<T>(values[i]);
      } else {
        using Limits = std::numeric_limits<T>;
        const double least = static_cast<double>(Limits::min()), largest = static_cast<double>(Limits::max());
        target[i] = values[i] >= largest ? Limits::max() : values[i] <= least ? Limits::min() : static_cast<T>(values[i]);
      }
    }
  });
}

}  // namespace resnet::reference

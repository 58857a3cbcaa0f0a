#include <algorithm>
#include <cmath>

#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

namespace {

using Mode = Resize::Mode;
using Transformation = Resize::Transformation;

// The elements of an axis that one of the output is made of, and their weights.
struct Taps {
  std::vector<std::int64_t> places;
  std::vector<double> weights;
  bool is_outside = false;  // of the image: extrapolation_value
};

// Where output `i` lies in the input.
double source_of(const Resize& op, const ResizedAxis& axis, std::int64_t i) {
  const double x = static_cast<double>(i), in = static_cast<double>(axis.in), out = static_cast<double>(axis.out);
  switch (op.coordinate_transformation_mode) {
    case Transformation::half_pixel: return (x + 0.5) / axis.scale - 0.5;
    case Transformation::half_pixel_symmetric: {
      // The image keeps its centre where the size was rounded.
      const double adjustment = out / (axis.scale * in), center = in / 2;
      return center * (1 - adjustment) + (x + 0.5) / axis.scale - 0.5;
    }
    case Transformation::pytorch_half_pixel: return axis.out > 1 ? (x + 0.5) / axis.scale - 0.5 : 0.0;
    case Transformation::align_corners: return axis.out > 1 ? x * (in - 1) / (out - 1) : 0.0;
    case Transformation::asymmetric: return x / axis.scale;
    case Transformation::tf_half_pixel_for_nn: return (x + 0.5) / axis.scale;
    case Transformation::tf_crop_and_resize:
      return axis.out > 1 ? axis.roi_start * (in - 1) + x * (axis.roi_end - axis.roi_start) * (in - 1) / (out - 1)
                          : 0.5 * (axis.roi_start + axis.roi_end) * (in - 1);
  }
  __builtin_unreachable();
}

double nearest_of(Resize::Nearest mode, double x) {
  switch (mode) {
    case Resize::Nearest::round_prefer_floor: return std::ceil(x - 0.5);
    case Resize::Nearest::round_prefer_ceil: return std::floor(x + 0.5);
    case Resize::Nearest::floor: return std::floor(x);
    case Resize::Nearest::ceil: return std::ceil(x);
  }
  __builtin_unreachable();
}

// The kernel's value at a distance.
double kernel_at(const Resize& op, double distance) {
  const double x = std::abs(distance), a = static_cast<double>(op.cubic_coeff_a);
  if (op.mode == Mode::linear) return std::max(0.0, 1 - x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0.0;
}

Taps taps_of(const Resize& op, const ResizedAxis& axis, std::int64_t i) {
  Taps taps;
  const double last = static_cast<double>(axis.in - 1);
  const double source = source_of(op, axis, i);
  taps.is_outside = op.coordinate_transformation_mode == Transformation::tf_crop_and_resize && (source < 0 || source > last);
  if (op.mode == Mode::nearest) {
    taps.places = {static_cast<std::int64_t>(std::clamp(nearest_of(op.nearest_mode, source), 0.0, last))};
    taps.weights = {1};
    return taps;
  }
  // Smaller images are made by a kernel as wide as the step, where antialiasing is wanted.
  const double step = op.antialias && axis.scale < 1 ? 1 / axis.scale : 1.0;
  const double reach = (op.mode == Mode::linear ? 1 : 2) * step;
  const double first = std::floor(source - reach) + 1, end = std::floor(source + reach);
  double sum = 0;
  for (double place = first; place <= end; ++place) {
    const double weight = kernel_at(op, (place - source) / step);
    const bool outside = place < 0 || place > last;
    if (weight == 0 || (op.exclude_outside && outside)) continue;
    taps.places.push_back(static_cast<std::int64_t>(std::clamp(place, 0.0, last)));
    taps.weights.push_back(weight);
    sum += weight;
  }
  for (double& weight : taps.weights) weight /= sum;
  return taps;
}

// One axis of `values` resized; the other axes as they are.
std::vector<double> resize_axis(const std::vector<double>& values, std::int64_t outer, std::int64_t inner,
                                const ResizedAxis& axis, const std::vector<Taps>& taps) {
  std::vector<double> result(static_cast<std::size_t>(outer * axis.out * inner), 0.0);
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t i = 0; i < axis.out; ++i) {
      const Taps& own = taps[static_cast<std::size_t>(i)];
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
  std::vector<std::vector<Taps>> taps(axes.size());
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    for (std::int64_t i = 0; i < axes[axis].out; ++i) taps[axis].push_back(taps_of(op, axes[axis], i));
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

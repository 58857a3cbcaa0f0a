#include "lib/graph/ops/resize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lib/base/error.h"
#include "lib/graph/ops/check.h"
#include "lib/graph/ops/resize_taps.h"

namespace resnet {

namespace {

using Mode = Resize::Mode;
using Transformation = Resize::Transformation;

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

// No image is larger; below it, sizes and positions are exact in double.
constexpr double most = 1e9;
// So many elements beside an image may be in reach of a kernel.
constexpr double widest_beside = 1024;

// The axes that the lists are about.
std::vector<std::size_t> listed_axes(const Resize& op, std::size_t rank) {
  std::vector<std::size_t> axes;
  if (op.axes.empty()) {
    for (std::size_t i = 0; i < rank; ++i) axes.push_back(i);
  }
  for (const std::int64_t axis : op.axes) axes.push_back(normalize_axis(axis, rank));
  return axes;
}

void check_length(const char* what, std::size_t length, std::size_t expected) {
  if (length != expected) throw Error(Fault::malformed, fmt::format("{} has {} entries, expected {}", what, length, expected));
}

// What no image can be resized by; below it, too, where the image's own size is not known.
void check_entries(const std::vector<double>& scales, const std::vector<double>& roi) {
  for (const double scale : scales) {
    if (!(scale > 0)) throw Error(Fault::malformed, fmt::format("scales holds {:g}, expected numbers above 0", scale));
  }
  for (const double place : roi) {
    if (!(std::abs(place) <= most))
      throw Error(Fault::malformed, fmt::format("roi holds {:g}, expected numbers from {} to {}", place, -most, most));
  }
}
void check_size(std::int64_t size) {
  if (size < 0 || static_cast<double>(size) > most)
    throw Error(Fault::malformed, fmt::format("sizes holds {}, expected numbers from 0 to {}", size, most));
}

// Whether an optional list has entries; nothing where that is not known.
std::optional<bool> is_given(const Facts& inputs, std::size_t index) {
  if (!inputs.has(index)) return false;
  const auto shape = inputs[index].shape();
  if (!shape) return std::nullopt;
  return shape->elements() > 0;
}

}  // namespace

std::vector<ResizedAxis> resized_axes(const Resize& op, const Shape& shape, const std::vector<double>& roi,
                                      const std::vector<double>& scales, const std::vector<std::int64_t>& sizes) {
  const std::vector<std::size_t> axes = listed_axes(op, shape.rank());
  if (scales.empty() == sizes.empty()) {
    throw Error(Fault::malformed, scales.empty() ? "has neither scales nor sizes" : "has both scales and sizes, expected one");
  }
  check_length(scales.empty() ? "sizes" : "scales", scales.empty() ? sizes.size() : scales.size(), axes.size());
  const bool crops = op.coordinate_transformation_mode == Resize::Transformation::tf_crop_and_resize;
  if (crops) check_length("roi", roi.size(), 2 * axes.size());
  check_entries(scales, crops ? roi : std::vector<double>{});
  for (const std::int64_t size : sizes) check_size(size);
  std::vector<ResizedAxis> result;
  for (const std::int64_t dim : shape.dims()) result.push_back({dim, dim});
  double common = 0;  // the one factor that keeps the aspect ratio
  const bool keeps_aspect = !sizes.empty() && op.keep_aspect_ratio_policy != Resize::Policy::stretch;
  for (std::size_t i = 0; keeps_aspect && i < axes.size(); ++i) {
    const double factor = static_cast<double>(sizes[i]) / static_cast<double>(std::max<std::int64_t>(shape[axes[i]], 1));
    const bool smaller = op.keep_aspect_ratio_policy == Resize::Policy::not_larger;
    common = i == 0 ? factor : smaller ? std::min(common, factor) : std::max(common, factor);
  }
  for (std::size_t i = 0; i < axes.size(); ++i) {
    ResizedAxis& axis = result[axes[i]];
    if (crops) {
      axis.roi_start = roi[i];
      axis.roi_end = roi[i + axes.size()];
    }
    const double in = static_cast<double>(axis.in);
    double out = 0;
    if (!sizes.empty()) {
      out = keeps_aspect ? std::floor(common * in + 0.5) : static_cast<double>(sizes[i]);
      axis.scale = keeps_aspect ? common : axis.in == 0 ? 1 : out / in;
    } else {
      axis.scale = scales[i];
      out = std::floor(in * (crops ? axis.roi_end - axis.roi_start : 1.0) * axis.scale);
    }
    if (!(out >= 0 && out <= most && in <= most))
      throw Error(Fault::malformed, fmt::format("a size of {} to be resized to {}", in, out));
    // Only where a crop makes up for the scale is a kernel wider than the image that it is laid over.
    if (op.antialias && axis.scale * (2 * in + widest_beside) < 1) {
      throw Error(Fault::unsupported,
                  fmt::format("antialiasing by a scale of {} along an axis of {}, expected at least one element in {}",
                              axis.scale, in, 2 * in + widest_beside));
    }
    axis.out = static_cast<std::int64_t>(out);
    if (axis.in == 0 && axis.out > 0) throw Error(Fault::malformed, "an axis of no elements cannot be resized");
  }
  return result;
}

std::vector<Fact> infer(const Resize& op, const Facts& inputs, std::size_t) {
  const Fact& x = inputs[0];
  Fact fact{x.dtype, std::nullopt, std::nullopt, std::nullopt};
  if (inputs.has(3)) check_dtype(inputs[3], "sizes", {DType::int64});
  if (!x.dims) return {std::move(fact)};
  const auto has_scales = is_given(inputs, 2), has_sizes = is_given(inputs, 3);
  if (!has_scales || !has_sizes) return {std::move(fact)};
  const auto numbers = [&](std::size_t index) -> std::optional<std::vector<double>> {
    if (!is_given(inputs, index).value_or(false)) return std::vector<double>{};
    if (!inputs[index].value) return std::nullopt;
    return inputs[index].value->values_as<double>();
  };
  const auto scales = numbers(2), roi = numbers(1);
  const bool crops = op.coordinate_transformation_mode == Resize::Transformation::tf_crop_and_resize;
  if (!scales || (crops && !roi)) return {std::move(fact)};
  const auto shape = x.shape();
  const auto sizes = *has_sizes ? known_integers(inputs[3]) : std::vector<std::int64_t>{};
  if (shape && sizes) {
    fact.dims.emplace();
    for (const ResizedAxis& axis : resized_axes(op, *shape, roi.value_or(std::vector<double>{}), *scales, *sizes))
      fact.dims->push_back(Dim(axis.out));
    return {std::move(fact)};
  }
  // A batch or sizes that are symbols.
  check_entries(*scales, crops ? *roi : std::vector<double>{});
  if (*has_sizes && inputs[3].elements) {
    for (const Dim& size : *inputs[3].elements) {
      if (size.is_number()) check_size(size.number());
    }
  }
  if (op.keep_aspect_ratio_policy != Resize::Policy::stretch || crops) return {std::move(fact)};
  const std::vector<std::size_t> axes = listed_axes(op, x.rank());
  if (*has_sizes && (!inputs[3].elements || inputs[3].elements->size() != axes.size())) return {std::move(fact)};
  if (!*has_sizes) check_length("scales", scales->size(), axes.size());
  fact.dims = x.dims;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    Dim& dim = (*fact.dims)[axes[i]];
    if (*has_sizes) {
      dim = (*inputs[3].elements)[i];
    } else if (const double scale = (*scales)[i]; scale > 0 && scale <= most && std::floor(scale) == scale) {
      dim = dim * static_cast<std::int64_t>(scale);
    } else if (dim.is_number()) {
      dim = static_cast<std::int64_t>(std::clamp(std::floor(static_cast<double>(dim.number()) * scale), 0.0, most));
    } else {
      dim = Dim::symbol(fmt::format("resize({},{})", dim.to_string(), scale));
    }
  }
  return {std::move(fact)};
}

ResizeTaps resize_taps(const Resize& op, const ResizedAxis& axis, std::int64_t i) {
  ResizeTaps taps;
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
  const auto count = static_cast<std::int64_t>(end - first) + 1;  // counted as integers: far away, a double does not count by one
  double sum = 0;
  for (std::int64_t k = 0; k < count; ++k) {
    const double place = first + static_cast<double>(k);
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

}  // namespace resnet

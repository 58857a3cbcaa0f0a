#include "lib/graph/ops/resize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lib/base/error.h"
#include "lib/graph/ops/check.h"

namespace resnet {

namespace {

// No image is larger; below it, sizes and positions are exact in double.
constexpr double most = 1e9;

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
      if (!(axis.scale > 0)) throw Error(Fault::malformed, fmt::format("scales holds {}, expected numbers above 0", axis.scale));
      out = std::floor(in * (crops ? axis.roi_end - axis.roi_start : 1.0) * axis.scale);
    }
    if (!(out >= 0 && out <= most && in <= most))
      throw Error(Fault::malformed, fmt::format("a size of {} to be resized to {}", in, out));
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

}  // namespace resnet

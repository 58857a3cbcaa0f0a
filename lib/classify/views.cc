#include "lib/classify/views.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/base/error.h"

namespace resnet {

namespace {

void add_ten(const image::Pixels& photo, const Preprocessing& preprocessing, std::vector<image::Pixels>& views) {
  const image::Pixels resized =
      preprocessing.resize ? image::resize_shorter_side(photo, *preprocessing.resize, preprocessing.interpolation) : photo;
  const int crop = preprocessing.crop_size.value_or(std::min(resized.width, resized.height));
  if (resized.width < crop || resized.height < crop) {
    throw Error(ErrorKind::bad_input,
                fmt::format("has {}x{} pixels where ten crops of {} are taken", resized.width, resized.height, crop));
  }
  const int right = resized.width - crop, bottom = resized.height - crop;
  // Of the mirrored photo, not mirrored crops: an odd pixel beside the centre stays on its side, as torchvision has it.
  for (const image::Pixels& side : {resized, image::mirrored(resized)}) {
    for (const auto& [left, top] : {std::pair{0, 0}, {right, 0}, {0, bottom}, {right, bottom}})
      views.push_back(image::crop(side, left, top, crop, crop));
    views.push_back(image::center_crop(side, crop, crop));
  }
}

}  // namespace

std::size_t views_per_photo(const ViewOptions& options) {
  const std::size_t scales = std::max<std::size_t>(1, options.scales.size());
  switch (options.crop) {
    case Crop::center: return scales;
    case Crop::ten: return 10 * scales;
    case Crop::full: return 2 * scales;
  }
  __builtin_unreachable();
}

std::vector<image::Pixels> views_of(const image::Pixels& photo, const Preprocessing& preprocessing, const ViewOptions& options) {
  std::vector<image::Pixels> views;
  const auto add = [&](const Preprocessing& at) {
    switch (options.crop) {
      case Crop::center: views.push_back(image::prepare(photo, at)); break;
      case Crop::ten: add_ten(photo, at, views); break;
      case Crop::full:
        views.push_back(at.resize ? image::resize_shorter_side(photo, *at.resize, at.interpolation) : photo);
        views.push_back(image::mirrored(views.back()));
        break;
    }
  };
  if (options.scales.empty()) add(preprocessing);
  for (const int scale : options.scales) {
    Preprocessing at = preprocessing;
    at.resize = scale;
    add(at);
  }
  return views;
}

}  // namespace resnet

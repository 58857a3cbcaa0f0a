#include "lib/classify/views.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/base/error.h"

namespace resnet {

namespace {

// A photo of 20,000x10 pixels would be one of 1,280,000x640. What a network computes takes about 150 bytes for each pixel.
constexpr std::int64_t most_pixels_resized = 64'000'000, most_pixels_shown = 16'000'000;

image::Pixels resized_for(const image::Pixels& photo, const Preprocessing& preprocessing, std::int64_t most) {
  const std::int64_t shorter = std::min(photo.width, photo.height), longer = std::max(photo.width, photo.height);
  const std::int64_t to = preprocessing.resize.value_or(static_cast<int>(shorter));
  // The longer side; with a crop mode that is not center at most.
  const bool keeps_shape = !preprocessing.resize || preprocessing.crop_mode == CropMode::center;
  const std::int64_t other = keeps_shape ? to * longer / shorter : to;
  if (to > most || other > most || to * other > most) {
    throw Error(Fault::mismatch, Frame::file(Role::input),
                fmt::format("has {}x{} pixels, which become {}x{} where at most {} are shown at once", photo.width, photo.height,
                            photo.width < photo.height ? to : other, photo.width < photo.height ? other : to, most));
  }
  return image::resized(photo, preprocessing);
}

void add_ten(const image::Pixels& photo, const Preprocessing& preprocessing, std::vector<image::Pixels>& views) {
  const image::Pixels resized = resized_for(photo, preprocessing, most_pixels_resized);
  const int crop = preprocessing.crop_size.value_or(std::min(resized.width, resized.height));
  if (resized.width < crop || resized.height < crop) {
    throw Error(Fault::mismatch, Frame::file(Role::input),
                fmt::format("has {}x{} pixels where ten crops of {} are taken", resized.width, resized.height, crop));
  }
  const int right = resized.width - crop, bottom = resized.height - crop;
  // Of the mirrored photo, not mirrored crops: an odd pixel beside the centre stays on its side, as torchvision has it.
  for (const image::Pixels& side : {resized, image::mirrored(resized)}) {
    for (const auto& [left, top] : {std::pair{0, 0}, {right, 0}, {0, bottom}, {right, bottom}})
      views.push_back(image::crop(side, left, top, crop, crop));
    views.push_back(image::center_crop(side, crop, crop, preprocessing.crop_corner));
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
        views.push_back(resized_for(photo, at, most_pixels_shown));
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

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
  std::int64_t width = photo.width, height = photo.height;
  if (preprocessing.resize) {
    // With a crop mode that is not center at most.
    width = resize_width_of(preprocessing);
    height = *preprocessing.resize;
    const bool keeps_shape = preprocessing.crop_mode == CropMode::center;
    if (keeps_shape && photo.width * height < photo.height * width) {
      height = width * photo.height / photo.width;
    } else if (keeps_shape) {
      width = height * photo.width / photo.height;
    }
  }
  if (width > most || height > most || width * height > most) {
    throw Error(Fault::mismatch, Frame::file(Role::input),
                fmt::format("has {}x{} pixels, which become {}x{} where at most {} are shown at once", photo.width, photo.height,
                            width, height, most));
  }
  return image::resized(photo, preprocessing);
}

void add_ten(const image::Pixels& photo, const Preprocessing& preprocessing, std::vector<image::Pixels>& views) {
  const image::Pixels resized = resized_for(photo, preprocessing, most_pixels_resized);
  const int high = preprocessing.crop_size.value_or(std::min(resized.width, resized.height));
  const int wide = crop_width_of(preprocessing).value_or(high);
  if (resized.width < wide || resized.height < high) {
    const std::string size = wide == high ? fmt::format("{}", high) : fmt::format("{}x{}", wide, high);
    throw Error(Fault::mismatch, Frame::file(Role::input),
                fmt::format("has {}x{} pixels where ten crops of {} are taken", resized.width, resized.height, size));
  }
  const int right = resized.width - wide, bottom = resized.height - high;
  // Of the mirrored photo, not mirrored crops: an odd pixel beside the centre stays on its side, as torchvision has it.
  for (const image::Pixels& side : {resized, image::mirrored(resized)}) {
    for (const auto& [left, top] : {std::pair{0, 0}, {right, 0}, {0, bottom}, {right, bottom}})
      views.push_back(image::crop(side, left, top, wide, high));
    views.push_back(image::center_crop(side, wide, high, preprocessing.crop_corner));
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

// Parts of photos, and the part that a preprocessing shows a network.
#include "lib/image/crop.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "lib/base/error.h"

namespace resnet::image {

namespace {

using Color = std::array<std::uint8_t, 3>;

void check_crop_size(int width, int height) {
  if (width < 1 || height < 1) {
    throw Error(Fault::invalid, fmt::format("a photo cannot be cropped to {}x{} pixels, expected at least 1x1", width, height));
  }
}

// Of a crop that is in the middle; below 0 where it is larger, and the odd pixel is then at the right or the bottom.
int crop_start(int side, int crop, CropCorner corner) {
  if (side < crop) return -((crop - side) / 2);
  const int difference = side - crop;
  const int down = difference / 2;
  switch (corner) {
    // int(round((side - crop) / 2)) with Python's round: halves to the even number.
    case CropCorner::half_to_even: return difference % 2 == 0 || down % 2 == 0 ? down : down + 1;
    case CropCorner::down: return down;
  }
  __builtin_unreachable();
}

Pixels cut(const Pixels& pixels, int left, int top, Size part) {
  const auto row = static_cast<std::size_t>(part.width) * 3;
  Pixels result{part.width, part.height, std::vector<std::uint8_t>(row * static_cast<std::size_t>(part.height))};
  for (int y = 0; y < part.height; ++y) {
    const std::size_t from =
        (static_cast<std::size_t>(top + y) * static_cast<std::size_t>(pixels.width) + static_cast<std::size_t>(left)) * 3;
    std::copy_n(&pixels.rgb[from], row, &result.rgb[static_cast<std::size_t>(y) * row]);
  }
  return result;
}

// `pixels` at `left`, `top` of a picture of `size` that has `color` around them.
Pixels padded(const Pixels& pixels, int left, int top, Size size, const Color& color) {
  const auto width = static_cast<std::size_t>(size.width);
  Pixels result{size.width, size.height, std::vector<std::uint8_t>(width * static_cast<std::size_t>(size.height) * 3)};
  if (color != Color{}) {
    for (std::size_t i = 0; i < result.rgb.size(); i += 3) std::copy_n(color.begin(), 3, &result.rgb[i]);
  }
  const std::size_t row = static_cast<std::size_t>(pixels.width) * 3;
  for (std::size_t y = 0; y < static_cast<std::size_t>(pixels.height); ++y) {
    std::copy_n(&pixels.rgb[y * row], row,
                &result.rgb[((static_cast<std::size_t>(top) + y) * width + static_cast<std::size_t>(left)) * 3]);
  }
  return result;
}

// What is around the photo: black, or where the photo is shown whole what the network sees as 0, round(255 * mean).
Color padding_of(const Preprocessing& preprocessing) {
  Color color = {};
  if (preprocessing.crop_mode != CropMode::border) return color;
  // 255, not 254.99999 or so: a mean of a half is halfway between two levels.
  const double levels = std::round(1e4 / static_cast<double>(preprocessing.scale)) / 1e4;
  for (std::size_t channel = 0; channel < 3; ++channel) {
    const double level = std::nearbyint(shortest_decimal(preprocessing.mean[channel]) * levels);
    color[preprocessing.channel_order == ChannelOrder::rgb ? channel : 2 - channel] =
        static_cast<std::uint8_t>(std::clamp(level, 0.0, 255.0));
  }
  return color;
}

Size resized_size(Size photo, const Preprocessing& preprocessing) {
  if (!preprocessing.resize) return photo;
  const Size to{resize_width_of(preprocessing), *preprocessing.resize};
  switch (preprocessing.crop_mode) {
    case CropMode::center: return covering_size(photo, to);
    case CropMode::squash: return to;
    case CropMode::border: {
      // As timm's ResizeKeepRatio has it, halves to the even number.
      const double ratio = std::max(static_cast<double>(photo.width) / to.width, static_cast<double>(photo.height) / to.height);
      const auto side = [&](int pixels) { return std::max(1, static_cast<int>(std::nearbyint(pixels / ratio))); };
      return {side(photo.width), side(photo.height)};
    }
  }
  __builtin_unreachable();
}

}  // namespace

void check_crop(Size photo, int left, int top, int width, int height) {
  check_crop_size(width, height);
  if (left < 0 || top < 0 || left > photo.width - width || top > photo.height - height) {
    throw Error(Fault::invalid, fmt::format("a crop of {}x{} pixels at {},{} is not inside a photo of {}x{}", width, height, left,
                                            top, photo.width, photo.height));
  }
}

Pixels crop(const Pixels& pixels, int left, int top, int width, int height) {
  check_crop({pixels.width, pixels.height}, left, top, width, height);
  return cut(pixels, left, top, {width, height});
}

Pixels center_crop(const Pixels& pixels, int width, int height, CropCorner corner) {
  check_crop_size(width, height);
  const int left = crop_start(pixels.width, width, corner), top = crop_start(pixels.height, height, corner);
  const Pixels center =
      cut(pixels, std::max(0, left), std::max(0, top), {std::min(width, pixels.width), std::min(height, pixels.height)});
  if (center.width == width && center.height == height) return center;
  return padded(center, std::max(0, -left), std::max(0, -top), {width, height}, {});
}

Pixels mirrored(const Pixels& pixels) {
  Pixels result{pixels.width, pixels.height, std::vector<std::uint8_t>(pixels.rgb.size())};
  const auto width = static_cast<std::size_t>(pixels.width);
  for (std::size_t row = 0; row < pixels.rgb.size(); row += width * 3) {
    for (std::size_t x = 0; x < width; ++x) std::copy_n(&pixels.rgb[row + x * 3], 3, &result.rgb[row + (width - 1 - x) * 3]);
  }
  return result;
}

Framing framing_of(Size photo, const Preprocessing& preprocessing) {
  Framing framing;
  framing.resized = framing.crop = resized_size(photo, preprocessing);
  if (!preprocessing.crop_size) return framing;
  framing.crop = {*crop_width_of(preprocessing), *preprocessing.crop_size};
  check_crop_size(framing.crop.width, framing.crop.height);
  framing.left = crop_start(framing.resized.width, framing.crop.width, preprocessing.crop_corner);
  framing.top = crop_start(framing.resized.height, framing.crop.height, preprocessing.crop_corner);
  return framing;
}

Pixels resized(const Pixels& pixels, const Preprocessing& preprocessing) {
  if (!preprocessing.resize) return pixels;
  const Size size = resized_size({pixels.width, pixels.height}, preprocessing);
  return resize(pixels, size.width, size.height, preprocessing.interpolation);
}

Pixels prepare(const Pixels& pixels, const Preprocessing& preprocessing) {
  if (!preprocessing.resize && !preprocessing.crop_size) return pixels;
  const auto& [whole, left, top, crop] = framing_of({pixels.width, pixels.height}, preprocessing);
  const Size part{std::min(crop.width, whole.width), std::min(crop.height, whole.height)};
  const int from_left = std::max(0, left), from_top = std::max(0, top);
  // Only what the crop keeps is computed.
  Pixels center = preprocessing.resize
                      ? resize_and_crop(pixels, whole, from_left, from_top, part.width, part.height, preprocessing.interpolation)
                      : cut(pixels, from_left, from_top, part);
  if (part.width == crop.width && part.height == crop.height) return center;
  return padded(center, std::max(0, -left), std::max(0, -top), crop, padding_of(preprocessing));
}

}  // namespace resnet::image

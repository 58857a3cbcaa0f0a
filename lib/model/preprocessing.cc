#include "lib/model/preprocessing.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace resnet {

namespace {

constexpr double beyond_all = 1e9;  // pixels: an int still, and not a side of a photo

// Levels are 0 to 255, and what a network sees of them is some hundreds at most: factors of real networks are well within.
bool is_factor(float value) { return value >= least_factor && value <= largest_factor; }  // false for NaN, too

}  // namespace

Preprocessing preprocessing_of(Convention convention) {
  Preprocessing result;
  result.name = word_of(convention);
  switch (convention) {
    case Convention::torchvision:
      result.mean = {0.485f, 0.456f, 0.406f};
      result.std = {0.229f, 0.224f, 0.225f};
      break;
    case Convention::caffe:
      result.channel_order = ChannelOrder::bgr;
      result.scale = 1;
      result.mean = {103.939f, 116.779f, 123.68f};
      break;
    case Convention::tf:
      result.scale = 1.0f / 127.5f;
      result.mean = {1, 1, 1};
      break;
    case Convention::mlperf:
      result.scale = 1;
      result.mean = {123.68f, 116.78f, 103.94f};
      break;
    case Convention::cifar10:
      result.resize = std::nullopt;
      result.crop_size = std::nullopt;
      result.mean = {0.4914f, 0.4822f, 0.4465f};
      result.std = {0.2470f, 0.2435f, 0.2616f};
      break;
    case Convention::raw:
      result.resize = std::nullopt;
      result.crop_size = std::nullopt;
      result.scale = 1;
      break;
  }
  return result;
}

std::optional<Preprocessing> find_preprocessing(std::string_view name) {
  const auto convention = find_value<Convention>(name);
  return convention ? std::optional(preprocessing_of(*convention)) : std::nullopt;
}

std::string find_mistake(const Preprocessing& p) {
  for (const auto& [name, side] : {std::pair{"resize", p.resize}, {"crop size", p.crop_size}, {"crop width", p.crop_width}}) {
    if (side && (*side < 1 || *side > largest_side))
      return fmt::format("the {} of '{}' is {}, expected 1 to {} pixels", name, p.name, *side, largest_side);
  }
  if (!is_factor(p.scale))
    return fmt::format("the scale of '{}' is {}, expected {} to {}", p.name, p.scale, least_factor, largest_factor);
  for (const float deviation : p.std) {
    if (!is_factor(deviation))
      return fmt::format("a standard deviation of '{}' is {}, expected {} to {}", p.name, deviation, least_factor,
                         largest_factor);
  }
  for (const float mean : p.mean) {
    if (!(std::abs(mean) <= largest_factor))
      return fmt::format("a mean of '{}' is {}, expected at most {}", p.name, mean, largest_factor);
  }
  if (p.crop_pct && !(*p.crop_pct > least_crop_pct && *p.crop_pct <= 1)) {
    return fmt::format("the crop of '{}' is {} of what is resized, expected a share above {} and up to 1", p.name, *p.crop_pct,
                       least_crop_pct);
  }
  return "";
}

int resized_for(int crop, double share) { return static_cast<int>(std::min(std::floor(crop / share), beyond_all)); }

double shortest_decimal(float value) {
  const std::string text = fmt::format("{}", value);
  double result = static_cast<double>(value);
  std::from_chars(text.data(), text.data() + text.size(), result);
  return result;
}

Preprocessing with_crop(Preprocessing p, int crop) {
  if (p.crop_size && p.resize && *p.crop_size != crop) {
    const double ratio = static_cast<double>(crop) / *p.crop_size;
    p.resize =
        p.crop_pct ? resized_for(crop, *p.crop_pct) : static_cast<int>(std::min(std::round(*p.resize * ratio), beyond_all));
  }
  p.crop_size = crop;
  p.crop_width.reset();
  return p;
}

std::optional<int> crop_width_of(const Preprocessing& p) { return p.crop_size && p.crop_width ? p.crop_width : p.crop_size; }

int resize_width_of(const Preprocessing& p) {
  if (!p.crop_size || !p.crop_width) return *p.resize;
  const double width = std::round(static_cast<double>(*p.resize) * *p.crop_width / *p.crop_size);
  return static_cast<int>(std::clamp(width, 1.0, beyond_all));
}

std::string preprocessing_names() { return joined_words<Convention>("|"); }

}  // namespace resnet

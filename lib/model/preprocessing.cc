#include "lib/model/preprocessing.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

namespace resnet {

namespace {

constexpr std::array<std::string_view, 6> names = {"torchvision", "caffe", "tf", "mlperf", "cifar10", "raw"};

constexpr double beyond_all = 1e9;  // pixels: an int still, and no side of a photo
constexpr std::string_view crop_modes[] = {"center", "squash", "border"}, crop_corners[] = {"half_to_even", "down"};

template <typename Choice, std::size_t count>
std::optional<Choice> find_choice(const std::string_view (&words)[count], std::string_view name) {
  const auto* const found = std::find(std::begin(words), std::end(words), name);
  return found == std::end(words) ? std::nullopt : std::optional(static_cast<Choice>(found - std::begin(words)));
}

// Levels are 0 to 255, and what a network sees of them is some hundreds at most: factors of real networks are well within.
bool is_factor(float value) { return value >= least_factor && value <= largest_factor; }  // false for NaN, too

}  // namespace

std::optional<Preprocessing> find_preprocessing(std::string_view name) {
  Preprocessing result;
  result.name = name;
  if (name == "torchvision") {
    result.mean = {0.485f, 0.456f, 0.406f};
    result.std = {0.229f, 0.224f, 0.225f};
  } else if (name == "caffe") {
    result.channel_order = ChannelOrder::bgr;
    result.scale = 1;
    result.mean = {103.939f, 116.779f, 123.68f};
  } else if (name == "tf") {
    result.scale = 1.0f / 127.5f;
    result.mean = {1, 1, 1};
  } else if (name == "mlperf") {
    result.scale = 1;
    result.mean = {123.68f, 116.78f, 103.94f};
  } else if (name == "cifar10") {
    result.resize = std::nullopt;
    result.crop_size = std::nullopt;
    result.mean = {0.4914f, 0.4822f, 0.4465f};
    result.std = {0.2470f, 0.2435f, 0.2616f};
  } else if (name == "raw") {
    result.resize = std::nullopt;
    result.crop_size = std::nullopt;
    result.scale = 1;
  } else {
    return std::nullopt;
  }
  return result;
}

std::string find_mistake(const Preprocessing& p) {
  for (const auto& [name, side] : {std::pair{"resize", p.resize}, std::pair{"crop size", p.crop_size}}) {
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
  return p;
}

std::string_view name_of(CropMode mode) { return crop_modes[static_cast<std::size_t>(mode)]; }
std::string_view name_of(CropCorner corner) { return crop_corners[static_cast<std::size_t>(corner)]; }
std::optional<CropMode> find_crop_mode(std::string_view name) { return find_choice<CropMode>(crop_modes, name); }
std::optional<CropCorner> find_crop_corner(std::string_view name) { return find_choice<CropCorner>(crop_corners, name); }

std::string preprocessing_names() {
  std::string result;
  for (const std::string_view name : names) {
    if (!result.empty()) result += '|';
    result += name;
  }
  return result;
}

}  // namespace resnet

#include "cli/tasks/prepare/preprocess.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "lib/base/error.h"
#include "lib/base/parse.h"

namespace resnet::cli {

namespace {

[[noreturn]] void refuse(const std::string& text) { throw Error(Fault::invalid, text); }

// no_side, or a number of pixels.
std::optional<int> parse_side(const char* option, const std::string& text) {
  if (text == no_side) return std::nullopt;
  const auto value = parse_integer(text);
  if (!value || *value < 1 || *value > largest_side) {
    refuse(fmt::format("{}: expected a number of pixels from 1 to {}, or {}, got '{}'", option, largest_side, no_side, text));
  }
  return static_cast<int>(*value);
}

// One number for each channel, or one for all of them.
std::array<float, 3> parse_channels(const char* option, const std::string& text) {
  std::vector<std::string> words = split(text, ',');
  if (words.size() == 1) words.assign(3, words[0]);
  std::array<float, 3> result = {};
  for (std::size_t i = 0; i < words.size() && i < 3; ++i) {
    const auto value = parse_number(words[i]);
    if (!value)
      refuse(fmt::format("{}: '{}' is not a number; expected one or three, such as 0.485,0.456,0.406", option, words[i]));
    result[i] = *value;
  }
  if (words.size() != 3)
    refuse(fmt::format("{}: {} numbers in '{}', expected one, or three: one for each channel", option, words.size(), text));
  return result;
}

std::string numbers(const std::array<float, 3>& values) { return fmt::format("{},{},{}", values[0], values[1], values[2]); }

// For a crop of another size, where no share is known but the two sizes' ratio.
int resized_in_ratio(int crop, double ratio) { return static_cast<int>(std::floor(crop / ratio + 1e-6)); }

// The levels, multiplied by `scale`, without a mean: what is known of a network of bytes, and all that can be said of one whose
// one channel no convention describes.
void take_levels(Preprocessing& preprocessing, float scale) {
  preprocessing.name = word_of(Convention::raw);
  preprocessing.scale = scale;
  preprocessing.mean = {0, 0, 0};
  preprocessing.std = {1, 1, 1};
}

const char* resized_side(CropMode mode) {
  switch (mode) {
    case CropMode::center: return "shorter side";
    case CropMode::squash: return "both sides";
    case CropMode::border: return "longer side";
  }
  __builtin_unreachable();
}

// The same where the crop is not square.
const char* resized_box(CropMode mode) {
  switch (mode) {
    case CropMode::center: return "to cover";
    case CropMode::squash: return "to";
    case CropMode::border: return "to fit into";
  }
  __builtin_unreachable();
}

// The crop that is asked for, and what is resized for it.
void take_crop_size(const PreprocessOptions& options, Preprocessing& result) {
  if (options.crop_size.empty()) return;
  const double ratio = result.crop_size && result.resize ? static_cast<double>(*result.crop_size) / *result.resize : 1;
  result.crop_size = parse_side("--crop-size", options.crop_size);
  result.crop_width.reset();
  if (!result.crop_size || !result.resize) return;
  result.resize = result.crop_pct ? resized_for(*result.crop_size, *result.crop_pct) : resized_in_ratio(*result.crop_size, ratio);
}

// To what the shorter side is resized, of itself or by the crop's share of it.
void take_resize(const PreprocessOptions& options, Preprocessing& result) {
  if (!options.resize.empty()) {
    if (!options.crop_pct.empty()) refuse("--resize and --crop-pct say the same thing, expected one of them");
    result.resize = parse_side("--resize", options.resize);
    result.crop_pct.reset();
  }
  if (!options.crop_pct.empty()) {
    const auto share = parse_number(options.crop_pct);
    if (!share || *share <= 0.01f || *share > 1)
      refuse(fmt::format("--crop-pct: expected a share above 0.01 and up to 1, such as 0.875, got '{}'", options.crop_pct));
    if (!result.crop_size) refuse("--crop-pct: there is no crop, expected --crop-size with it");
    result.crop_pct = shortest_decimal(*share);
    result.resize = resized_for(*result.crop_size, *result.crop_pct);
  }
}

void check_fit(const PreprocessOptions& options, const Preprocessing& result, const ImageInput& input) {
  if (const std::string mistake = find_mistake(result); !mistake.empty()) refuse("the preprocessing cannot be used: " + mistake);
  if (result.crop_size &&
      ((input.height && *input.height != *result.crop_size) || (input.width && *input.width != *crop_width_of(result)))) {
    const bool asked = !options.crop_size.empty();
    refuse(fmt::format("{} {} does not fit the network's input of {}{}", asked ? "--crop-size" : "a square crop of",
                       *result.crop_size, input.to_string(), asked ? "; without it the crop is of that size" : ""));
  }
}

}  // namespace

std::vector<std::string> given_options(const PreprocessOptions& options) {
  std::vector<std::string> words;
  const auto add = [&words](const char* option, std::string_view value) {
    if (!value.empty()) words.push_back(fmt::format("--{} {}", option, value));
  };
  if (options.preprocess) add("preprocess", word_of(*options.preprocess));
  add("resize", options.resize);
  add("crop-size", options.crop_size);
  add("crop-pct", options.crop_pct);
  add("mean", options.mean);
  add("std", options.std);
  if (options.channel_order) add("channel-order", word_of(*options.channel_order));
  if (options.interpolation) add("interpolation", word_of(*options.interpolation));
  if (options.exif) words.emplace_back("--exif");
  return words;
}

ChosenPreprocessing choose_preprocessing(const PreprocessOptions& options, const Model& model, const ImageInput& input,
                                         std::optional<std::int64_t> classes) {
  ChosenPreprocessing chosen;
  Preprocessing& result = chosen.preprocessing;
  const std::int64_t side = input.height.value_or(224);
  if (options.preprocess) {
    result = preprocessing_of(*options.preprocess);
  } else if (model.preprocessing) {
    result = *model.preprocessing;
  } else {
    const bool small = side <= 64;
    Convention guess = input.channels_last ? (small             ? Convention::raw
                                              : classes == 1001 ? Convention::mlperf
                                                                : Convention::caffe)
                                           : (small ? Convention::cifar10 : Convention::torchvision);
    if (!input.channels_last && !small && model.provenance.producer_name.find("caffe") != std::string::npos)
      guess = Convention::caffe;
    result = preprocessing_of(guess);
    if (input.dtype == DType::uint8) {
      take_levels(result, 1);
    } else if (input.channels == 1) {
      take_levels(result, preprocessing_of(Convention::torchvision).scale);
    }
    chosen.guessed_by =
        fmt::format("by its input {}{}", input.to_string(), classes ? fmt::format(" and {} classes", *classes) : "");
  }

  // The convention's own sizes are for 224; another size of the network scales both. One that has none takes the network's.
  if (options.crop_size.empty() && input.height && input.width && std::max(*input.height, *input.width) <= largest_side) {
    if (!result.crop_size) {
      if (!result.resize) result.resize = static_cast<int>(side);
      result.crop_size = static_cast<int>(side);
    }
    result = fit_to(result, input);
  }
  const bool custom = !options.resize.empty() || !options.crop_size.empty() || !options.crop_pct.empty() ||
                      !options.mean.empty() || !options.std.empty() || options.channel_order || options.interpolation;
  take_crop_size(options, result);
  take_resize(options, result);
  if (!options.mean.empty()) result.mean = parse_channels("--mean", options.mean);
  if (!options.std.empty()) {
    result.std = parse_channels("--std", options.std);
    for (const float value : result.std) {
      if (value == 0) refuse(fmt::format("--std: a zero in '{}', nothing can be divided by it", options.std));
    }
  }
  if (options.channel_order) result.channel_order = *options.channel_order;
  if (options.interpolation) result.interpolation = *options.interpolation;
  if (options.exif) result.exif = true;
  check_fit(options, result, input);
  if (custom) result.name += " with changes";
  return chosen;
}

std::string describe(const Preprocessing& preprocessing) {
  std::string text = preprocessing.name + ": ";
  const std::string_view interpolation = word_of(preprocessing.interpolation);
  const bool is_square = crop_width_of(preprocessing) == preprocessing.crop_size;
  if (!preprocessing.resize) {
    text += "not resized";
  } else if (is_square) {
    text += fmt::format("{} to {} ({})", resized_side(preprocessing.crop_mode), *preprocessing.resize, interpolation);
  } else {
    text += fmt::format("{} {} pixels wide and {} high ({})", resized_box(preprocessing.crop_mode),
                        resize_width_of(preprocessing), *preprocessing.resize, interpolation);
  }
  if (!preprocessing.crop_size) {
    text += ", not cropped";
  } else if (is_square) {
    text += fmt::format(", centre crop {}", *preprocessing.crop_size);
  } else {
    text += fmt::format(", centre crop {} wide and {} high", *preprocessing.crop_width, *preprocessing.crop_size);
  }
  if (preprocessing.crop_size && preprocessing.crop_corner == CropCorner::down) text += " (corner rounded down)";
  if (preprocessing.crop_size && preprocessing.crop_mode == CropMode::border) text += ", padded with the mean";
  text += preprocessing.channel_order == ChannelOrder::bgr ? ", BGR" : ", RGB";
  if (preprocessing.scale == 1) {
    text += " 0..255";
  } else if (const float divisor = 1 / preprocessing.scale; std::abs(divisor - 255) < 0.01f) {
    text += " 0..1";
  } else {
    text += fmt::format(" / {:.6g}", divisor);
  }
  text += ", mean " + numbers(preprocessing.mean) + ", std " + numbers(preprocessing.std);
  if (preprocessing.exif) text += ", turned by EXIF";
  return text;
}

std::string describe_guess(const std::string& guessed_by, const std::string& shown) {
  return fmt::format("guessed the preprocessing {}: {}; override with --preprocess", guessed_by, shown);
}

}  // namespace resnet::cli

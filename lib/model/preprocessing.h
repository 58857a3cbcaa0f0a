// How a photo becomes a network's input.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/words.h"

namespace resnet {

enum class ChannelOrder : std::uint8_t { rgb, bgr };
enum class Interpolation : std::uint8_t { bilinear, bicubic, lanczos };
// What networks of different origin were trained with.
enum class Convention : std::uint8_t { torchvision, caffe, tf, mlperf, cifar10, raw };

constexpr auto words_of(ChannelOrder) {
  return std::to_array<Word<ChannelOrder>>({{ChannelOrder::rgb, "rgb"}, {ChannelOrder::bgr, "bgr"}});
}
constexpr auto words_of(Interpolation) {
  return std::to_array<Word<Interpolation>>(
      {{Interpolation::bilinear, "bilinear"}, {Interpolation::bicubic, "bicubic"}, {Interpolation::lanczos, "lanczos"}});
}
constexpr auto words_of(Convention) {
  return std::to_array<Word<Convention>>({{Convention::torchvision, "torchvision"},
                                          {Convention::caffe, "caffe"},
                                          {Convention::tf, "tf"},
                                          {Convention::mlperf, "mlperf"},
                                          {Convention::cifar10, "cifar10"},
                                          {Convention::raw, "raw"}});
}

// What becomes `resize` pixels long. center: the shorter side. squash: both sides, whatever the photo's shape. border: the longer
// side, and what the crop has around that is the mean's level. The words are timm's.
enum class CropMode : std::uint8_t { center, squash, border };
// Where a crop begins that leaves an odd number of pixels: half to even is torchvision's and timm's way, down is transformers'.
enum class CropCorner : std::uint8_t { half_to_even, down };

constexpr auto words_of(CropMode) {
  return std::to_array<Word<CropMode>>(
      {{CropMode::center, "center"}, {CropMode::squash, "squash"}, {CropMode::border, "border"}});
}
constexpr auto words_of(CropCorner) {
  return std::to_array<Word<CropCorner>>({{CropCorner::half_to_even, "half_to_even"}, {CropCorner::down, "down"}});
}

// Decode, resize a side to `resize`, crop the centre to `crop_size`, then per channel (value * scale - mean) / std.
struct Preprocessing {
  std::string name = "custom";         // of the convention it came from
  std::optional<int> resize = 256;     // pixels of the side that crop_mode says (see crop_width); nothing: not resized
  std::optional<int> crop_size = 224;  // pixels of the crop's side; nothing: not cropped
  Interpolation interpolation = Interpolation::bilinear;
  ChannelOrder channel_order = ChannelOrder::rgb;
  float scale = 1.0f / 255.0f;            // applied to 8-bit levels 0..255
  std::array<float, 3> mean = {0, 0, 0};  // in the order of the network's channels
  std::array<float, 3> std = {1, 1, 1};
  bool exif = false;  // whether to turn the photo as its EXIF orientation says
  CropMode crop_mode = CropMode::center;
  CropCorner crop_corner = CropCorner::half_to_even;
  // The share of `resize` that the crop takes, as the network's publisher gives it: what `resize` is for another crop.
  std::optional<double> crop_pct = {};
  // Pixels of the crop's width where it is not square, and crop_size then its height: a network's fixed input decides it.
  std::optional<int> crop_width = {};

  friend bool operator==(const Preprocessing&, const Preprocessing&) = default;
};

// Pixels of a photo's side, resized or cropped: no preprocessing has more.
constexpr int largest_side = 16'384;

// What a number of a preprocessing may be where it divides or multiplies.
constexpr float least_factor = 1e-6f, largest_factor = 1e6f;
// A share that a crop takes is above this, and at most 1.
constexpr double least_crop_pct = 0.01;

// What is wrong with a preprocessing, wherever it comes from, and what was expected; empty where it can be used: sizes of 1 to
// `largest_side` pixels, a scale and deviations above 0 that floats can divide by, and nothing that is not finite.
std::string find_mistake(const Preprocessing& preprocessing);

// floor(crop / share), as timm has it: 235 for 224 and 0.95. find_mistake() names what is too large for a photo.
int resized_for(int crop, double share);
// The number that a person wrote, of the float that is nearest to it: 0.95 for 0.95f, which is 0.949999988.
double shortest_decimal(float value);
// The same for another crop, a square one: `resize` by crop_pct, else in the same ratio, rounded.
Preprocessing with_crop(Preprocessing preprocessing, int crop);
// Pixels: crop_width, or crop_size of a square crop; nothing where nothing is cropped.
std::optional<int> crop_width_of(const Preprocessing& preprocessing);
// How wide what `resize` is the height of is, which has the crop's shape. Of a preprocessing that resizes.
int resize_width_of(const Preprocessing& preprocessing);

// torchvision, caffe, tf and mlperf: 256 then 224. cifar10: no resize, no crop, RGB 0..1 by CIFAR's mean and deviation. raw: RGB
// 0..255. Neither of the two has a size of its own. Its name is the convention's word.
Preprocessing preprocessing_of(Convention convention);
// By the word; nothing for another one.
std::optional<Preprocessing> find_preprocessing(std::string_view name);
// All words, separated by '|'.
std::string preprocessing_names();

}  // namespace resnet

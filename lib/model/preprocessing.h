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

// Decode, resize the shorter side to `resize`, crop the centre to `crop_size`, then per channel (value * scale - mean) / std.
struct Preprocessing {
  std::string name = "custom";         // of the convention it came from
  std::optional<int> resize = 256;     // pixels of the shorter side; nothing: not resized
  std::optional<int> crop_size = 224;  // pixels of the square crop; nothing: not cropped
  Interpolation interpolation = Interpolation::bilinear;
  ChannelOrder channel_order = ChannelOrder::rgb;
  float scale = 1.0f / 255.0f;            // applied to 8-bit levels 0..255
  std::array<float, 3> mean = {0, 0, 0};  // in the order of the network's channels
  std::array<float, 3> std = {1, 1, 1};
  bool exif = false;  // whether to turn the photo as its EXIF orientation says

  friend bool operator==(const Preprocessing&, const Preprocessing&) = default;
};

// Pixels of a photo's side, resized or cropped: no preprocessing has more.
constexpr int largest_side = 16'384;

// What is wrong with a preprocessing, wherever it comes from, and what was expected; empty where it can be used: sizes of 1 to
// `largest_side` pixels, a scale and deviations above 0 that floats can divide by, and nothing that is not finite.
std::string find_mistake(const Preprocessing& preprocessing);

// torchvision, caffe, tf and mlperf: 256 then 224. cifar10: no resize, no crop, RGB 0..1 by CIFAR's mean and deviation. raw: RGB
// 0..255, neither resized nor cropped. Its name is the convention's word.
Preprocessing preprocessing_of(Convention convention);
// By the word; nothing for another one.
std::optional<Preprocessing> find_preprocessing(std::string_view name);
// All words, separated by '|'.
std::string preprocessing_names();

}  // namespace resnet

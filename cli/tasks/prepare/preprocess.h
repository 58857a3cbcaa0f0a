// The options that say how a photo becomes the network's input, and the guess where nothing is said.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/classify/endpoints.h"
#include "lib/model/model.h"

namespace resnet::cli {

// In place of a number of pixels: not resized, not cropped.
inline constexpr std::string_view no_side = "none";

struct PreprocessOptions {
  std::optional<Convention> preprocess = {};
  std::string resize = {}, crop_size = {}, crop_pct = {}, mean = {}, std = {};
  std::optional<ChannelOrder> channel_order = {};
  std::optional<Interpolation> interpolation = {};
  bool exif = false;
};
// "--resize 256, --exif": those that are given.
std::vector<std::string> given_options(const PreprocessOptions& options);

struct ChosenPreprocessing {
  Preprocessing preprocessing;
  std::string guessed_by;  // why it was taken, where neither the user nor the model says so: "by its 32x32 input"
};
// The model's own convention, the named one, or a guess; then the single overrides. Throws Error(invalid) where a value does not
// fit.
ChosenPreprocessing choose_preprocessing(const PreprocessOptions& options, const Model& model, const ImageInput& input,
                                         std::optional<std::int64_t> classes);

// "torchvision: shorter side to 256 (bilinear), centre crop 224, RGB / 255, mean 0.485,0.456,0.406, std 0.229,0.224,0.225"
std::string describe(const Preprocessing& preprocessing);
// The warning about a guess: `shown` is what was guessed, as describe() has it.
std::string describe_guess(const std::string& guessed_by, const std::string& shown);

}  // namespace resnet::cli

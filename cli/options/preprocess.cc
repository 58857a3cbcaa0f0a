#include "cli/options/preprocess.h"

#include <fmt/format.h>

#include "cli/options/option.h"
#include "lib/model/preprocessing.h"

namespace resnet::cli {

void add_preprocess_options(CLI::App& app, PreprocessOptions& options, const std::string& group) {
  add_choice(
      app, "--preprocess", options.preprocess,
      "the convention that the network was trained with. torchvision: RGB 0..1, ImageNet's mean and deviation; caffe: BGR 0..255 "
      "minus a mean; tf: RGB -1..1; mlperf: RGB 0..255 minus a mean; cifar10: RGB 0..1, CIFAR's mean and deviation; raw: RGB "
      "0..255; a network of one channel takes the luminance, by the first mean and deviation "
      "(default: guessed from the network, with a warning)")
      ->group(group);
  add_text(app, "--resize", options.resize, fmt::format("N|{}", no_side),
           "the photo's shorter side in pixels, before the crop (where the network's input is not square: the height of what the "
           "photo covers)")
      ->group(group);
  add_text(app, "--crop-size", options.crop_size, fmt::format("N|{}", no_side),
           "side of the square crop in pixels (default: the network's input, square or not)")
      ->group(group);
  add_text(app, "--crop-pct", options.crop_pct, "FRACTION",
           "the crop's share of the shorter side, in place of --resize: 0.875 is 224 of 256")
      ->group(group);
  add_text(app, "--mean", options.mean, "NUMBERS",
           "numbers R,G,B (or in the network's own order), or one for all, that are subtracted; 0..1 or 0..255 as the convention "
           "has it")
      ->join(',')
      ->group(group);
  add_text(app, "--std", options.std, "NUMBERS", "three numbers to divide by, or one for all")->join(',')->group(group);
  add_choice(app, "--channel-order", options.channel_order, "the order of the network's channels")->group(group);
  add_choice(app, "--interpolation", options.interpolation, "how photos are resized")->group(group);
  app.add_flag("--exif", options.exif, "turn photos as their EXIF orientation says")->group(group);
}

}  // namespace resnet::cli

// What is asked of `train`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/tasks/prepare/preprocess.h"
#include "lib/arch/spec.h"
#include "lib/base/words.h"
#include "lib/train/augment.h"
#include "lib/train/schedule.h"
#include "lib/train/transfer.h"

namespace resnet::cli {

// What the weight decay is of: all parameters, or no batch norm and no biases.
enum class Decay { all, weights };
constexpr auto words_of(Decay) { return std::to_array<Word<Decay>>({{Decay::all, "all"}, {Decay::weights, "weights"}}); }

// All that the paper says of a training: of ImageNet's networks in section 3.4, of CIFAR-10's in section 4.2.
enum class Recipe { paper_imagenet, paper_cifar };
constexpr auto words_of(Recipe) {
  return std::to_array<Word<Recipe>>({{Recipe::paper_imagenet, "paper-imagenet"}, {Recipe::paper_cifar, "paper-cifar"}});
}

// --mean's word for a mean of each pixel.
inline constexpr const char* pixel_mean_word = "pixel";

// What is left out ("", 0, nothing) is the recipe's, or has a default of its own.
struct TrainOptions {
  std::vector<std::string> arguments;
  std::string arch;  // of weights without a graph
  std::string output, validation, init, milestones, checkpoint, log, curves, best;
  train::Frozen freeze = train::Frozen::none;
  std::optional<arch::Variant> variant;
  std::optional<arch::Shortcut> shortcut;
  std::optional<arch::ZeroChannels> zero_channels;
  std::optional<Recipe> recipe;
  std::optional<train::Schedule::Kind> schedule;
  std::optional<train::Augmentation> augmentation;  // nothing: as the size and what is frozen suggest
  std::optional<train::Colors> colors;
  Decay decay = Decay::all;
  std::string learning_rate, momentum, weight_decay, label_smoothing = "0", epochs;
  std::string warmup;  // iterations, or a training error such as 80%
  std::int64_t classes = 0, size = 0, batch = 0, accumulate = 1, iterations = 0, patience = 5, every = 0, memory = 4096;
  std::uint64_t seed = 0;
  bool resume = false, restart = false, split = false, dry_run = false;
  bool onnx = true;  // the output, else .resnet
  PreprocessOptions preprocess;
};

}  // namespace resnet::cli

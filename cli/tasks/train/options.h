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

struct TrainOptions {
  std::vector<std::string> arguments;
  std::string arch;  // of weights without a graph
  std::string output, validation, init, milestones, checkpoint, log, curves;
  train::Frozen freeze = train::Frozen::none;
  std::optional<arch::Variant> variant;
  std::optional<arch::Shortcut> shortcut;
  train::Schedule::Kind schedule = train::Schedule::Kind::step;
  std::optional<train::Augmentation> augmentation;  // nothing: as the size and what is frozen suggest
  train::Colors colors = train::Colors::data;
  Decay decay = Decay::all;
  std::string learning_rate, momentum = "0.9", weight_decay = "1e-4", label_smoothing = "0", epochs;
  std::int64_t classes = 0, size = 0, batch = 0, iterations = 0, warmup = -1, every = 0, memory = 4096;
  std::uint64_t seed = 0;
  bool resume = false, restart = false;
  bool onnx = true;  // the output, else .resnet
  PreprocessOptions preprocess;
};

}  // namespace resnet::cli

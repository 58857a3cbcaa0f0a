// What is asked of `train`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/tasks/prepare/preprocess.h"

namespace resnet::cli {

struct TrainOptions {
  std::vector<std::string> arguments;
  std::string output, validation, init, freeze = "none", variant, shortcut;
  std::string schedule = "step", milestones, augmentation = "auto", decay = "all", checkpoint, log, curves;
  std::string learning_rate, momentum = "0.9", weight_decay = "1e-4", label_smoothing = "0", epochs;
  std::int64_t classes = 0, size = 0, batch = 0, iterations = 0, warmup = -1, every = 0, memory = 4096;
  std::uint64_t seed = 0;
  bool resume = false, restart = false;
  bool onnx = true;  // the output, else .resnet
  PreprocessOptions preprocess;
};

}  // namespace resnet::cli

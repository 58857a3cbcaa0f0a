// The options of `train`.
#pragma once

#include "cli/tasks/train/options.h"

namespace CLI {
class App;
}

namespace resnet::cli {

void add_train_options(CLI::App& app, TrainOptions& options);

}  // namespace resnet::cli

// The options that say how a photo becomes the network's input.
#pragma once

#include <string>

#include "cli/tasks/prepare/preprocess.h"

namespace CLI {
class App;
}

namespace resnet::cli {

void add_preprocess_options(CLI::App& app, PreprocessOptions& options, const std::string& group);

}  // namespace resnet::cli

// How strong each 3x3 layer of networks responds, to photos or to noise: the paper's Figure 7.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/tasks/feed/inputs.h"
#include "cli/tasks/open/model.h"
#include "cli/tasks/prepare/preprocess.h"
#include "cli/tasks/task.h"
#include "lib/measure/responses.h"

namespace resnet::cli {

struct RespondRequest {
  std::vector<std::string> models;
  std::vector<std::string> names = {};  // of the models in the result, in their order; empty, or none: as they are in `models`
  ArchOptions arch;
  PreprocessOptions preprocess;
  std::vector<std::string> images;  // as Inputs takes them
  InputOptions inputs;
  std::int64_t random = 0;      // this many images of noise in their place (normal, deviation 1), from arch.seed
  std::int64_t batch_size = 8;  // images at once, where the network leaves it open
};

struct RespondRow {
  std::string model;   // as it was named
  bool plain = false;  // exactly one of the plain nets
  std::vector<LayerResponse> responses;
};

struct RespondResult {
  std::vector<RespondRow> rows;
  std::size_t failed = 0;  // images, counted once for each model
};

// An image that fails is told to the observer, and the others are answered. Throws Error: of the models, Error(unreadable) where
// no image can be measured, Error(unsupported) where images of one batch would change each other's responses, Error(interrupted),
// and what `before_reading` throws.
RespondResult respond(const RespondRequest& request, const TaskContext& context);

}  // namespace resnet::cli

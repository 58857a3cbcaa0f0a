// What the result of a run of `train` depends on, as text: a checkpoint is gone on with where all of it is the same.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/training/job.h"
#include "lib/train/examples.h"

namespace resnet::cli {

// All but the pictures, a line each.
std::string settings_text(const TrainOptions& options, const TrainingJob& job, const TrainingPlan& plan, const train::View& view,
                          std::size_t threads);
// Of the pictures, which are loaded: which they are, and of what class each is.
std::string pictures_text(const train::Examples& examples, const std::vector<std::string>& labels);
// `now` may be the beginning of what is to come. Throws Error(usage) with the first line of `file`'s that is another.
void check_settings(const std::string& file, const std::string& then, const std::string& now);

}  // namespace resnet::cli

// What a run of `train` is to do where its options do not say it: the paper's recipes, and defaults.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/tasks/train/job.h"
#include "cli/tasks/train/options.h"
#include "lib/arch/spec.h"

namespace resnet::cli {

// The options, and what their recipe says where they say nothing.
TrainOptions with_recipe(TrainOptions options);
// The images of a step, which --accumulate divides.
std::int64_t usual_batch(const TrainOptions& options, const arch::Spec& spec);
// Throws Error(invalid) where the recipe is of other networks.
void check_recipe(const TrainOptions& options, const arch::Spec& spec);

// The share of the training pictures that is held out and tested on: --split's, or --validation's where it is a number and no
// file; nothing where pictures of their own are. Throws Error(invalid).
std::optional<double> held_out(const TrainOptions& options);
// Whether a mean of each pixel is asked for.
bool wants_pixel_mean(const TrainOptions& options);
train::Augmentation augmentation_of(const TrainOptions& options, const arch::Spec& spec);

// "batch": "256", ...: all that decides how a network learns, in words. `options` as with_recipe() gives them.
using Setting = std::pair<std::string, std::string>;
std::vector<Setting> settings_of(const TrainOptions& options, const TrainingJob& job, const TrainingPlan& plan);
// What of the recipe the given options change: "batch 64 in place of the recipe's 128". None without a recipe.
std::vector<std::string> changes_of_recipe(const TrainOptions& given, const TrainingJob& job);

}  // namespace resnet::cli

// What `train` trains, on what, and how: its options understood.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cli/tasks/task.h"
#include "cli/tasks/train/data.h"
#include "cli/tasks/train/options.h"
#include "lib/arch/spec.h"
#include "lib/model/model.h"
#include "lib/train/trainer.h"

namespace resnet::cli {

// What is trained and on what.
struct TrainingJob {
  Model model;  // what will be written, its graph as it is at the start
  arch::Spec spec;
  bool trained_start = false;
  std::size_t unfolded = 0;                       // batch norms that are unfolded again and have no statistics yet
  std::string start_file;                         // the trained start, as it was named
  std::string start;                              // what it is: its digest
  std::map<std::string, std::string> start_data;  // and those of the files that its weights were read from, by name
  std::vector<std::filesystem::path> start_data_files;
  std::vector<float> pixel_mean;  // the trained start's, or empty
  std::string guessed_by;         // why its pictures are prepared as they are, where it does not say
  TrainingData data;
};
// Reads the start and lists the pictures. Throws Error(invalid) for what does not fit together, else as their readers do,
// Error(interrupted).
TrainingJob prepare_training(const TrainOptions& options, Observer& observer, const Stop& stop);
// How pictures are shown to it; from now on a part of its model, and told on stderr. Throws Error(invalid).
train::View view_of(const TrainOptions& options, TrainingJob& job, Observer& observer);

struct TrainingPlan {
  std::int64_t batch = 0, every = 0;  // images at once; iterations
  train::Descent descent;
};
// `options` as with_recipe() gives them, here and above. Throws Error(invalid) for numbers out of their range.
TrainingPlan plan_of(const TrainOptions& options, const TrainingJob& job);

}  // namespace resnet::cli

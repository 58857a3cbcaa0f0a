// What the result of a run of `train` depends on: a checkpoint is resumed where all of it is the same.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/tasks/identity/identity.h"
#include "cli/tasks/train/job.h"
#include "lib/base/stop.h"
#include "lib/base/threads.h"
#include "lib/train/examples.h"

namespace resnet::cli {

// All but the contents of the pictures.
Identity training_identity(const TrainOptions& options, const TrainingJob& job, const TrainingPlan& plan, const train::View& view,
                           std::size_t threads);
// Of pictures that are loaded: the contents of each, of what class it is, and their order. Throws Error(Role::input) for a file
// that cannot be read, Error(interrupted).
std::string text_of_pictures(const train::Examples& examples, ThreadPool& pool, const Stop& stop);
// The run that wrote checkpoint `file`, as its text says, and this one. `pictures_are_known`: else their contents are
// disregarded. Throws Error(invalid) with what is not the same.
void check_settings(const std::string& file, const std::string& then, const Identity& now, bool pictures_are_known);

}  // namespace resnet::cli

// `predict --job FOLDER`: one of the processes that answer a list of photos together (cli/tasks/job).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/tasks/job/worker.h"
#include "cli/tasks/predict/predict.h"
#include "cli/tasks/task.h"

namespace resnet::cli {

struct PredictJobRequest {
  std::string folder;              // an absolute path, as all paths here
  std::string output;              // of the whole; empty: in the folder
  std::size_t chunk = 0;           // inputs of a chunk; 0: see default_chunk
  bool waits = true;               // for the other workers, until the job is whole
  std::vector<std::string> words;  // for workers that are given the folder alone
  std::string directory;           // in which paths are meant
  std::string images;              // text_of_arguments() of the inputs; empty: whatever the job has
  // Goes to the directory in which the job's inputs are meant, before one of them is read.
  std::function<void(const std::string&)> enter = [](const std::string&) {};
};

// Begins the job where nobody has, and works until it is whole; nothing where it is not and the worker does not wait. Of
// `request` what decides answers is read, and the inputs where nobody has listed them. Throws Error: as PredictTask, as
// JobWorker, and Error(invalid) naming all that differs from how the job was started.
std::optional<WholeJob> work_on_job(const PredictRequest& request, const PredictJobRequest& job, const TaskContext& context);

}  // namespace resnet::cli

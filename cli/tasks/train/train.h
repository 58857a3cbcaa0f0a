// A network learns: from the start that is asked for, or from where a run that was stopped has left its checkpoint, to its file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <vector>

#include "cli/tasks/task.h"
#include "cli/tasks/train/options.h"
#include "cli/tasks/train/recipe.h"

namespace resnet::cli {

// The file that a run resumes from: named, or beside its output.
std::filesystem::path checkpoint_of(const TrainOptions& options);

// Where the network of the least test error is kept: named, or OUT.best.onnx beside OUT.onnx; empty where OUT is not a file.
std::filesystem::path best_of(const TrainOptions& options);

struct TrainResult {
  std::size_t broken = 0;  // how many times a picture could not be decoded
};

class TrainTask {
 public:
  // Takes the files that it will write for its own, reads the start and finds the pictures. Request and context outlive the task.
  // Throws Error: of the start, Error(invalid) where the request contradicts itself, where another process works on the files and
  // where the checkpoint's name is something else's, and what `before_reading` throws.
  TrainTask(const TrainOptions& request, const TaskContext& context);
  ~TrainTask();

  // In place of run(): what it would do, and what that takes: memory and time, with a line for what is not its recipe's.
  std::vector<Setting> settings();

  // Called once. Throws Error(interrupted) after a checkpoint, Error(failed) where the loss is not finite, Error(invalid) where
  // the checkpoint to be resumed is of another run, Error(unwritable).
  TrainResult run();

 private:
  class Run;
  std::unique_ptr<Run> run_;
};

}  // namespace resnet::cli

// A run of `train`: steps, rows of its log, checkpoints, until the end or until it is asked to stop.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "cli/tasks/sink.h"
#include "cli/tasks/task.h"
#include "cli/tasks/train/job.h"
#include "lib/train/trainer.h"

namespace resnet::cli {

class TrainingRun {
 public:
  // `settings`: what a checkpoint says that it is of. All else is kept by reference.
  TrainingRun(const TrainOptions& options, const TrainingJob& job, const TrainingPlan& plan, const train::View& view,
              train::Trainer& trainer, const TaskContext& context, std::filesystem::path checkpoint, std::string settings);

  // Called before a file is written, whatever it throws ends the run.
  void set_guard(std::function<void()> guard) { guard_ = std::move(guard); }

  // Called with each row that is better than those before it, of test errors. A file that cannot be written is told.
  void set_keep_best(std::function<void(const train::Row&)> keep_best) { keep_best_ = std::move(keep_best); }

  // Until the end; throws Error(interrupted) after a checkpoint. What decodes pictures is interrupted, too: nothing of the
  // iteration or the row that waited for them has happened yet.
  void go_on();

  // The log or the curves where they could not be written when the run ended, else "".
  const std::string& unwritten() const { return unwritten_; }

 private:
  void learn();
  void finish_row();
  void write_down();
  void save();
  std::string what_is_kept() const;
  [[noreturn]] void stop();
  void tell(const train::Trainer::Step& step);

  const TrainOptions& options_;
  const TrainingJob& job_;
  const TrainingPlan& plan_;
  const train::View& view_;
  train::Trainer& trainer_;
  const TaskContext& context_;
  Observer& observer_;
  const std::filesystem::path checkpoint_;
  const std::string settings_;
  std::optional<std::int64_t> written_;  // the iteration of the last checkpoint
  std::string unwritten_;
  void write_text_file(const std::string& file, const std::string& text) const;

  std::function<void()> guard_;
  std::function<void(const train::Row&)> keep_best_;
  std::chrono::steady_clock::time_point next_ = {};  // line of progress
};

}  // namespace resnet::cli

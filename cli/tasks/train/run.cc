#include "cli/tasks/train/run.h"

#include <fmt/format.h>

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "cli/tasks/progress.h"
#include "cli/tasks/sink.h"
#include "cli/tasks/train/curves.h"
#include "cli/tasks/train/files.h"
#include "cli/tasks/train/outlook.h"
#include "lib/arch/recognize.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace fs = std::filesystem;

TrainingRun::TrainingRun(const TrainOptions& options, const TrainingJob& job, const TrainingPlan& plan, const train::View& view,
                         train::Trainer& trainer, const TaskContext& context, fs::path checkpoint, std::string settings)
    : options_(options),
      job_(job),
      plan_(plan),
      view_(view),
      trainer_(trainer),
      context_(context),
      observer_(context.observer),
      checkpoint_(std::move(checkpoint)),
      settings_(std::move(settings)) {}

void TrainingRun::write_text_file(const std::string& file, const std::string& text) const {
  const std::unique_ptr<Sink> sink = context_.open(file);
  sink->write(text);
  sink->commit();
}

void TrainingRun::go_on() {
  const std::shared_ptr<void> time = context_.take_time();
  try {
    learn();
  } catch (const Error& error) {
    if (error.fault() != Fault::interrupted) throw;
    stop();
  }
}

void TrainingRun::learn() {
  const std::int64_t end = plan_.descent.schedule.iterations;
  for (;;) {
    const std::int64_t iteration = trainer_.iteration();
    const bool ends = iteration >= end;
    const bool has_row = !trainer_.rows().empty() && trainer_.rows().back().iteration == iteration;
    if (iteration > 0 && (ends || iteration % plan_.every == 0) && !has_row) {
      finish_row();
    } else if (ends) {
      write_down();  // what it was resumed for may be the files alone
    }
    if (ends) return;
    context_.stop.check();
    const train::Trainer::Step step = trainer_.step();
    tell(step);
  }
}

void TrainingRun::finish_row() {
  std::optional<train::Row> row;
  {
    Progress progress(observer_, "test pictures");
    row = trainer_.finish_row([&](std::size_t done) {
      progress.update(done, trainer_.tests());
      return !context_.stop.requested();
    });
  }
  if (!row) throw Error(Fault::interrupted, "interrupted");
  std::string text = fmt::format("iteration {}, epoch {:.1f}: loss {:.4f}, training error {:.2f} %", row->iteration, row->epoch,
                                 row->training_loss, 100 * row->training_error);
  if (row->test_error) text += fmt::format(", test error {:.2f} %", 100 * *row->test_error);
  observer_.note(fmt::format("{}, {:.0f} images/s", text, row->images_per_second));
  write_down();
}

// A file that cannot be written now is tried again with the next row: the run is worth more.
void TrainingRun::write_down() {
  if (guard_) guard_();
  unwritten_.clear();
  const auto tried = [&](const auto& write) {
    try {
      write();
      return true;
    } catch (const Error& error) {
      if (error.fault() != Fault::unwritable) throw;
      observer_.warning(error.what());
      return false;
    }
  };
  const auto best = train::best_of(trainer_.rows());
  if (keep_best_ && best && best->iteration == trainer_.iteration()) tried([&] { keep_best_(*best); });
  const auto tried_at_last = [&](const std::string& file, const auto& write) {
    if (!file.empty() && !tried(write)) unwritten_ = file;
  };
  if (tried([&] { save(); })) {
    written_ = trainer_.iteration();
  } else {
    observer_.warning(fmt::format("{}; the run continues", what_is_kept()));
  }
  tried_at_last(options_.log, [&] { write_text_file(options_.log, log_csv(trainer_.rows())); });
  tried_at_last(options_.curves, [&] {
    const Curve alone = curve_of("", std::span(&trainer_.rows(), 1));
    write_text_file(options_.curves, error_curves(std::span(&alone, 1), arch::describe(job_.spec)));
  });
}

void TrainingRun::save() { write_checkpoint(checkpoint_, job_.model, trainer_.checkpoint(), view_.pixel_mean, settings_); }

std::string TrainingRun::what_is_kept() const {
  return written_ ? fmt::format("{}: stays that of iteration {}", checkpoint_.string(), *written_)
                  : fmt::format("{}: there is no checkpoint yet", checkpoint_.string());
}

void TrainingRun::stop() {
  if (guard_) guard_();
  try {
    save();
    observer_.note(fmt::format("{}: iteration {} of {}; --resume continues from there", checkpoint_.string(),
                               trainer_.iteration(), plan_.descent.schedule.iterations));
  } catch (const Error& error) {
    if (error.fault() != Fault::unwritable) throw;
    observer_.warning(fmt::format("{}; {}", error.what(), what_is_kept()));
  }
  throw Error(Fault::interrupted, "interrupted");
}

void TrainingRun::tell(const train::Trainer::Step& step) {
  if (!observer_.shows_progress()) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::milliseconds(200);
  const std::int64_t end = plan_.descent.schedule.iterations;
  const double left = static_cast<double>(end - trainer_.iteration()) *
                      static_cast<double>(plan_.batch * plan_.descent.accumulate) / step.images_per_second;
  observer_.progress(fmt::format("iteration {}/{}  epoch {:.2f}  loss {:.4f}  accuracy {:.1f} %  {:.0f} images/s  {} left",
                                 trainer_.iteration(), end, trainer_.epoch(), step.mean_loss, 100 * step.accuracy,
                                 step.images_per_second, text_of_duration(left)));
}

}  // namespace resnet::cli

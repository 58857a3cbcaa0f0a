#include "cli/training/settings.h"

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <system_error>

#include "cli/parse.h"
#include "cli/preprocess.h"
#include "lib/arch/recognize.h"
#include "lib/base/digest.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace fs = std::filesystem;

std::string settings_text(const TrainOptions& options, const TrainingJob& job, const TrainingPlan& plan, const train::View& view,
                          std::size_t threads) {
  const train::Descent& d = plan.descent;
  std::string milestones;
  for (const std::int64_t m : d.schedule.milestones) milestones += fmt::format("{}{}", milestones.empty() ? "" : ",", m);
  return fmt::format(
      "network: {}\ninput: {}x{}\nstart: {}\nfreeze: {}\ntraining pictures: {}\nbatch size: {}\niterations: {}\n"
      "learning rate: {}\nschedule: {}\nmilestones: {}\nwarm-up: {}\nmomentum: {}\nweight decay: {}\ndecay: {}\n"
      "label smoothing: {}\naugmentation: {}\npreprocessing: {}\nseed: {}\nthreads: {}\n",
      arch::describe(job.spec), job.spec.height, job.spec.width, job.trained_start ? job.start : "anew", options.freeze,
      job.data.training.size(), plan.batch, d.schedule.iterations, d.schedule.rate, options.schedule, milestones,
      d.schedule.warmup, d.momentum, d.weight_decay, options.decay, d.label_smoothing, static_cast<int>(view.augmentation),
      describe(view.preprocessing), options.seed, threads);
}

std::string pictures_text(const train::Examples& examples, const std::vector<std::string>& labels) {
  std::string all;
  ThreadPool pool;
  for (const train::Example& example : examples.all()) {
    std::error_code ignored;
    const std::string what = example.file.empty()
                                 ? digest(std::as_bytes(std::span(example.pixels.rgb)), pool)
                                 : fmt::format("{}/{} {}", example.file.parent_path().filename().string(),
                                               example.file.filename().string(), fs::file_size(example.file, ignored));
    all += fmt::format("{} {}\n", example.truth, what);
  }
  for (const std::string& label : labels) all += label + "\n";
  return fmt::format("pictures that can be decoded: {}\npictures and classes: {}\n", examples.size(),
                     digest(std::as_bytes(std::span(all)), pool));
}

void check_settings(const std::string& file, const std::string& then, const std::string& now) {
  const std::vector<std::string> a = split(then, '\n'), b = split(now, '\n');
  for (std::size_t i = 0; i < b.size(); ++i) {
    if (i + 1 == b.size() && b[i].empty()) break;  // behind the last line
    const std::string left = i < a.size() ? a[i] : "", right = b[i];
    if (left == right) continue;
    throw Error(ErrorKind::usage, fmt::format("{}: the run that it is of has '{}', this one '{}': it can be gone on with where "
                                              "both are the same; --restart begins anew",
                                              file, left, right));
  }
}

}  // namespace resnet::cli

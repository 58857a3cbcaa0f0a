#include "cli/tasks/train/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <mutex>
#include <optional>
#include <span>
#include <string_view>

#include "cli/tasks/identity/text.h"
#include "cli/tasks/train/recipe.h"
#include "lib/base/digest.h"
#include "lib/base/error.h"
#include "lib/kernels/isa.h"

namespace resnet::cli {

Identity training_identity(const TrainOptions& options, const TrainingJob& job, const TrainingPlan& plan, const train::View& view,
                           std::size_t threads) {
  const train::Descent& d = plan.descent;
  Identity identity;
  identity.networks.push_back({.name = job.trained_start ? job.start_file : job.spec.name,
                               .model = job.trained_start ? job.start : "anew",
                               .data = job.start_data,
                               .preparation = text_of(view.preprocessing)});
  identity.labels = text_of_labels(job.model.labels);
  identity.instruction_set = kernels::instruction_set();
  identity.version = RESNET_VERSION;
  const auto add = [&](const char* key, const auto& value) { identity.training.emplace_back(key, fmt::format("{}", value)); };
  add("network", text_of_built(job.spec, arch::Init::he, options.seed));
  add("frozen", word_of(options.freeze));
  add("training pictures", job.data.training.size());
  add("batch size", plan.batch);
  add("batches accumulated", d.accumulate);
  add("iterations", d.schedule.iterations);
  add("learning rate", d.schedule.rate);
  add("schedule", word_of(d.schedule.kind));
  add("milestones", fmt::format("{}", fmt::join(d.schedule.milestones, ",")));
  // What the log's lines decide depends on how many there are.
  const bool plateau = d.schedule.kind == train::Schedule::Kind::plateau, by_error = d.schedule.warmup_error > 0;
  add("patience", plateau ? fmt::format("{} lines of {} iterations", d.schedule.patience, plan.every) : "of none");
  add("warm-up", by_error ? fmt::format("until error {:g}, lines of {} iterations", d.schedule.warmup_error, plan.every)
                          : fmt::format("{}", d.schedule.warmup));
  add("momentum", d.momentum);
  add("weight decay", d.weight_decay);
  add("decay of", word_of(options.decay));
  add("label smoothing", d.label_smoothing);
  add("augmentation", word_of(view.augmentation));
  add("colors", word_of(view.color_source));
  add("mean", wants_pixel_mean(options) ? "of the pictures" : view.pixel_mean.empty() ? "of channels" : "of the start");
  const auto share = held_out(options);
  add("held out", share ? fmt::format("{:g}", *share) : "none");
  add("seed", options.seed);
  add("threads", threads);
  return identity;
}

std::string text_of_pictures(const train::Examples& examples, ThreadPool& pool, const Stop& stop) {
  std::vector<std::string> contents(examples.size());
  std::mutex mutex;
  std::optional<Error> failure;  // of one of them; no exception may pass through the pool
  pool.parallel_for(examples.size(), 16, [&](std::size_t begin, std::size_t end) {
    ThreadPool alone(1);
    for (std::size_t i = begin; i < end && !stop.requested(); ++i) {
      const train::Example& example = examples[i];
      try {
        contents[i] = example.file.empty() ? digest(std::as_bytes(std::span(example.pixels.rgb)), alone)
                                           : digest_of_file(example.file, alone, Role::input);
      } catch (const Error& error) {
        const std::lock_guard lock(mutex);
        if (!failure) failure = error;
      }
    }
  });
  stop.check();
  if (failure) throw Error(*failure);
  std::string all;
  for (std::size_t i = 0; i < contents.size(); ++i) all += fmt::format("{} {}\n", examples[i].truth, contents[i]);
  return fmt::format("{} (digest {})", examples.size(), digest(all));
}

void check_settings(const std::string& file, const std::string& then, const Identity& now, bool pictures_are_known) {
  Identity of_checkpoint;
  try {
    if (!then.starts_with('{'))
      throw Error(Fault::invalid,
                  "was written by version 0.1.0, which does not say what decides its bits; --restart starts over");
    of_checkpoint = identity_from_json(then);
  } catch (Error& error) {
    error.in(Frame::file(Role::argument, file));
    throw;
  }
  const auto different =
      pictures_are_known ? differences(of_checkpoint, now) : differences(of_checkpoint, now, {"pictures", "test pictures"});
  if (different.empty()) return;
  throw Error(
      Fault::invalid,
      fmt::format("{}: the checkpoint was written with {}, but this run has {}; resume with the same settings, or --restart",
                  file, left_of(different), right_of(different)));
}

}  // namespace resnet::cli

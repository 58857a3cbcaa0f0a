#include "cli/tasks/train/recipe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "lib/arch/recognize.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"

namespace resnet::cli {

namespace {

constexpr double share_of_split = 0.1;  // 5,000 of CIFAR-10's 50,000

template <typename T>
void set_where_open(std::optional<T>& option, T value) {
  if (!option) option = value;
}

void set_where_open(std::string& option, const char* value) {
  if (option.empty()) option = value;
}

std::string text_of_schedule(const TrainingPlan& plan) {
  const train::Schedule& schedule = plan.descent.schedule;
  switch (schedule.kind) {
    case train::Schedule::Kind::step: return fmt::format("divided by 10 at {}", fmt::join(schedule.milestones, " and "));
    case train::Schedule::Kind::cosine: return "down to 0 at the end along a cosine";
    case train::Schedule::Kind::plateau:
      return fmt::format("divided by 10 when the error plateaus: {} lines of the log without a lower one", schedule.patience);
  }
  __builtin_unreachable();
}

std::string text_of_warm_up(const train::Schedule& schedule) {
  if (schedule.warmup_error > 0)
    return fmt::format("{:g} until the training error is under {:g} %", schedule.rate / 10, 100 * schedule.warmup_error);
  if (schedule.warmup > 0) return fmt::format("{:g} for {} iterations", schedule.rate / 10, schedule.warmup);
  return "none";
}

std::string text_of_augmentation(train::Augmentation augmentation, const arch::Spec& spec) {
  const std::int64_t side = std::max(spec.height, spec.width);
  const std::string crop = spec.height == spec.width ? fmt::format("{}", side) : fmt::format("{}x{}", spec.height, spec.width);
  switch (augmentation) {
    case train::Augmentation::none: return "none";
    case train::Augmentation::cifar:
      return fmt::format("padded by 4 pixels on each side, a random crop of {}, mirrored every other time", crop);
    case train::Augmentation::imagenet:
      return fmt::format("shorter side to a random length from {} to {}, a random crop of {}, mirrored every other time",
                         side * 256 / 224, side * 480 / 224, crop);
  }
  __builtin_unreachable();
}

std::string text_of_colors(const TrainOptions& options, train::Augmentation augmentation) {
  if (augmentation != train::Augmentation::imagenet) return "as they are";
  switch (options.colors.value_or(train::Colors::data)) {
    case train::Colors::published: return "shifted along ImageNet's principal components as they were published";
    case train::Colors::data: return "shifted along the training pictures' principal components";
    case train::Colors::none: return "as they are";
  }
  __builtin_unreachable();
}

}  // namespace

TrainOptions with_recipe(TrainOptions options) {
  if (!options.recipe) return options;
  const bool is_open = options.iterations == 0 && options.epochs.empty();
  set_where_open(options.learning_rate, "0.1");
  set_where_open(options.momentum, "0.9");
  set_where_open(options.weight_decay, "1e-4");
  set_where_open(options.preprocess.mean, pixel_mean_word);
  set_where_open(options.preprocess.std, "1");
  switch (*options.recipe) {
    case Recipe::paper_imagenet:
      if (is_open) options.iterations = 600'000;
      set_where_open(options.schedule, train::Schedule::Kind::plateau);
      set_where_open(options.augmentation, train::Augmentation::imagenet);
      set_where_open(options.colors, train::Colors::published);
      break;
    case Recipe::paper_cifar:
      if (is_open) options.iterations = 64'000;
      set_where_open(options.schedule, train::Schedule::Kind::step);  // at 1/2 and 3/4: 32k and 48k
      set_where_open(options.augmentation, train::Augmentation::cifar);
      break;
  }
  return options;
}

std::int64_t usual_batch(const TrainOptions& options, const arch::Spec& spec) {
  if (options.recipe) return *options.recipe == Recipe::paper_imagenet ? 256 : 128;
  return spec.height < 64 ? 128 : 32;
}

void check_recipe(const TrainOptions& options, const arch::Spec& spec) {
  if (!options.recipe) return;
  const Recipe right = spec.stem == arch::Stem::cifar ? Recipe::paper_cifar : Recipe::paper_imagenet;
  if (*options.recipe == right) return;
  throw Error(Fault::invalid, fmt::format("--recipe {} is not for {}; expected {}", word_of(*options.recipe),
                                          arch::describe(spec), word_of(right)));
}

std::optional<double> held_out(const TrainOptions& options) {
  if (options.split && !options.validation.empty())
    throw Error(Fault::invalid, "--split and --validation: both say what is tested on, expected one of them");
  if (options.split) return share_of_split;
  const auto number = parse_number(options.validation);
  std::error_code ignored;
  if (!number || std::filesystem::exists(options.validation, ignored)) return std::nullopt;
  const double share = std::strtod(options.validation.c_str(), nullptr);
  if (share <= 0 || share >= 1) {
    throw Error(Fault::invalid, fmt::format("--validation: expected data, or a share of the training pictures above 0 and below "
                                            "1, got '{}'",
                                            options.validation));
  }
  return share;
}

bool wants_pixel_mean(const TrainOptions& options) { return options.preprocess.mean == pixel_mean_word; }

train::Augmentation augmentation_of(const TrainOptions& options, const arch::Spec& spec) {
  const bool simple = spec.height <= 64 || options.freeze == train::Frozen::backbone;
  return options.augmentation.value_or(simple ? train::Augmentation::cifar : train::Augmentation::imagenet);
}

std::vector<Setting> settings_of(const TrainOptions& options, const TrainingJob& job, const TrainingPlan& plan) {
  const train::Descent& descent = plan.descent;
  const train::Augmentation augmentation = augmentation_of(options, job.spec);
  const auto share = held_out(options);
  const std::int64_t images = plan.batch * descent.accumulate;
  return {
      {"batch", fmt::format("{}", images)},
      {"parts of a batch", fmt::format("{}", descent.accumulate)},
      {"iterations", fmt::format("{}", descent.schedule.iterations)},
      {"learning rate", fmt::format("{:g}", descent.schedule.rate)},
      {"schedule", text_of_schedule(plan)},
      {"warm-up", text_of_warm_up(descent.schedule)},
      {"momentum", fmt::format("{:g}", descent.momentum)},
      {"weight decay", fmt::format("{:g}{}", descent.weight_decay, descent.decay_all ? "" : " of weights only")},
      {"label smoothing", descent.label_smoothing > 0 ? fmt::format("{:g}", descent.label_smoothing) : "none"},
      {"dropout", "none"},
      {"augmentation", text_of_augmentation(augmentation, job.spec)},
      {"colors", text_of_colors(options, augmentation)},
      {"mean", wants_pixel_mean(options) ? "of each pixel, subtracted" : "of each channel, subtracted"},
      {"held out to test on", share ? fmt::format("{:g} % of each class", 100 * *share) : "none of the training pictures"},
      {"start", job.trained_start ? job.start_file : fmt::format("He initialisation, seed {}", options.seed)},
  };
}

std::vector<std::string> changes_of_recipe(const TrainOptions& given, const TrainingJob& job) {
  if (!given.recipe) return {};
  TrainOptions alone;
  alone.arguments = given.arguments;
  alone.init = given.init;
  alone.seed = given.seed;
  alone.recipe = given.recipe;
  const auto settings = [&](const TrainOptions& options) {
    const TrainOptions whole = with_recipe(options);
    return settings_of(whole, job, plan_of(whole, job));
  };
  const std::vector<Setting> now = settings(given), recipe = settings(alone);
  std::vector<std::string> changes;
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (now[i].second == recipe[i].second || now[i].first == "held out to test on") continue;
    changes.push_back(fmt::format("{} {} in place of the recipe's {}", now[i].first, now[i].second, recipe[i].second));
  }
  return changes;
}

}  // namespace resnet::cli

#include "cli/tasks/train/job.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "cli/tasks/identity/text.h"
#include "cli/tasks/named.h"
#include "cli/tasks/open/model.h"
#include "cli/tasks/open/source.h"
#include "cli/tasks/prepare/preprocess.h"
#include "cli/tasks/train/recipe.h"
#include "formats/table/text.h"
#include "lib/arch/recognize.h"
#include "lib/base/digest.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"
#include "lib/train/constants.h"
#include "lib/train/pixel_mean.h"
#include "lib/train/transfer.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

double parse_positive(const char* option, const std::string& text, double most, bool zero) {
  const auto value = parse_number(text);
  if (!value || *value < 0 || (!zero && *value == 0) || static_cast<double>(*value) > most) {
    throw Error(Fault::invalid,
                fmt::format("{}: expected a number {} and up to {}, got '{}'", option, zero ? "from 0" : "above 0", most, text));
  }
  return std::strtod(text.c_str(), nullptr);
}

std::optional<std::int64_t> asked_classes(const TrainOptions& options) {
  return options.classes > 0 ? std::optional(options.classes) : std::nullopt;
}

// No more than the network has; of fewer, nothing is learnt of the others.
void check_count(const std::string& folder, const TrainingJob& job, Observer& observer) {
  const auto found = static_cast<std::int64_t>(job.data.classes.size());
  if (found > job.spec.classes) {
    throw Error(Fault::invalid,
                fmt::format("{}: holds {} classes, but the network has {}; --classes {} gives it a new classifier", folder, found,
                            job.spec.classes, found));
  }
  if (found < job.spec.classes) {
    observer.warning(fmt::format("--classes {}: {} holds pictures of {} classes; the last {} of the network will not be learnt",
                                 job.spec.classes, folder, found, job.spec.classes - found));
  }
}

std::vector<std::string> labels_of(const std::vector<std::string>& names, std::int64_t classes) {
  std::vector<std::string> labels = names;
  while (static_cast<std::int64_t>(labels.size()) < classes) labels.push_back(fmt::format("class {}", labels.size()));
  return labels;
}

// What is asked for by the arguments and --init.
struct Start {
  ArchOptions arch;
  std::optional<arch::Spec> named;  // a network by its name
  std::string start;                // a trained one's file, or ""
  std::string data;
};

Start understand(const TrainOptions& options) {
  const std::vector<std::string>& arguments = options.arguments;
  if (arguments.size() > 2) throw Error(Fault::invalid, fmt::format("'{}': expected the network and one DATA", arguments[2]));
  const bool only_data = arguments.size() == 1;
  if (arguments.empty() || (only_data && options.init.empty()))
    throw Error(Fault::invalid, "expected the network and DATA, or --init and DATA");
  Start asked;
  asked.arch.variant = options.variant;
  asked.arch.shortcut = options.shortcut;
  asked.arch.zero_channels = options.zero_channels;
  asked.arch.seed = options.seed;
  asked.arch.arch = options.arch;
  asked.start = options.init;
  asked.data = arguments.back();
  if (!only_data) asked.named = find_arch(arguments[0], asked.arch);
  std::error_code ignored;
  if (!only_data && !asked.named) {
    if (!fs::exists(arguments[0], ignored) && !is_model(arguments[0])) throw Error(Fault::invalid, unknown_arch(arguments[0]));
    if (!options.init.empty()) throw Error(Fault::invalid, "a model file and --init: expected one of them");
    asked.start = arguments[0];
  }
  for (const std::string& word : {held_out(options) ? std::string() : options.validation, asked.data}) {
    if (!word.empty() && !fs::exists(word, ignored))
      throw Error(Fault::invalid, fmt::format("{}: there is no such file or folder", word));
  }
  return asked;
}

TestOn tests_of(const TrainOptions& options) {
  const auto share = held_out(options);
  return {share ? "" : options.validation, share, options.seed};
}

// A network whose classes are the folders' names.
void load_new_classes(const TrainOptions& options, const std::string& data, TrainingJob& job, Observer& observer,
                      const Stop& stop) {
  job.data = load_training_data(data, tests_of(options), std::nullopt, 0, stop);
  if (!job.trained_start)
    job.spec.classes = options.classes > 0 ? options.classes : static_cast<std::int64_t>(job.data.classes.size());
  check_count(data, job, observer);
  job.model.labels = labels_of(job.data.classes, job.spec.classes);
}

// A network that keeps its classes. Folders that are none of them by name are so by their number alone, which has to be the same.
void load_known_classes(const TrainOptions& options, const std::string& data, const std::vector<std::string>& labels,
                        TrainingJob& job, const Stop& stop) {
  try {
    job.data = load_training_data(data, tests_of(options), std::span(labels), job.spec.classes, stop);
  } catch (Error& error) {
    if (error.fault() == Fault::invalid) error.in(Frame::option("--classes N makes a new classifier of the folders' names"));
    throw;
  }
  job.model.labels = labels;
}

// What the trained start is, whatever its name.
void identify_start(const Source& source, const Model& model, TrainingJob& job) {
  ThreadPool pool;
  job.start_file = source.name();
  job.start = (source.is_built_in() ? "built in, " : "") + text_of_digest(source.digest(pool));
  for (const std::string& data : model.data_files) {
    job.start_data_files.push_back(fs::path(source.name()).parent_path() / data);
    job.start_data[table::printable(data)] = digest_of_file(job.start_data_files.back(), pool);
  }
}

// Where a network's name and a trained start are both given.
void check_named(const std::string& file, arch::Spec named, const arch::Spec& found) {
  named.classes = found.classes;
  named.height = found.height;
  named.width = found.width;
  if (arch::describe(named) == arch::describe(found)) return;
  throw Error(Fault::invalid, fmt::format("{}: is {}, expected {}", file, arch::describe(found), arch::describe(named)));
}

void read_start(const TrainOptions& options, const Start& asked, TrainingJob& job, Observer& observer, const Stop& stop) {
  job.trained_start = true;
  const Source source(asked.start);
  const Model imported = read_model_file(source, asked.arch, observer);
  stop.check();
  train::Transferred start =
      named(asked.start, [&] { return train::transfer(imported.graph, asked_classes(options), options.seed); });
  job.spec = start.spec;
  if (asked.named) check_named(asked.start, *asked.named, job.spec);
  job.unfolded = start.unfolded;
  job.pixel_mean = train::find_pixel_mean(imported.graph).value_or(std::vector<float>());
  identify_start(source, imported, job);
  job.model.preprocessing = imported.preprocessing;
  if (!imported.preprocessing && !options.preprocess.preprocess) {
    // As predict guesses it of that file.
    const ChosenPreprocessing guess =
        choose_preprocessing({}, imported, find_image_input(imported.graph), start.imported_classes);
    job.model.preprocessing = guess.preprocessing;
    job.guessed_by = guess.guessed_by;
  }
  job.model.provenance.producer_name = imported.provenance.producer_name;
  job.model.graph = std::move(start.graph);
  if (start.new_classifier) {
    load_new_classes(options, asked.data, job, observer, stop);
  } else {
    load_known_classes(options, asked.data, imported.labels, job, stop);
  }
}

}  // namespace

TrainingJob prepare_training(const TrainOptions& options, Observer& observer, const Stop& stop) {
  const Start asked = understand(options);
  TrainingJob job;
  if (asked.start.empty()) {
    job.spec = *asked.named;
    load_new_classes(options, asked.data, job, observer, stop);
  } else {
    read_start(options, asked, job, observer, stop);
  }
  if (options.size > 0) job.spec.height = job.spec.width = options.size;
  check_recipe(options, job.spec);
  if (job.trained_start) {
    // The same parameters, whatever the size.
    const Graph sized = arch::build(job.spec, {.init = arch::Init::zeros});
    job.model.graph = train::with_parameters_of(sized, job.model.graph);
  } else {
    job.model.graph = arch::build(job.spec, {.seed = options.seed});
  }
  job.model.spec = job.spec;
  return job;
}

train::View view_of(const TrainOptions& options, TrainingJob& job, Observer& observer) {
  const ImageInput input = find_image_input(job.model.graph);
  PreprocessOptions asked = options.preprocess;
  if (wants_pixel_mean(options)) asked.mean = "0";  // the mean picture has all of it
  const ChosenPreprocessing chosen = choose_preprocessing(asked, job.model, input, job.spec.classes);
  job.model.preprocessing = chosen.preprocessing;
  train::View view;
  view.height = static_cast<int>(job.spec.height);
  view.width = static_cast<int>(job.spec.width);
  view.preprocessing = chosen.preprocessing;
  view.augmentation = augmentation_of(options, job.spec);
  const bool shifts = view.augmentation == train::Augmentation::imagenet;
  view.color_source = shifts ? options.colors.value_or(train::Colors::data) : train::Colors::none;
  if (options.preprocess.mean.empty()) {
    view.pixel_mean = job.pixel_mean;
    const std::size_t values = 3 * static_cast<std::size_t>(view.height) * static_cast<std::size_t>(view.width);
    if (!view.pixel_mean.empty() && view.pixel_mean.size() != values) {
      throw Error(Fault::invalid, fmt::format("{}: its mean picture has another size than {}x{}; --mean {} makes one of DATA",
                                              job.start_file, view.height, view.width, pixel_mean_word));
    }
  }
  const std::string shown = describe(chosen.preprocessing);
  if (job.guessed_by.empty()) {
    observer.detail(fmt::format("preprocessing {}", shown));
  } else {
    observer.warning(describe_guess(job.guessed_by, shown));
  }
  return view;
}

namespace {

std::vector<std::int64_t> parse_milestones(const std::string& text) {
  std::vector<std::int64_t> milestones;
  for (const std::string& word : split(text, ',')) {
    const auto number = parse_integer(word);
    if (!number || *number < 1)
      throw Error(Fault::invalid, fmt::format("--milestones: expected iterations such as 32000,48000, got '{}'", text));
    milestones.push_back(*number);
  }
  return milestones;
}

// Iterations, or "80%"; by default section 4.2's of the nets that need it.
void set_warm_up(const TrainOptions& options, const TrainingJob& job, train::Schedule& schedule) {
  const std::string& text = options.warmup;
  if (text.empty()) {
    const bool deep = job.spec.stem == arch::Stem::cifar && arch::depth_of(job.spec) >= 110;
    if (deep && !job.trained_start) schedule.warmup_error = 0.8;
  } else if (text.ends_with('%')) {
    schedule.warmup_error = parse_positive("--warmup", text.substr(0, text.size() - 1), 100, false) / 100;
  } else {
    const auto number = parse_integer(text);
    if (!number || *number < 0)
      throw Error(Fault::invalid, fmt::format("--warmup: expected iterations, or a training error such as 80%, got '{}'", text));
    schedule.warmup = *number;
  }
}

std::int64_t batch_of(const TrainOptions& options, const TrainingJob& job) {
  if (options.batch > 0) return options.batch;
  const std::int64_t whole = usual_batch(options, job.spec);
  if (whole % options.accumulate != 0 || whole / options.accumulate < 2) {
    throw Error(Fault::invalid, fmt::format("--accumulate {}: does not divide the batch of {} into parts of 2 images and more; "
                                            "--batch-size gives the size of a part",
                                            options.accumulate, whole));
  }
  return whole / options.accumulate;
}

}  // namespace

TrainingPlan plan_of(const TrainOptions& options, const TrainingJob& job) {
  constexpr double epochs_from_scratch = 90, epochs_of_start = 10;
  TrainingPlan plan;
  const auto examples = static_cast<double>(job.data.training.size());
  plan.batch = batch_of(options, job);
  plan.descent.accumulate = options.accumulate;
  const auto images = static_cast<double>(plan.batch * options.accumulate);
  if (!options.epochs.empty() && options.iterations > 0)
    throw Error(Fault::invalid, "--epochs and --iterations say the same thing, expected one of them");
  std::int64_t iterations = options.iterations;
  if (iterations == 0) {
    const double epochs = !options.epochs.empty() ? parse_positive("--epochs", options.epochs, 1e6, false)
                          : job.trained_start     ? epochs_of_start
                                                  : epochs_from_scratch;
    iterations = std::max<std::int64_t>(1, std::llround(epochs * examples / images));
  }
  train::Schedule& schedule = plan.descent.schedule;
  schedule.kind = options.schedule.value_or(train::Schedule::Kind::step);
  schedule.rate = options.learning_rate.empty() ? (job.trained_start ? 0.01 : 0.1)
                                                : parse_positive("--learning-rate", options.learning_rate, 1e6, false);
  schedule.iterations = iterations;
  schedule.milestones = {iterations / 2, iterations * 3 / 4};
  if (!options.milestones.empty()) schedule.milestones = parse_milestones(options.milestones);
  schedule.patience = options.patience;
  set_warm_up(options, job, schedule);
  const auto number = [](const char* option, const std::string& text, double usual) {
    return text.empty() ? usual : parse_positive(option, text, 1, true);
  };
  plan.descent.momentum = number("--momentum", options.momentum, 0.9);
  plan.descent.weight_decay = number("--weight-decay", options.weight_decay, 1e-4);
  plan.descent.decay_all = options.decay == Decay::all;
  plan.descent.label_smoothing = parse_positive("--label-smoothing", options.label_smoothing, 0.99, true);
  plan.descent.seed = options.seed;
  // An epoch; of few pictures several, so that tests do not take more time than what is tested.
  const double between = std::max(examples, 2.0 * static_cast<double>(job.data.test.size()));
  plan.every = options.every > 0 ? options.every : std::max<std::int64_t>(1, std::llround(std::ceil(between / images)));
  return plan;
}

}  // namespace resnet::cli

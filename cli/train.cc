// `train ARCH|MODEL DATA -o OUT`: the paper's networks learn, and networks that have learnt are fine-tuned.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/model.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/preprocess.h"
#include "cli/progress.h"
#include "cli/training_data.h"
#include "cli/training_files.h"
#include "formats/native/native.h"
#include "formats/onnx/write.h"
#include "lib/arch/recognize.h"
#include "lib/base/digest.h"
#include "lib/base/error.h"
#include "lib/base/interrupt.h"
#include "lib/train/constants.h"
#include "lib/train/openmp.h"
#include "lib/train/trainer.h"
#include "lib/train/transfer.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

struct TrainOptions {
  std::vector<std::string> arguments;
  std::string output, validation, init, freeze = "none", variant, shortcut;
  std::string schedule = "step", milestones, augmentation = "auto", decay = "all", checkpoint, log, curves;
  std::string learning_rate, momentum = "0.9", weight_decay = "1e-4", label_smoothing = "0", epochs;
  std::int64_t classes = 0, size = 0, batch = 0, iterations = 0, warmup = -1, every = 0, memory = 4096;
  std::uint64_t seed = 0;
  bool resume = false, restart = false;
  PreprocessOptions preprocess;
};

void setup(CLI::App& app, TrainOptions& options) {
  app.add_option("arguments", options.arguments,
                 "the network, an architecture's name or a model file that goes on learning, and the data: a folder per class, a "
                 "folder that has such folders as train and val (or test), or CIFAR-10's binary batches")
      ->type_name("FILE|ARCH")
      ->option_text("[ARCH|MODEL] DATA")
      ->required();
  add_text(app, "-o,--output", options.output, "FILE", "the .onnx or .resnet file to write when the run has ended")->required();
  add_text(app, "--validation", options.validation, "FILE",
           "data to test on (default: val or test beside train, test_batch.bin)");

  std::string group = "Network";
  add_text(app, "--init", options.init, "FILE", "a trained network of the same architecture to start from")->group(group);
  add_integer(app, "--classes", options.classes, 2, 1'000'000,
              "a new classifier for so many classes (default: as many as DATA has folders; a model keeps its own)")
      ->group(group);
  add_text(app, "--freeze", options.freeze, "none|backbone|conv1|conv2_x|conv3_x|conv4_x|conv5_x",
           "what keeps its weights: all but the classifier, or every stage up to this one")
      ->capture_default_str()
      ->group(group);
  add_choice(app, "--variant", options.variant, "v1|v1.5", "where a bottleneck has its stride (default: v1.5)")->group(group);
  add_choice(app, "--shortcut", options.shortcut, "A|B|C", "the paper's shortcuts (default: B, the CIFAR nets A)")->group(group);
  add_integer(app, "--size", options.size, 8, 4096, "height and width that it sees (default: 224, the CIFAR nets 32)")
      ->group(group);
  add_integer(
      app, "--seed", options.seed, 0, std::numeric_limits<std::int64_t>::max(),
      "of everything random: initial weights, order, augmentation; with it and --threads a run can be repeated bit for bit")
      ->capture_default_str()
      ->group(group);

  group = "Descent";
  add_integer(app, "--batch-size", options.batch, 2, 65536, "images a step (default: 128, of 64x64 and larger 32)")->group(group);
  add_text(app, "--epochs", options.epochs, "N", "how often each image is seen, 0.5 is half of them once")->group(group);
  add_integer(
      app, "--iterations", options.iterations, 1, 1'000'000'000,
      "steps in place of --epochs (default: the paper's 64000, or 600000 for ImageNet's nets; 10 epochs with a trained start)")
      ->group(group);
  add_text(app, "--learning-rate", options.learning_rate, "NUMBER", "at the start (default: 0.1, with a trained start 0.01)")
      ->group(group);
  add_choice(app, "--schedule", options.schedule, "step|cosine", "step: a tenth at each milestone; cosine: down to 0 at the end")
      ->capture_default_str()
      ->group(group);
  add_text(app, "--milestones", options.milestones, "NUMBERS", "iterations of the step schedule (default: at 1/2 and 3/4)")
      ->group(group);
  add_integer(app, "--warmup", options.warmup, 0, 1'000'000'000,
              "iterations at a tenth of the rate in front (default: 400 for nets of 110 layers and more, else 0)")
      ->group(group);
  add_text(app, "--momentum", options.momentum, "NUMBER", "of the descent")->capture_default_str()->group(group);
  add_text(app, "--weight-decay", options.weight_decay, "NUMBER", "of the descent")->capture_default_str()->group(group);
  add_choice(app, "--decay", options.decay, "all|weights", "what decays: all parameters, or no batch norm and no biases")
      ->capture_default_str()
      ->group(group);
  add_text(app, "--label-smoothing", options.label_smoothing, "FRACTION", "of the target that all classes share")
      ->capture_default_str()
      ->group(group);
  add_choice(app, "--augmentation", options.augmentation, "auto|none|cifar|imagenet",
             "cifar: pad 4, random crop, mirror; imagenet: random scale and crop, mirror, colours; auto: by the size, cifar with "
             "a frozen backbone")
      ->capture_default_str()
      ->group(group);
  add_integer(app, "--memory", options.memory, 0, 1'000'000,
              "MiB of decoded pictures to keep; the rest is decoded again and again")
      ->capture_default_str()
      ->group(group);

  group = "Files of a run";
  add_text(app, "--checkpoint", options.checkpoint, "FILE",
           "where the run is written down, whole or not at all (default: OUTPUT.checkpoint.resnet); gone when it has ended")
      ->group(group);
  add_integer(app, "--every", options.every, 1, 1'000'000'000,
              "iterations between checkpoints, which are the log's lines and tests, too (default: an epoch, or twice as many "
              "pictures as there are to test)")
      ->group(group);
  app.add_flag("--resume", options.resume, "go on from the checkpoint, bit for bit; without one the run begins")->group(group);
  app.add_flag("--restart", options.restart, "begin anew though there is a checkpoint")->group(group);
  add_text(app, "--log", options.log, "FILE", "a CSV: loss, error and speed over iterations")->group(group);
  add_text(app, "--curves", options.curves, "FILE", "an SVG: training and test error over iterations, as the paper's Figure 6")
      ->group(group);
  add_preprocess_options(app, options.preprocess, "Preparation");
  app.footer(
      "Ctrl-C ends the step, writes the checkpoint and stops; pressed again it stops at once. Pictures that cannot be decoded "
      "are\n"
      "named, counted and left out; the exit code is 5 then.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli train resnet20 cifar10 -o resnet20.onnx --epochs 20 --schedule cosine --log run.csv --curves run.svg\n"
      "  resnet-cli train resnet20 cifar10 -o resnet20.onnx --epochs 20 --schedule cosine --resume\n"
      "  resnet-cli train resnet18 photos -o mine.onnx --init resnet18.onnx --classes 10 --freeze backbone\n"
      "  resnet-cli train resnet56 cifar-10-batches-bin -o resnet56.onnx --shortcut B --iterations 64000");
}

double parse_positive(const char* option, const std::string& text, double most, bool zero) {
  const auto value = parse_number(text);
  if (!value || *value < 0 || (!zero && *value == 0) || static_cast<double>(*value) > most) {
    throw Error(ErrorKind::usage, fmt::format("{}: expected a number {} and up to {:g}, got '{}'", option,
                                              zero ? "from 0" : "above 0", most, text));
  }
  return std::strtod(text.c_str(), nullptr);
}

// What is trained and on what.
struct Job {
  Model model;  // what will be written, its graph as it is at the start
  arch::Spec spec;
  bool trained_start = false;
  std::size_t unfolded = 0;  // batch norms that stand apart again and have no figures yet
  std::string start;         // what the trained start is: its digest
  std::string guessed_by;    // why its pictures are prepared as they are, where it does not tell
  TrainingData data;
};

std::optional<std::int64_t> asked_classes(const TrainOptions& options) {
  return options.classes > 0 ? std::optional(options.classes) : std::nullopt;
}

// No more than the network has.
void check_count(const std::string& folder, const Job& job) {
  const auto found = static_cast<std::int64_t>(job.data.classes.size());
  if (found > job.spec.classes) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: holds {} classes, but the network has {}; --classes {} gives it a new classifier", folder, found,
                            job.spec.classes, found));
  }
}

std::vector<std::string> labels_of(const std::vector<std::string>& names, std::int64_t classes) {
  std::vector<std::string> labels = names;
  while (static_cast<std::int64_t>(labels.size()) < classes) labels.push_back(fmt::format("class {}", labels.size()));
  return labels;
}

std::string digest_of_start(const std::string& file) {
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return file;  // what is built in
  ThreadPool pool;
  return digest_of_file(file, pool);
}

Job prepare(const TrainOptions& options, Context& context) {
  std::vector<std::string> arguments = options.arguments;
  if (arguments.size() > 2) throw Error(ErrorKind::usage, fmt::format("'{}': expected the network and one DATA", arguments[2]));
  const bool only_data = arguments.size() == 1;
  if (only_data && options.init.empty()) throw Error(ErrorKind::usage, "expected the network and DATA, or --init and DATA");
  const std::string network = only_data ? "" : arguments[0], data = arguments.back();
  ArchOptions arch;
  arch.variant = options.variant;
  arch.shortcut = options.shortcut;
  arch.seed = options.seed;
  const std::optional<arch::Spec> named = only_data ? std::nullopt : find_arch(network, arch);
  std::string file = options.init;
  if (!only_data && !named) {
    std::error_code ignored;
    if (!fs::exists(network, ignored) && !is_model(network)) throw Error(ErrorKind::usage, unknown_arch(network));
    if (!file.empty()) throw Error(ErrorKind::usage, "a model file and --init: expected one of them");
    file = network;
  }
  for (const std::string& word : {options.validation, data}) {
    std::error_code ignored;
    if (!word.empty() && !fs::exists(word, ignored))
      throw Error(ErrorKind::usage, fmt::format("{}: there is no such file or folder", word));
  }

  Job job;
  if (file.empty()) {
    job.spec = *named;
    job.data = load_training_data(data, options.validation, std::nullopt, 0);
    job.spec.classes = options.classes > 0 ? options.classes : static_cast<std::int64_t>(job.data.classes.size());
    check_count(data, job);
    job.model.labels = labels_of(job.data.classes, job.spec.classes);
  } else {
    job.trained_start = true;
    Model imported = read_model_file(file, arch, context);
    train::Transferred start;
    try {
      start = train::transfer(imported.graph, asked_classes(options), options.seed);
    } catch (Error& error) {
      error.add_context(file);
      throw;
    }
    job.spec = start.spec;
    if (named) {
      arch::Spec expected = *named;
      expected.classes = job.spec.classes;
      expected.height = job.spec.height;
      expected.width = job.spec.width;
      if (arch::describe(expected) != arch::describe(job.spec)) {
        throw Error(ErrorKind::usage,
                    fmt::format("{}: is {}, expected {}", file, arch::describe(job.spec), arch::describe(expected)));
      }
    }
    job.unfolded = start.unfolded;
    job.start = digest_of_start(file);
    job.model.preprocessing = imported.preprocessing;
    if (!imported.preprocessing && options.preprocess.preprocess.empty()) {
      // As predict guesses it of that file.
      const ChosenPreprocessing guess =
          choose_preprocessing({}, imported, find_image_input(imported.graph), start.imported_classes);
      job.model.preprocessing = guess.preprocessing;
      job.guessed_by = guess.guessed_by;
    }
    job.model.provenance.producer_name = imported.provenance.producer_name;
    job.model.graph = std::move(start.graph);
    if (start.new_classifier) {
      job.data = load_training_data(data, options.validation, std::nullopt, 0);
      check_count(data, job);
      job.model.labels = labels_of(job.data.classes, job.spec.classes);
    } else {
      // Folders that are no classes of the network by name are so by their number alone, which has to be the same.
      try {
        job.data = load_training_data(data, options.validation, std::span<const std::string>(imported.labels), job.spec.classes);
      } catch (Error& error) {
        if (error.kind() == ErrorKind::usage) error.add_context("--classes N makes a new classifier of the folders' names");
        throw;
      }
      job.model.labels = imported.labels;
    }
  }
  if (options.size > 0) job.spec.height = job.spec.width = options.size;
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

train::View view_of(const TrainOptions& options, Job& job, Context& context) {
  const ImageInput input = find_image_input(job.model.graph);
  const ChosenPreprocessing chosen = choose_preprocessing(options.preprocess, job.model, input, job.spec.classes);
  job.model.preprocessing = chosen.preprocessing;
  train::View view;
  view.height = static_cast<int>(job.spec.height);
  view.width = static_cast<int>(job.spec.width);
  view.preprocessing = chosen.preprocessing;
  const bool small = job.spec.height <= 64;
  view.augmentation = options.augmentation == "none"          ? train::Augmentation::none
                      : options.augmentation == "cifar"       ? train::Augmentation::cifar
                      : options.augmentation == "imagenet"    ? train::Augmentation::imagenet
                      : small || options.freeze == "backbone" ? train::Augmentation::cifar
                                                              : train::Augmentation::imagenet;
  const std::string shown = describe(chosen.preprocessing);
  if (job.guessed_by.empty()) {
    context.messages.detail(fmt::format("preprocessing {}", shown));
  } else {
    context.messages.warning(fmt::format("preprocessing guessed {}: {}; --preprocess says otherwise", job.guessed_by, shown));
  }
  return view;
}

struct Plan {
  std::int64_t batch = 0, every = 0;
  train::Descent descent;
};

Plan plan_of(const TrainOptions& options, const Job& job, std::size_t examples) {
  Plan plan;
  const bool small = job.spec.height < 64;
  plan.batch = options.batch > 0 ? options.batch : small ? 128 : 32;
  const double per_epoch = static_cast<double>(examples) / static_cast<double>(plan.batch);
  if (!options.epochs.empty() && options.iterations > 0)
    throw Error(ErrorKind::usage, "--epochs and --iterations say the same thing, expected one of them");
  std::int64_t iterations = options.iterations;
  if (iterations == 0) {
    const double epochs = !options.epochs.empty() ? parse_positive("--epochs", options.epochs, 1e6, false) : 10;
    const bool paper = options.epochs.empty() && !job.trained_start;
    iterations = paper ? (small ? 64'000 : 600'000) : std::max<std::int64_t>(1, std::llround(epochs * per_epoch));
  }
  train::Schedule& schedule = plan.descent.schedule;
  schedule.kind = options.schedule == "cosine" ? train::Schedule::Kind::cosine : train::Schedule::Kind::step;
  schedule.rate = options.learning_rate.empty() ? (job.trained_start ? 0.01 : 0.1)
                                                : parse_positive("--learning-rate", options.learning_rate, 1e6, false);
  schedule.iterations = iterations;
  schedule.milestones = {iterations / 2, iterations * 3 / 4};
  if (!options.milestones.empty()) {
    schedule.milestones.clear();
    for (const std::string& word : split(options.milestones, ',')) {
      const auto number = parse_integer(word);
      if (!number || *number < 1)
        throw Error(ErrorKind::usage,
                    fmt::format("--milestones: expected iterations such as 32000,48000, got '{}'", options.milestones));
      schedule.milestones.push_back(*number);
    }
  }
  schedule.warmup = options.warmup >= 0 ? options.warmup : !job.trained_start && arch::depth_of(job.spec) >= 110 ? 400 : 0;
  plan.descent.momentum = parse_positive("--momentum", options.momentum, 1, true);
  plan.descent.weight_decay = parse_positive("--weight-decay", options.weight_decay, 1, true);
  plan.descent.decay_all = options.decay == "all";
  plan.descent.label_smoothing = parse_positive("--label-smoothing", options.label_smoothing, 0.99, true);
  plan.descent.seed = options.seed;
  // An epoch; of few pictures several, so that tests do not take more time than what is tested.
  const double between = std::max(static_cast<double>(examples), 2.0 * static_cast<double>(job.data.test.size()));
  plan.every = options.every > 0 ? options.every
                                 : std::max<std::int64_t>(1, std::llround(std::ceil(between / static_cast<double>(plan.batch))));
  return plan;
}

// What a run's result depends on, besides its pictures: a checkpoint is gone on with where all of it is the same.
std::string options_text(const TrainOptions& options, const Job& job, const Plan& plan, const train::View& view,
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

// The same of the pictures, which are loaded: which they are, and of what class each is.
std::string pictures_text(const train::Examples& examples, const std::vector<std::string>& labels) {
  std::string all;
  ThreadPool pool;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const train::Example& example = examples[i];
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

// `now` may be the beginning of what is to come.
void check_options(const std::string& file, const std::string& then, const std::string& now) {
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

std::string time_left(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s", seconds);
  if (seconds < 5400) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

void write_text_file(const std::string& file, const std::string& text) {
  Output output(file);
  output.write(text);
  output.commit();
}

class Run {
 public:
  Run(const TrainOptions& options, const Job& job, const Plan& plan, train::Trainer& trainer, std::size_t tests,
      fs::path checkpoint, std::string options_text, Context& context)
      : options_(options),
        job_(job),
        plan_(plan),
        trainer_(trainer),
        tests_(tests),
        checkpoint_(std::move(checkpoint)),
        options_text_(std::move(options_text)),
        context_(context) {}

  // Until the end; throws Error(interrupted) behind a checkpoint. What decodes pictures is interrupted, too: nothing of the
  // iteration or the row that waited for them has happened yet.
  void go_on() {
    const TakeTimeWhenInterrupted guard;
    try {
      learn();
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::interrupted) throw;
      stop();
    }
  }

  // The log or the curves where they could not be written when the run ended, else "".
  const std::string& unwritten() const { return unwritten_; }

 private:
  void learn() {
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
      throw_if_interrupted();
      const train::Trainer::Step step = trainer_.step();
      tell(step);
    }
  }

  void finish_row() {
    std::optional<train::Row> row;
    {
      Progress progress(context_.messages, "test pictures");
      row = trainer_.finish_row([&](std::size_t done) {
        progress.update(done, tests_);
        return !interrupted();
      });
    }
    if (!row) throw Error(ErrorKind::interrupted, "interrupted");
    std::string text = fmt::format("iteration {}, epoch {:.1f}: loss {:.4f}, training error {:.2f} %", row->iteration, row->epoch,
                                   row->training_loss, 100 * row->training_error);
    if (row->test_error) text += fmt::format(", test error {:.2f} %", 100 * *row->test_error);
    context_.messages.note(fmt::format("{}, {:.0f} images/s", text, row->images_per_second));
    write_down();
  }

  // A file that cannot be written now is tried again with the next row: the run is worth more.
  void write_down() {
    unwritten_.clear();
    const auto tried = [&](const auto& write) {
      try {
        write();
        return true;
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::output) throw;
        context_.messages.warning(error.what());
        return false;
      }
    };
    const auto tried_at_last = [&](const std::string& file, const auto& write) {
      if (!file.empty() && !tried(write)) unwritten_ = file;
    };
    if (tried([&] { write_checkpoint(checkpoint_, job_.model, trainer_.checkpoint(), options_text_); })) {
      written_ = trainer_.iteration();
    } else {
      context_.messages.warning(fmt::format("{}; the run goes on", what_is_kept()));
    }
    tried_at_last(options_.log, [&] { write_text_file(options_.log, log_csv(trainer_.rows())); });
    tried_at_last(options_.curves, [&] {
      const std::pair<std::string, std::vector<train::Row>> alone{"", trainer_.rows()};
      write_text_file(options_.curves, error_curves(std::span(&alone, 1), arch::describe(job_.spec)));
    });
  }

  std::string what_is_kept() const {
    return written_ ? fmt::format("{}: stays that of iteration {}", checkpoint_.string(), *written_)
                    : fmt::format("{}: there is no checkpoint yet", checkpoint_.string());
  }

  [[noreturn]] void stop() {
    try {
      write_checkpoint(checkpoint_, job_.model, trainer_.checkpoint(), options_text_);
      context_.messages.note(fmt::format("{}: iteration {} of {}; --resume goes on from there", checkpoint_.string(),
                                         trainer_.iteration(), plan_.descent.schedule.iterations));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::output) throw;
      context_.messages.warning(fmt::format("{}; {}", error.what(), what_is_kept()));
    }
    throw Error(ErrorKind::interrupted, "interrupted");
  }

  void tell(const train::Trainer::Step& step) {
    if (!context_.messages.shows_progress()) return;
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return;
    next_ = now + std::chrono::milliseconds(200);
    const std::int64_t end = plan_.descent.schedule.iterations;
    const double left =
        static_cast<double>(end - trainer_.iteration()) * static_cast<double>(plan_.batch) / step.images_per_second;
    context_.messages.progress(fmt::format(
        "iteration {}/{}  epoch {:.2f}  loss {:.4f}  accuracy {:.1f} %  {:.0f} images/s  {} left", trainer_.iteration(), end,
        trainer_.epoch(), step.mean_loss, 100 * step.accuracy, step.images_per_second, time_left(left)));
  }

  const TrainOptions& options_;
  const Job& job_;
  const Plan& plan_;
  train::Trainer& trainer_;
  const std::size_t tests_;  // pictures
  const fs::path checkpoint_;
  const std::string options_text_;
  Context& context_;
  std::optional<std::int64_t> written_;
  std::string unwritten_;
  std::chrono::steady_clock::time_point next_ = {};
};

// Returns how many are left out.
std::size_t load(train::Examples& examples, const char* what, std::size_t memory, bool exif, std::size_t threads,
                 Context& context) {
  Progress progress(context.messages, fmt::format("{} pictures decoded", what));
  const std::size_t total = examples.size();
  train::Examples::LoadOptions load{.memory = memory, .threads = threads};
  load.decode.exif = exif;
  load.progress = [&](std::size_t done) {
    throw_if_interrupted();
    progress.update(done, total);
  };
  constexpr std::size_t most_named = 10;
  std::size_t named = 0;
  load.broken = [&](const std::string& error) {
    if (++named <= most_named) context.messages.warning(error);
  };
  const std::size_t broken = examples.load(load);
  if (broken > 0) {
    context.messages.warning(fmt::format("{} of {} {} pictures cannot be decoded and are left out", broken, total, what));
  }
  if (examples.size() == 0)
    throw Error(ErrorKind::bad_input, fmt::format("none of the {} {} pictures can be decoded", total, what));
  return broken;
}

std::set<std::int64_t> truths_of(const train::Examples& examples) {
  std::set<std::int64_t> truths;
  for (std::size_t i = 0; i < examples.size(); ++i) truths.insert(examples[i].truth);
  return truths;
}

// Two of the files that a run writes would be one.
void check_files(const TrainOptions& options, const fs::path& checkpoint) {
  std::map<fs::path, std::string> names;
  const auto add = [&](const char* option, const fs::path& file) {
    if (file.empty()) return;
    std::error_code ignored;
    const fs::path path = fs::weakly_canonical(fs::absolute(file, ignored), ignored);
    const auto [other, is_new] = names.emplace(path, option);
    if (!is_new)
      throw Error(ErrorKind::usage,
                  fmt::format("{}: {} and {} are one file, expected two", file.string(), other->second, option));
    const Output reachable(file.string());  // told at once where it cannot be written
  };
  add("--output", options.output);
  add("--checkpoint", checkpoint);
  add("--log", options.log);
  add("--curves", options.curves);
}

// A checkpoint's parameters in the network as it is built: what a file says is not trusted.
Graph with_checked_parameters(const Graph& graph, const Graph& checkpoint, const fs::path& file) {
  const std::map<std::string, Tensor> given = train::float_constants(checkpoint);
  for (const auto& [name, value] : train::float_constants(graph)) {
    const auto found = given.find(name);
    if (found == given.end() || !(found->second.shape() == value.shape())) {
      throw Error(ErrorKind::invalid_model,
                  fmt::format("{}: parameter '{}' is {}, expected {}", file.string(), name,
                              found == given.end() ? "not there" : found->second.shape().to_string(), value.shape().to_string()));
    }
  }
  return train::with_parameters_of(graph, checkpoint);
}

// OpenMP's threads that wait for work spin, and take the cores from what decodes pictures and from other programs. How long is
// read from the environment before main begins: the program starts itself again, once.
void let_waiting_threads_sleep() {
  if (std::getenv("GOMP_SPINCOUNT") != nullptr || std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  std::ifstream command_line("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(command_line, word, '\0');) words.push_back(word);
  if (words.empty() || setenv("GOMP_SPINCOUNT", "10000", 1) != 0) return;
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  execv("/proc/self/exe", arguments.data());  // where it cannot be, the run is slower and no worse
}

int run(const TrainOptions& options, Context& context) {
  let_waiting_threads_sleep();
  const std::size_t threads = context.threads();
  train::set_threads(threads);
  const fs::path checkpoint = options.checkpoint.empty() ? options.output + ".checkpoint.resnet" : options.checkpoint;
  std::error_code ignored;
  const bool there = fs::exists(checkpoint, ignored);
  check_files(options, checkpoint);
  if (options.resume && options.restart) throw Error(ErrorKind::usage, "--resume and --restart: expected one of them");
  if (there && !options.resume && !options.restart) {
    throw Error(ErrorKind::usage, fmt::format("{}: is the checkpoint of a run that has not ended: --resume goes on with it, "
                                              "--restart begins anew",
                                              checkpoint.string()));
  }

  train::is_frozen("conv1.weight", options.freeze);  // the word is checked before the work

  Job job = prepare(options, context);
  for (const std::string& note : job.data.notes) context.messages.note(note);
  train::View view = view_of(options, job, context);
  const Plan plan = plan_of(options, job, job.data.training.size());
  std::string text = options_text(options, job, plan, view, threads);
  std::optional<train::Checkpoint> start;
  std::string then;
  if (options.resume && there) {
    ReadCheckpoint read = read_checkpoint(checkpoint);
    check_options(checkpoint.string(), read.options, text);
    job.model.graph = with_checked_parameters(job.model.graph, read.checkpoint.graph, checkpoint);
    then = read.options;
    context.messages.note(fmt::format("{}: going on from iteration {}", checkpoint.string(), read.checkpoint.iteration));
    start = std::move(read.checkpoint);
  } else if (options.resume) {
    context.messages.note(fmt::format("{}: there is no checkpoint yet, the run begins", checkpoint.string()));
  }

  train::Examples training(std::move(job.data.training)), test(std::move(job.data.test));
  const std::size_t memory = static_cast<std::size_t>(options.memory) << 20;
  const bool exif = view.preprocessing.exif;
  const std::set<std::int64_t> truths = truths_of(training);
  std::size_t broken = load(training, "training", memory, exif, threads, context);
  const std::set<std::int64_t> left = truths_of(training);
  for (const std::int64_t truth : truths) {
    if (!left.contains(truth)) {
      throw Error(
          ErrorKind::bad_input,
          fmt::format("class '{}': none of its training pictures can be decoded",
                      job.model.labels.empty() ? std::to_string(truth) : job.model.labels[static_cast<std::size_t>(truth)]));
    }
  }
  if (test.size() > 0) broken += load(test, "test", memory - std::min(memory, training.bytes()), exif, threads, context);
  text += pictures_text(training, job.model.labels);
  if (start) check_options(checkpoint.string(), then, text);
  if (view.augmentation == train::Augmentation::imagenet) view.colors = color_components(training);

  train::Network network(job.model.graph, plan.batch,
                         [&](const std::string& name) { return train::is_frozen(name, options.freeze); });
  context.messages.note(fmt::format(
      "{}, {} pictures of {} classes{}, {} iterations of {}", arch::describe(job.spec), training.size(), job.spec.classes,
      test.size() > 0 ? fmt::format(" and {} to test", test.size()) : "", plan.descent.schedule.iterations, plan.batch));
  train::Trainer trainer(network, training, test.size() > 0 ? &test : nullptr, view, plan.descent, threads);
  if (start) {
    try {
      trainer.resume(*start);
    } catch (Error& error) {
      error.add_context(checkpoint.string());
      throw;
    }
  } else if (job.unfolded > 0 && options.freeze != "backbone") {
    constexpr std::size_t batches = 8;
    context.messages.note(
        fmt::format("batch norm was folded into {} convolutions: it stands apart again, with the figures of {} batches",
                    job.unfolded, batches));
    trainer.calibrate(batches);
  }
  Run learning(options, job, plan, trainer, test.size(), checkpoint, text, context);
  try {
    learning.go_on();
  } catch (Error& error) {
    if (error.kind() == ErrorKind::check_failed && fs::exists(checkpoint, ignored))
      context.messages.note(fmt::format("{}: stays as it is; --restart begins anew with other settings", checkpoint.string()));
    throw;
  }
  if (trainer.broken() > 0)
    context.messages.warning(fmt::format("{} times another picture stood in for one that cannot be decoded", trainer.broken()));
  if (trainer.broken_tests() > 0)
    context.messages.warning(fmt::format("{} times a test picture that cannot be decoded was left out", trainer.broken_tests()));

  job.model.graph = network.graph();
  const train::Row& last = trainer.rows().back();
  job.model.metadata["training"] =
      fmt::format("{} iterations of {}, learning rate {:g} ({}), seed {}: training error {:.2f} %{}", last.iteration, plan.batch,
                  plan.descent.schedule.rate, options.schedule, options.seed, 100 * last.training_error,
                  last.test_error ? fmt::format(", test error {:.2f} %", 100 * *last.test_error) : "");
  if (options.output.ends_with(".resnet")) {
    native::write(job.model, options.output);
  } else {
    onnx::write(job.model, options.output);
  }
  if (!learning.unwritten().empty()) {
    throw Error(ErrorKind::output, fmt::format("{}: could not be written; {} has what belongs there: --resume writes it",
                                               learning.unwritten(), checkpoint.string()));
  }
  fs::remove(checkpoint, ignored);
  return broken + trainer.broken() + trainer.broken_tests() > 0 ? static_cast<int>(ErrorKind::bad_input) : 0;
}

}  // namespace

Command add_train(CLI::App& program) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App* app = program.add_subcommand(
      "train", "A network learns from pictures of known classes, from the beginning or from where another run has ended.");
  setup(*app, *options);
  return {app, [options](Context& context) { return run(*options, context); }};
}

}  // namespace resnet::cli

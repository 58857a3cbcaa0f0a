// `train ARCH|MODEL DATA -o OUT`: the paper's networks learn, and networks that have learnt are fine-tuned.
#include <fmt/format.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/commands/exit_codes.h"
#include "cli/options/ending.h"
#include "cli/options/train.h"
#include "cli/options/written_files.h"
#include "cli/tasks/feed/photo_files.h"
#include "cli/tasks/progress.h"
#include "cli/tasks/train/files.h"
#include "cli/tasks/train/job.h"
#include "cli/tasks/train/run.h"
#include "cli/tasks/train/settings.h"
#include "cli/terminal/output.h"
#include "formats/native/native.h"
#include "formats/onnx/write.h"
#include "lib/arch/recognize.h"
#include "lib/base/error.h"
#include "lib/base/interrupt.h"
#include "lib/base/owner.h"
#include "lib/train/constants.h"
#include "lib/train/isa.h"
#include "lib/train/openmp.h"
#include "lib/train/trainer.h"
#include "lib/train/transfer.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

// Returns how many are left out.
std::size_t load(train::Examples& examples, const char* what, std::size_t memory, bool exif, std::size_t threads,
                 std::atomic<std::size_t>& turned, Context& context) {
  Progress progress(context.messages, fmt::format("{} pictures decoded", what));
  const std::size_t total = examples.size();
  train::Examples::LoadOptions load{.memory = memory, .threads = threads};
  load.decode.exif = exif;
  load.decode.unheeded_orientations = &turned;
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
    throw Error(Fault::unreadable, Frame::file(Role::input),
                fmt::format("none of the {} {} pictures can be decoded", total, what));
  return broken;
}

// What is there may be a picture or the owner of another file, which is told first: `there` says whether to look at it, too.
void check_endings(const TrainOptions& options, bool there) {
  const auto check = [&](const std::string& file, std::initializer_list<FileFormat> formats) {
    std::error_code none;
    if (there || !fs::exists(file, none)) check_ending(file, formats);
  };
  check(options.output, {FileFormat::onnx, FileFormat::resnet});
  check(options.checkpoint, {FileFormat::resnet});
  check(options.log, {FileFormat::csv, FileFormat::text});
  check(options.curves, {FileFormat::svg});
}

// The files that this run writes. It is told at once where one cannot be written.
WrittenFiles written_by(const TrainOptions& options, const fs::path& checkpoint) {
  WrittenFiles written;
  written.add_with_owner("--output", options.output);
  written.add_with_owner("--checkpoint", checkpoint.string());
  written.add("--log", options.log);
  written.add("--curves", options.curves);
  for (const std::string& file : {options.output, checkpoint.string(), options.log, options.curves}) {
    if (file.empty()) continue;
    const Output reachable(file);
  }
  return written;
}

// A network may go on learning in its own file. Pictures that were decoded already (CIFAR's) have no file.
void check_inputs(const WrittenFiles& written, const TrainingJob& job) {
  if (!job.start_file.empty()) written.check(job.start_file, "--output");
  for (const auto& files : {job.start_data_files, job.data.files}) {
    for (const fs::path& file : files) written.check(file);
  }
  for (const auto* examples : {&job.data.training, &job.data.test}) {
    for (const train::Example& example : *examples) {
      if (!example.file.empty()) written.check(example.file);
    }
  }
}

// What is there by the checkpoint's name is replaced, and removed in the end, only where it is one.
void check_checkpoint(const TrainOptions& options, const fs::path& checkpoint) {
  if (!is_checkpoint(checkpoint)) {
    throw Error(Fault::invalid, fmt::format("{}: is no checkpoint of a training run, or a damaged one, and is left as it is; "
                                            "expected another file, which --checkpoint names",
                                            checkpoint.string()));
  }
  if (!options.resume && !options.restart) {
    throw Error(Fault::invalid, fmt::format("{}: is the checkpoint of a run that has not ended: --resume goes on with it, "
                                            "--restart begins anew",
                                            checkpoint.string()));
  }
}

// Two runs that write one network, or one checkpoint, would each lose the other's: the second is refused.
class Owners {
 public:
  Owners(const fs::path& output, const fs::path& checkpoint, Context& context) {
    for (const fs::path& file : {output, checkpoint}) {
      std::error_code ignored;
      const fs::file_status status = fs::status(file, ignored);
      if (fs::exists(status) && !fs::is_regular_file(status)) continue;  // /dev/null
      owners_.emplace_back(file, [&context](const std::string& line) { context.messages.note(line); });
    }
  }
  // Throws Error(unwritable) where another run has taken over.
  void check() {
    for (Owner& owner : owners_) owner.check();
  }

 private:
  std::list<Owner> owners_;
};

// A checkpoint's parameters in the network as it is built: what a file says is not trusted.
Graph with_checked_parameters(const Graph& graph, const Graph& checkpoint, const fs::path& file) {
  const std::map<std::string, Tensor> given = train::float_constants(checkpoint);
  for (const auto& [name, value] : train::float_constants(graph)) {
    const auto found = given.find(name);
    if (found == given.end() || !(found->second.shape() == value.shape())) {
      throw Error(Fault::malformed,
                  fmt::format("{}: parameter '{}' is {}, expected {}", file.string(), name,
                              found == given.end() ? "not there" : found->second.shape().to_string(), value.shape().to_string()));
    }
  }
  return train::with_parameters_of(graph, checkpoint);
}

// OpenMP's threads that wait for work spin, and take the cores from what decodes pictures and from other programs. How long is
// read from the environment when it is loaded, which is later.
void let_waiting_threads_sleep() {
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) setenv("GOMP_SPINCOUNT", "10000", 0);
}

int run(const TrainOptions& options, Context& context) {
  let_waiting_threads_sleep();
  const std::size_t threads = context.threads();
  train::set_threads(threads);
  if (context.options.isa) train::cap_instruction_set(kernels::name_of(*context.options.isa));
  const fs::path checkpoint = options.checkpoint.empty() ? options.output + ".checkpoint.resnet" : options.checkpoint;
  std::error_code ignored;
  const WrittenFiles written = written_by(options, checkpoint);
  check_endings(options, false);
  Owners owners(options.output, checkpoint, context);
  const bool there = fs::exists(checkpoint, ignored);
  if (options.resume && options.restart) throw Error(Fault::invalid, "--resume and --restart: expected one of them");
  if (there) check_checkpoint(options, checkpoint);

  TrainingJob job = prepare_training(options, context.messages);
  check_inputs(written, job);
  check_endings(options, true);
  for (const std::string& note : job.data.notes) context.messages.note(note);
  train::View view = view_of(options, job, context.messages);
  const TrainingPlan plan = plan_of(options, job);
  Identity identity = training_identity(options, job, plan, view, threads);
  std::optional<train::Checkpoint> start;
  std::string then;
  if (options.resume && there) {
    ReadCheckpoint read = read_checkpoint(checkpoint);
    check_settings(checkpoint.string(), read.options, identity, false);  // before the pictures are decoded
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
  const std::set<std::int64_t> truths = train::truths_of(training.all());
  std::atomic<std::size_t> turned = 0;
  std::size_t broken = load(training, "training", memory, exif, threads, turned, context);
  const std::set<std::int64_t> left = train::truths_of(training.all());
  for (const std::int64_t truth : truths) {
    if (!left.contains(truth)) {
      throw Error(
          Fault::unreadable, Frame::file(Role::input),
          fmt::format("class '{}': none of its training pictures can be decoded",
                      job.model.labels.empty() ? std::to_string(truth) : job.model.labels[static_cast<std::size_t>(truth)]));
    }
  }
  if (test.size() > 0) broken += load(test, "test", memory - std::min(memory, training.bytes()), exif, threads, turned, context);
  tell_orientations(turned, context.messages);
  {
    ThreadPool pool(threads);
    identity.pictures = text_of_pictures(training, pool);
    if (test.size() > 0) identity.test_pictures = text_of_pictures(test, pool);
  }
  if (start) check_settings(checkpoint.string(), then, identity, true);
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
      error.in(Frame::file(Role::model, checkpoint.string()));
      throw;
    }
  } else if (job.unfolded > 0 && options.freeze != train::Frozen::backbone) {
    constexpr std::size_t batches = 8;
    context.messages.note(
        fmt::format("batch norm was folded into {} convolutions: it stands apart again, with the figures of {} batches",
                    job.unfolded, batches));
    trainer.calibrate(batches);
  }
  TrainingRun learning(options, job, plan, trainer, test.size(), context.messages, checkpoint, to_json(identity),
                       [](const std::string& file) { return std::make_unique<Output>(file); });
  learning.set_guard([&owners] { owners.check(); });
  try {
    learning.go_on();
  } catch (Error& error) {
    if (error.fault() == Fault::failed && fs::exists(checkpoint, ignored))
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
                  plan.descent.schedule.rate, word_of(options.schedule), options.seed, 100 * last.training_error,
                  last.test_error ? fmt::format(", test error {:.2f} %", 100 * *last.test_error) : "");
  owners.check();
  if (model_format_of(options.output) == ModelFormat::resnet) {
    native::write(job.model, options.output);
  } else {
    onnx::write(job.model, options.output);
  }
  if (!learning.unwritten().empty()) {
    throw Error(Fault::unwritable, fmt::format("{}: could not be written; {} has what belongs there: --resume writes it",
                                               learning.unwritten(), checkpoint.string()));
  }
  fs::remove(checkpoint, ignored);
  return broken + trainer.broken() + trainer.broken_tests() > 0 ? exit_codes::inputs_failed : 0;
}

}  // namespace

Command add_train(CLI::App& program) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App* app = program.add_subcommand(
      "train", "A network learns from pictures of known classes, from the beginning or from where another run has ended.");
  add_train_options(*app, *options);
  return {app, [options](Context& context) { return run(*options, context); }};
}

}  // namespace resnet::cli
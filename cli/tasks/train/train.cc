#include "cli/tasks/train/train.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "cli/tasks/feed/photo_files.h"
#include "cli/tasks/progress.h"
#include "cli/tasks/train/files.h"
#include "cli/tasks/train/job.h"
#include "cli/tasks/train/run.h"
#include "cli/tasks/train/settings.h"
#include "formats/native/native.h"
#include "formats/onnx/write.h"
#include "lib/arch/recognize.h"
#include "lib/base/counted.h"
#include "lib/base/error.h"
#include "lib/base/owner.h"
#include "lib/train/constants.h"
#include "lib/train/openmp.h"
#include "lib/train/trainer.h"
#include "lib/train/transfer.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

bool is_there(const fs::path& file) {
  std::error_code ignored;
  return fs::exists(file, ignored);
}

// What is there by the checkpoint's name is replaced, and removed in the end, only where it is one.
void check_checkpoint(const TrainOptions& options, const fs::path& checkpoint) {
  if (!is_checkpoint(checkpoint)) {
    throw Error(Fault::invalid, fmt::format("{}: is not a checkpoint of a training run, or is damaged, and is left as it is; "
                                            "expected another file, which --checkpoint names",
                                            checkpoint.string()));
  }
  if (!options.resume && !options.restart) {
    throw Error(Fault::invalid, fmt::format("{}: belongs to an unfinished run; --resume continues it, --restart starts over",
                                            checkpoint.string()));
  }
}

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

// Two runs that write one network, or one checkpoint, would each lose the other's: the second is refused.
class Owners {
 public:
  Owners(const fs::path& output, const fs::path& checkpoint, const TaskContext& context) {
    for (const fs::path& file : {output, checkpoint}) {
      std::error_code ignored;
      const fs::file_status status = fs::status(file, ignored);
      if (fs::exists(status) && !fs::is_regular_file(status)) continue;  // /dev/null
      owners_.emplace_back(
          file, [&context](const std::string& line) { context.observer.note(line); }, context.stop);
    }
  }
  // Throws Error(unwritable) where another run has taken over.
  void check() {
    for (Owner& owner : owners_) owner.check();
  }

 private:
  std::list<Owner> owners_;
};

}  // namespace

fs::path checkpoint_of(const TrainOptions& options) {
  return options.checkpoint.empty() ? options.output + ".checkpoint.resnet" : options.checkpoint;
}

class TrainTask::Run {
 public:
  Run(const TrainOptions& options, const TaskContext& context)
      : options_(options),
        context_(context),
        observer_(context.observer),
        threads_(context.threads.asked),
        checkpoint_(checkpoint_of(options)),
        owners_(options.output, checkpoint_, context) {
    train::set_threads(threads_);
    if (options.resume && options.restart) throw Error(Fault::invalid, "--resume and --restart: expected one of them");
    if (is_there(checkpoint_)) check_checkpoint(options, checkpoint_);
    job_ = prepare_training(options, observer_, context.stop);
    tell_inputs();
  }

  TrainResult run() {
    for (const std::string& note : job_.data.notes) observer_.note(note);
    view_ = view_of(options_, job_, observer_);
    plan_ = plan_of(options_, job_);
    Identity identity = training_identity(options_, job_, plan_, view_, threads_);
    std::string then;  // what the checkpoint was written with
    const std::optional<train::Checkpoint> start = read_start(identity, then);
    load_pictures();
    identify_pictures(identity);
    if (start) check_settings(checkpoint_.string(), then, identity, true);
    if (view_.color_source == train::Colors::data) view_.colors = color_components(training_);
    if (view_.color_source == train::Colors::published) view_.colors = train::published_color_components();

    train::Network network(job_.model.graph, plan_.batch,
                           [&](const std::string& name) { return train::is_frozen(name, options_.freeze); });
    train::Trainer trainer(network, training_, test_.size() > 0 ? &test_ : nullptr, view_, plan_.descent, threads_);
    begin(trainer, start);
    TrainingRun learning(options_, job_, plan_, trainer, test_.size(), context_, checkpoint_, to_json(identity));
    learning.set_guard([this] { owners_.check(); });
    learn(learning, trainer);
    write(network.graph(), trainer.rows().back());
    if (!learning.unwritten().empty()) {
      throw Error(Fault::unwritable, fmt::format("{}: could not be written; {} has what belongs there: --resume writes it",
                                                 learning.unwritten(), checkpoint_.string()));
    }
    std::error_code ignored;
    fs::remove(checkpoint_, ignored);
    return {broken_ + trainer.broken() + trainer.broken_tests()};
  }

 private:
  // Pictures that were decoded already (CIFAR's) have no file.
  void tell_inputs() const {
    if (!job_.start_file.empty()) context_.before_reading(job_.start_file);
    for (const auto& files : {job_.start_data_files, job_.data.files}) {
      for (const fs::path& file : files) context_.before_reading(file);
    }
    for (const auto* examples : {&job_.data.training, &job_.data.test}) {
      for (const train::Example& example : *examples) {
        if (!example.file.empty()) context_.before_reading(example.file);
      }
    }
  }

  // The checkpoint to resume, where there is one; its settings are compared before the pictures are decoded.
  std::optional<train::Checkpoint> read_start(const Identity& identity, std::string& then) {
    if (!options_.resume) return std::nullopt;
    if (!is_there(checkpoint_)) {
      observer_.note(fmt::format("{}: there is no checkpoint yet, the run starts", checkpoint_.string()));
      return std::nullopt;
    }
    ReadCheckpoint read = read_checkpoint(checkpoint_);
    check_settings(checkpoint_.string(), read.options, identity, false);
    job_.model.graph = with_checked_parameters(job_.model.graph, read.checkpoint.graph, checkpoint_);
    then = std::move(read.options);
    observer_.note(fmt::format("{}: continuing from iteration {}", checkpoint_.string(), read.checkpoint.iteration));
    return std::move(read.checkpoint);
  }

  void load_pictures() {
    training_ = train::Examples(std::move(job_.data.training));
    test_ = train::Examples(std::move(job_.data.test));
    const std::size_t memory = static_cast<std::size_t>(options_.memory) << 20;
    const std::set<std::int64_t> truths = train::truths_of(training_.all());
    std::atomic<std::size_t> turned = 0;
    load(training_, "training", memory, turned);
    const std::set<std::int64_t> left = train::truths_of(training_.all());
    for (const std::int64_t truth : truths) {
      if (left.contains(truth)) continue;
      throw Error(
          Fault::unreadable, Frame::file(Role::input),
          fmt::format("class '{}': none of its training pictures can be decoded",
                      job_.model.labels.empty() ? std::to_string(truth) : job_.model.labels[static_cast<std::size_t>(truth)]));
    }
    if (test_.size() > 0) load(test_, "test", memory - std::min(memory, training_.bytes()), turned);
    tell_orientations(turned, observer_);
  }

  // Counts those that are left out.
  void load(train::Examples& examples, const char* what, std::size_t memory, std::atomic<std::size_t>& turned) {
    Progress progress(observer_, fmt::format("{} pictures decoded", what));
    const std::size_t total = examples.size();
    train::Examples::LoadOptions load{.memory = memory, .threads = threads_};
    load.decode.exif = view_.preprocessing.exif;
    load.decode.unheeded_orientations = &turned;
    load.decode.stop = context_.stop;
    load.progress = [&](std::size_t done) {
      context_.stop.check();
      progress.update(done, total);
    };
    constexpr std::size_t most_named = 10;
    std::size_t named = 0;
    load.broken = [&](const std::string& error) {
      if (++named <= most_named) observer_.warning(error);
    };
    const std::size_t broken = examples.load(load);
    if (broken > 0)
      observer_.warning(fmt::format("{} of {} {} pictures cannot be decoded and are left out", broken, total, what));
    if (examples.size() == 0)
      throw Error(Fault::unreadable, Frame::file(Role::input),
                  fmt::format("none of the {} {} pictures can be decoded", total, what));
    broken_ += broken;
  }

  void identify_pictures(Identity& identity) const {
    ThreadPool pool(threads_);
    identity.pictures = text_of_pictures(training_, pool, context_.stop);
    if (test_.size() > 0) identity.test_pictures = text_of_pictures(test_, pool, context_.stop);
  }

  void begin(train::Trainer& trainer, const std::optional<train::Checkpoint>& start) {
    observer_.note(fmt::format("{}, {} of {}{}, {} of {}", arch::describe(job_.spec), counted(training_.size(), "picture"),
                               counted(static_cast<std::uint64_t>(job_.spec.classes), "class", "classes"),
                               test_.size() > 0 ? fmt::format(" and {} to test", test_.size()) : "",
                               counted(static_cast<std::uint64_t>(plan_.descent.schedule.iterations), "iteration"), plan_.batch));
    if (start) {
      try {
        trainer.resume(*start);
      } catch (Error& error) {
        error.in(Frame::file(Role::model, checkpoint_.string()));
        throw;
      }
    } else if (job_.unfolded > 0 && options_.freeze != train::Frozen::backbone) {
      constexpr std::size_t batches = 8;
      observer_.note(fmt::format("{}: unfolded batch norm again; its statistics come from {}",
                                 counted(static_cast<std::uint64_t>(job_.unfolded), "convolution"),
                                 counted(static_cast<std::uint64_t>(batches), "batch", "batches")));
      trainer.calibrate(batches);
    }
  }

  void learn(TrainingRun& learning, const train::Trainer& trainer) {
    try {
      learning.go_on();
    } catch (Error& error) {
      if (error.fault() == Fault::failed && is_there(checkpoint_))
        observer_.note(fmt::format("{}: stays as it is; --restart starts over with other settings", checkpoint_.string()));
      throw;
    }
    if (trainer.broken() > 0)
      observer_.warning(trainer.broken() == 1 ? "1 unreadable picture was replaced by another"
                                              : fmt::format("{} unreadable pictures were replaced by others", trainer.broken()));
    if (trainer.broken_tests() > 0)
      observer_.warning(fmt::format("{} times an unreadable test picture was left out", trainer.broken_tests()));
  }

  void write(Graph graph, const train::Row& last) {
    job_.model.graph = std::move(graph);
    job_.model.metadata["training"] =
        fmt::format("{} of {}, learning rate {:g} ({}), seed {}: training error {:.2f} %{}",
                    counted(static_cast<std::uint64_t>(last.iteration), "iteration"), plan_.batch, plan_.descent.schedule.rate,
                    word_of(options_.schedule), options_.seed, 100 * last.training_error,
                    last.test_error ? fmt::format(", test error {:.2f} %", 100 * *last.test_error) : "");
    owners_.check();
    if (options_.onnx) {
      onnx::write(job_.model, options_.output);
    } else {
      native::write(job_.model, options_.output);
    }
  }

  const TrainOptions& options_;
  const TaskContext& context_;
  Observer& observer_;
  const std::size_t threads_;
  const fs::path checkpoint_;
  Owners owners_;
  TrainingJob job_;
  train::View view_;
  TrainingPlan plan_;
  train::Examples training_, test_;
  std::size_t broken_ = 0;  // left out when they were loaded
};

TrainTask::TrainTask(const TrainOptions& request, const TaskContext& context) : run_(std::make_unique<Run>(request, context)) {}
TrainTask::~TrainTask() = default;
TrainResult TrainTask::run() { return run_->run(); }

}  // namespace resnet::cli

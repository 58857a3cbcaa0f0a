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
#include "cli/tasks/train/outlook.h"
#include "cli/tasks/train/recipe.h"
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
#include "lib/train/pixel_mean.h"
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

fs::path best_of(const TrainOptions& options) {
  if (!options.best.empty()) return options.best;
  const fs::path output = options.output;
  std::error_code ignored;
  const fs::file_status status = fs::status(output, ignored);
  if (fs::exists(status) && !fs::is_regular_file(status)) return {};  // /dev/null
  return output.parent_path() / (output.stem().string() + ".best" + output.extension().string());
}

class TrainTask::Run {
 public:
  Run(const TrainOptions& options, const TaskContext& context)
      : given_(options),
        options_(with_recipe(options)),
        context_(context),
        observer_(context.observer),
        threads_(context.threads.asked),
        checkpoint_(checkpoint_of(options)),
        owners_(options.output, checkpoint_, context) {
    train::set_threads(threads_);
    if (options.resume && options.restart) throw Error(Fault::invalid, "--resume and --restart: expected one of them");
    if (is_there(checkpoint_)) check_checkpoint(options, checkpoint_);
    job_ = prepare_training(options_, observer_, context.stop);
    tell_inputs();
  }

  TrainResult run() {
    for (const std::string& note : job_.data.notes) observer_.note(note);
    view_ = view_of(options_, job_, observer_);
    plan_ = plan_of(options_, job_);
    for (const std::string& change : changes_of_recipe(given_, job_)) observer_.note(change);
    Identity identity = training_identity(options_, job_, plan_, view_, threads_);
    std::string then;  // what the checkpoint was written with
    const std::optional<train::Checkpoint> start = read_start(identity, then);
    load_pictures();
    identify_pictures(identity);
    if (start) check_settings(checkpoint_.string(), then, identity, true);
    if (view_.color_source == train::Colors::data) view_.colors = color_components(training_);
    if (view_.color_source == train::Colors::published) view_.colors = train::published_color_components();

    if (wants_pixel_mean(options_)) {
      view_.pixel_mean = train::pixel_mean(training_, view_, [&] { context_.stop.check(); });
    }

    const std::unique_ptr<train::Network> network = make_network();
    train::Trainer trainer(*network, training_, test_.size() > 0 ? &test_ : nullptr, view_, plan_.descent, threads_);
    begin(*network, trainer, start);
    TrainingRun learning(options_, job_, plan_, view_, trainer, context_, checkpoint_, to_json(identity));
    learning.set_guard([this] { owners_.check(); });
    const fs::path best = best_of(options_);
    if (!best.empty()) {
      learning.set_keep_best([&](const train::Row& row) { write(network->graph(), row, best); });
    }
    learn(learning, trainer);
    write(network->graph(), trainer.rows().back(), options_.output);
    tell_end(trainer.rows(), best);
    if (!learning.unwritten().empty()) {
      throw Error(Fault::unwritable, fmt::format("{}: could not be written; {} has what belongs there: --resume writes it",
                                                 learning.unwritten(), checkpoint_.string()));
    }
    std::error_code ignored;
    fs::remove(checkpoint_, ignored);
    return {broken_ + trainer.broken() + trainer.broken_tests()};
  }

  std::vector<Setting> settings() {
    view_of(options_, job_, observer_);
    plan_ = plan_of(options_, job_);
    std::vector<Setting> result = settings_of(options_, job_, plan_);
    const auto changes = changes_of_recipe(given_, job_);
    const std::unique_ptr<train::Network> network = make_network();
    const auto iterations = plan_.descent.schedule.iterations;
    const Outlook outlook = outlook_of(options_, job_, plan_, *network, iterations, job_.data.test.size(), 0);
    const auto images = static_cast<double>(iterations * plan_.batch * plan_.descent.accumulate);
    result.insert(result.begin(), {"network", arch::describe(job_.spec)});
    result.emplace_back("pictures", text_of_pictures(job_.data.training.size(), job_.data.test.size()));
    result.emplace_back("epochs", fmt::format("{:.1f}", images / static_cast<double>(job_.data.training.size())));
    result.emplace_back("memory and time", outlook.to_string());
    for (const std::string& change : changes) result.emplace_back("not the recipe's", change);
    return result;
  }

 private:
  std::unique_ptr<train::Network> make_network() const {
    try {
      return std::make_unique<train::Network>(job_.model.graph, plan_.batch,
                                              [&](const std::string& name) { return train::is_frozen(name, options_.freeze); });
    } catch (const Error& error) {
      if (error.fault() != Fault::exhausted) throw;
      throw Error(Fault::exhausted, fmt::format("{}; --accumulate N takes a batch in N parts", error.problem()));
    }
  }

  std::string text_of_pictures(std::size_t training, std::size_t test) const {
    return fmt::format("{} of {}{}", counted(training, "picture"),
                       counted(static_cast<std::uint64_t>(job_.spec.classes), "class", "classes"),
                       test > 0 ? fmt::format(" and {} to test", test) : "");
  }

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
    identity.pictures = cli::text_of_pictures(training_, pool, context_.stop);
    if (test_.size() > 0) identity.test_pictures = cli::text_of_pictures(test_, pool, context_.stop);
  }

  void begin(train::Network& network, train::Trainer& trainer, const std::optional<train::Checkpoint>& start) {
    const std::int64_t iterations = plan_.descent.schedule.iterations, parts = plan_.descent.accumulate;
    const auto images = static_cast<double>(iterations * plan_.batch * parts);
    observer_.note(fmt::format(
        "{}, {}, {} of {}{} ({:.1f} epochs)", arch::describe(job_.spec), text_of_pictures(training_.size(), test_.size()),
        counted(static_cast<std::uint64_t>(iterations), "iteration"), plan_.batch * parts,
        parts > 1 ? fmt::format(" in {} parts", parts) : "", images / static_cast<double>(training_.size())));
    const Outlook outlook = outlook_of(options_, job_, plan_, network, iterations - (start ? start->iteration : 0), test_.size(),
                                       training_.bytes() + test_.bytes());
    observer_.note(outlook.to_string());
    if (!outlook.warning().empty()) observer_.warning(outlook.warning());
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

  void write(Graph graph, const train::Row& row, const fs::path& file) {
    Model model = job_.model;
    model.graph = view_.pixel_mean.empty() ? std::move(graph) : train::with_pixel_mean(graph, view_.pixel_mean);
    model.metadata["training"] =
        fmt::format("{} of {}, learning rate {:g} ({}), seed {}: training error {:.2f} %{}",
                    counted(static_cast<std::uint64_t>(row.iteration), "iteration"), plan_.batch * plan_.descent.accumulate,
                    plan_.descent.schedule.rate, word_of(plan_.descent.schedule.kind), options_.seed, 100 * row.training_error,
                    row.test_error ? fmt::format(", test error {:.2f} %", 100 * *row.test_error) : "");
    owners_.check();
    if (options_.onnx) {
      onnx::write(model, file);
    } else {
      native::write(model, file);
    }
  }

  // The last line: what was written, and how good it is.
  void tell_end(const std::vector<train::Row>& rows, const fs::path& best) const {
    const auto text = [](const fs::path& file, const train::Row& row) {
      return fmt::format("{}: {}, {} error {:.2f} %", file.string(),
                         counted(static_cast<std::uint64_t>(row.iteration), "iteration"), row.test_error ? "test" : "training",
                         100 * row.test_error.value_or(row.training_error));
    };
    const auto best_row = train::best_of(rows);
    observer_.note(text(options_.output, rows.back()) +
                   (best_row && !best.empty() ? fmt::format("; the best, {}", text(best, *best_row)) : ""));
  }

  const TrainOptions& given_;
  const TrainOptions options_;
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
std::vector<Setting> TrainTask::settings() { return run_->settings(); }
TrainResult TrainTask::run() { return run_->run(); }

}  // namespace resnet::cli

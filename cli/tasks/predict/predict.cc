#include "cli/tasks/predict/predict.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <span>
#include <utility>

#include "cli/tasks/feed/photo_files.h"
#include "cli/tasks/identity/identity.h"
#include "cli/tasks/predict/answer_sinks.h"
#include "cli/tasks/predict/feature_file.h"
#include "cli/tasks/predict/ready.h"
#include "cli/tasks/predict/report.h"
#include "cli/tasks/predict/resumed_job.h"
#include "cli/tasks/progress.h"
#include "cli/tasks/sink.h"
#include "lib/base/counted.h"
#include "lib/base/error.h"
#include "lib/base/owner.h"
#include "lib/classify/classifier.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

// Lists on stdin are answered in parts of this many, so that one without end is answered at all.
constexpr std::size_t part_of_list = 1024;
constexpr std::size_t many_images = 4096;  // where it is not known how many there are

bool is_tensor(const fs::path& path) { return path.extension() == ".npy"; }

std::unique_ptr<Owner> own(const std::string& file, const TaskContext& context) {
  if (file.empty()) return nullptr;
  return std::make_unique<Owner>(
      file, [&context](const std::string& line) { context.observer.note(line); }, context.stop);
}

}  // namespace

class PredictTask::Run {
 public:
  Run(const PredictRequest& request, const TaskContext& context)
      : request_(request),
        context_(context),
        observer_(context.observer),
        inputs_(request.images, request.inputs, context.stop),
        selection_(request.part, inputs_),
        asked_size_{request.network.batch_size, context.threads.asked, selection_.whole().value_or(many_images)},
        owner_(own(request.resume, context)),
        resumed_(request.resume, selection_) {
    tell_left_out();
    if (earlier().inputs > 0)
      observer_.note(fmt::format("{}: {} answered already", request.resume, counted(earlier().inputs, "input is", "inputs are")));
    as_it_comes_ = !selection_.total();
    if (is_done_without_record() || as_it_comes_) return;
    selection_.all([&](const fs::path& path) { return context_.before_reading(path), true; });
  }

  PredictResult run() {
    if (is_done_without_record()) {
      observer_.warning(
          fmt::format("{0}: is complete, and stays as it is: {0}.job, which says what its answers were made with, is not "
                      "there, so that it was not compared with what is asked now",
                      request_.resume));
      return result_of_earlier();
    }
    std::optional<FeatureFile> features;
    if (!request_.features.empty()) features.emplace(request_.features);
    Report report(request_.report.empty() ? nullptr : context_.open(request_.report));
    std::unique_ptr<Sink> output;
    // Where it cannot be written it is said at once.
    if (request_.resume.empty()) output = context_.open(request_.output);

    ThreadPool pool(context_.threads.asked, context_.threads.at_once);
    std::optional<NetworkCache> cache;
    if (request_.cache) cache = open_cache(*request_.cache, observer_);
    const answers::JobSize size = resumed_.size().value_or(asked_size_);
    const bool identify = !request_.resume.empty() || selection_.shard();
    Ready ready = make_ready(request_, size, cache ? &*cache : nullptr, identify, selection_.all(is_tensor), pool, context_);
    const Identity identity = identity_of(request_, std::move(ready.identities), ready.labels);
    resumed_.check(identity);
    if (earlier().complete) return result_of_earlier();
    if (!output) output = open_grown(size, identity);
    if (selection_.shard() && earlier().bytes == 0) output->write(first_line({*selection_.shard(), size, identity}));

    const PredictResult result = answer_all(ready, pool, *output, features ? &*features : nullptr, report);
    if (features) features->commit();
    report.commit(result.inputs == 1 ? "What 1 photo is" : fmt::format("What {} photos are", result.inputs), ready.facts);
    output->commit();
    resumed_.end();
    keep_ready(ready, cache, pool, observer_);
    observer_.detail(fmt::format("{} of {} answered in {:.0f} ms", result.inputs - result.failed, counted(result.inputs, "input"),
                                 milliseconds()));
    return result;
  }

 private:
  const EarlierAnswers& earlier() const { return selection_.earlier(); }
  PredictResult result_of_earlier() const { return {earlier().inputs, earlier().failed}; }
  // All is answered in the file to resume, and nothing says what it was made with.
  bool is_done_without_record() const { return earlier().complete && !resumed_.size(); }
  double milliseconds() const { return std::chrono::duration<double, std::milli>(Clock::now() - start_).count(); }

  void tell_left_out() {
    if (const std::string note = inputs_.take_note(); !note.empty()) observer_.note(note);
  }

  std::unique_ptr<Sink> open_grown(const answers::JobSize& size, const Identity& identity) {
    auto output = std::make_unique<FileSink>(request_.resume, earlier().bytes);
    output->set_guard([this] { owner_->check(); });
    resumed_.begin(size, identity);
    return output;
  }

  PredictResult answer_all(Ready& ready, ThreadPool& pool, Sink& output, FeatureFile* features, Report& report) {
    ClassifierOptions classify = classifier_options(request_.network, request_.views, context_);
    classify.top_k = request_.top_k;
    classify.keep_views = report.wanted() || !request_.activation_maps.empty();
    std::atomic<std::size_t> turned = 0;
    classify.unheeded_orientations = &turned;
    Classifier classifier(ready.members, pool, classify);
    const std::string at_once = pool.threads() < pool.asked() ? fmt::format(" ({} at once)", pool.threads()) : "";
    observer_.detail(fmt::format("{}: ready after {:.0f} ms, {}{}", fmt::join(request_.models, ", "), milliseconds(),
                                 counted(pool.asked(), "thread"), at_once));

    answers::Writer writer(request_.format, std::move(ready.labels), request_.logits);
    if (earlier().bytes == 0 && features == nullptr) output.write(writer.begin());
    AnswerSinks sinks(request_, std::move(writer), output, features, report, earlier().tally, observer_);
    const std::size_t count = answer_inputs(classifier, sinks, output);
    tell_left_out();
    tell_orientations(turned, observer_);
    if (const auto& shard = selection_.shard()) output.write(answers::last_line({shard->index, shard->of, sinks.tally()}));
    sinks.end();
    return {count, sinks.failed() + earlier().failed};
  }

  // Returns how many inputs are answered, an earlier run's included.
  std::size_t answer_inputs(Classifier& classifier, AnswerSinks& sinks, Sink& output) {
    std::size_t count = earlier().inputs;
    Progress progress(observer_, "images");
    std::vector<Input> part;
    do {
      part.clear();
      output.flush();
      while (part.size() < part_of_list || selection_.total()) {
        if (!part.empty() && !selection_.ready()) break;
        std::optional<Input> found = selection_.next();
        if (!found) break;
        if (as_it_comes_) context_.before_reading(found->path);
        part.push_back(std::move(*found));
      }
      answer(classifier, part, sinks, [&](std::size_t done) { progress.update(count + done, selection_.total()); });
      count += part.size();
    } while (!part.empty());
    return count;
  }

  const Clock::time_point start_ = Clock::now();
  const PredictRequest& request_;
  const TaskContext& context_;
  Observer& observer_;
  Inputs inputs_;
  Selection selection_;
  const answers::JobSize asked_size_;  // before the answers of an earlier run are known
  std::unique_ptr<Owner> owner_;       // of the file that grows, before it is read
  ResumedJob resumed_;
  bool as_it_comes_ = false;  // the inputs are a list on stdin
};

PredictTask::PredictTask(const PredictRequest& request, const TaskContext& context)
    : run_(std::make_unique<Run>(request, context)) {}
PredictTask::~PredictTask() = default;
PredictResult PredictTask::run() { return run_->run(); }

PredictResult predict(const PredictRequest& request, const TaskContext& context) { return PredictTask(request, context).run(); }

}  // namespace resnet::cli

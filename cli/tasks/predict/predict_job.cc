#include "cli/tasks/predict/predict_job.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "cli/tasks/feed/photo_files.h"
#include "cli/tasks/job/input_list.h"
#include "cli/tasks/job/manifest.h"
#include "cli/tasks/predict/answer_sinks.h"
#include "cli/tasks/predict/ready.h"
#include "cli/tasks/predict/report.h"
#include "cli/tasks/sink.h"
#include "lib/base/error.h"
#include "lib/classify/classifier.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::ordered_json;

class TextSink : public Sink {
 public:
  std::string take() { return std::move(text_); }

 protected:
  void send(std::string_view bytes) override { text_ += bytes; }

 private:
  std::string text_;
};

class PredictJob {
 public:
  PredictJob(const PredictRequest& request, const PredictJobRequest& job, const TaskContext& context)
      : request_(request),
        job_(job),
        context_(context),
        folder_(job.folder),
        pool_(context.threads.asked, context.threads.at_once) {
    if (request.cache) cache_ = open_cache(*request.cache, context.observer);
  }

  std::optional<WholeJob> run() {
    std::optional<Manifest> manifest = read_manifest(folder_);
    if (!manifest) manifest = begin();
    if (!is_ready_) make_ready_for(size_of(*manifest));
    check_same(folder_, *manifest, mine());
    if (const auto whole = read_whole(folder_)) {
      const std::string& output = job_.output;
      std::error_code none;
      if (!output.empty() && (output != manifest->output || !fs::exists(output, none)))
        copy_whole(folder_, output, context_.stop);
      clear_away(folder_);
      return whole;
    }
    job_.enter(manifest->directory);
    const InputList inputs(folder_);
    JobWorker worker(folder_, inputs, context_,
                     {.output = job_.output.empty() ? manifest->output : job_.output, .waits = job_.waits});
    return compute(worker);
  }

 private:
  answers::JobSize size_of(const Manifest& manifest) const {
    try {
      const Json json = Json::parse(manifest.settings);
      const answers::JobSize size = {json.at("batch").get<std::size_t>(), json.at("threads").get<std::size_t>(),
                                     json.at("images").get<std::size_t>()};
      if (size.batch > 0 && size.threads > 0) return size;
    } catch (const Json::exception&) {  // told below
    }
    throw Error(Fault::invalid, fmt::format("{}: job.json is damaged: it is of no batch or no threads", job_.folder));
  }

  void make_ready_for(const answers::JobSize& size) {
    size_ = size;
    ready_ = make_ready(request_, size, cache_ ? &*cache_ : nullptr, true, false, pool_, context_);
    identity_ = identity_of(request_, ready_.identities, ready_.labels);
    is_ready_ = true;
  }

  Manifest mine() const {
    Manifest manifest;
    manifest.command = "predict";
    manifest.words = job_.words;
    manifest.directory = job_.directory;
    manifest.output = job_.output;
    manifest.images = job_.images;
    manifest.settings = Json{{"batch", size_.batch}, {"threads", size_.threads}, {"images", size_.images}}.dump();
    manifest.identity = identity_;
    return manifest;
  }

  // Lists the inputs and says what the job is; where another process is first, what that one says.
  Manifest begin() {
    make_job_folder(folder_);
    Inputs found(request_.images, request_.inputs, context_.stop);
    InputListDraft draft(folder_, found, context_.before_reading);
    if (const std::string note = found.take_note(); !note.empty()) context_.observer.note(note);
    make_ready_for({request_.network.batch_size, context_.threads.asked, draft.inputs()});
    if (!draft.publish(job_.chunk, request_.network.batch_size)) return wait_for_manifest();
    const InputList inputs(folder_);
    Manifest manifest = mine();
    manifest.inputs = inputs.inputs();
    manifest.chunk = inputs.chunk();
    if (publish_manifest(folder_, manifest)) return manifest;
    return wait_for_manifest();
  }

  // Another process has listed other inputs, or was first to say what the job is.
  Manifest wait_for_manifest() {
    using namespace std::chrono_literals;
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (true) {
      if (auto manifest = read_manifest(folder_)) {
        const answers::JobSize size = size_of(*manifest);
        is_ready_ = size.batch == size_.batch && size.threads == size_.threads && size.images == size_.images;
        return *manifest;
      }
      if (std::chrono::steady_clock::now() > end) {
        throw Error(Fault::invalid,
                    fmt::format("{}: holds a list of other inputs, but no job: a start that did not come to its end; "
                                "expected a new or an empty folder",
                                job_.folder));
      }
      context_.stop.check();
      std::this_thread::sleep_for(50ms);
    }
  }

  std::optional<WholeJob> compute(JobWorker& worker) {
    ClassifierOptions classify = classifier_options(request_.network, request_.views, context_);
    classify.top_k = request_.top_k;
    std::atomic<std::size_t> turned = 0;
    classify.unheeded_orientations = &turned;
    Classifier classifier(ready_.members, pool_, classify);
    const answers::Writer writer(answers::Format::jsonl, ready_.labels, request_.logits);
    keep_ready(ready_, cache_, pool_, context_.observer);
    const auto whole = worker.run([&](std::span<const Input> inputs) {
      TextSink output;
      Report report(nullptr);
      AnswerSinks sinks(request_, writer, output, nullptr, report, {}, context_.observer);
      answer(classifier, inputs, sinks, [](std::size_t) {});
      sinks.end();
      output.flush();
      return Computed{output.take(), sinks.failed()};
    });
    tell_orientations(turned, context_.observer);
    return whole;
  }

  const PredictRequest& request_;
  const PredictJobRequest& job_;
  const TaskContext& context_;
  const fs::path folder_;
  ThreadPool pool_;
  std::optional<NetworkCache> cache_;
  Ready ready_;
  Identity identity_;
  answers::JobSize size_;
  bool is_ready_ = false;
};

}  // namespace

std::optional<WholeJob> work_on_job(const PredictRequest& request, const PredictJobRequest& job, const TaskContext& context) {
  return PredictJob(request, job, context).run();
}

}  // namespace resnet::cli

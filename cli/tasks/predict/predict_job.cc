#include "cli/tasks/predict/predict_job.h"

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "cli/tasks/feed/photo_files.h"
#include "cli/tasks/predict/answer_sinks.h"
#include "cli/tasks/predict/ready.h"
#include "cli/tasks/predict/report.h"
#include "cli/tasks/sink.h"
#include "lib/classify/classifier.h"

namespace resnet::cli {

namespace {

class TextSink : public Sink {
 public:
  std::string take() { return std::move(text_); }

 protected:
  void send(std::string_view bytes) override { text_ += bytes; }

 private:
  std::string text_;
};

class PredictJob : public JobCommand {
 public:
  PredictJob(const PredictRequest& request, const TaskContext& context)
      : request_(request), context_(context), pool_(context.threads.asked, context.threads.at_once) {
    if (request.cache) cache_ = open_cache(*request.cache, context.observer);
  }

  void tell_orientations() const { cli::tell_orientations(turned_, context_.observer); }

  std::string name() const override { return "predict"; }
  std::size_t batch() const override { return request_.network.batch_size; }

  std::vector<std::string> list(const std::function<void(const Input&)>& add) override {
    Inputs found(request_.images, request_.inputs, context_.stop);
    while (const auto input = found.next()) {
      context_.before_reading(input->path);
      add(*input);
    }
    if (const std::string note = found.take_note(); !note.empty()) context_.observer.note(note);
    return {};
  }

  Identity make_ready(const answers::JobSize& size) override {
    ready_ = cli::make_ready(request_, size, cache_ ? &*cache_ : nullptr, true, false, pool_, context_);
    return identity_of(request_, ready_.identities, ready_.labels);
  }

  Computed compute(std::span<const Input> inputs) override {
    if (!classifier_) begin();
    TextSink output;
    Report report(nullptr);
    AnswerSinks sinks(request_, *writer_, output, nullptr, report, {}, context_.observer);
    answer(*classifier_, inputs, sinks, [](std::size_t) {});
    sinks.end();
    output.flush();
    return {output.take(), sinks.failed()};
  }

 private:
  void begin() {
    ClassifierOptions classify = classifier_options(request_.network, request_.views, context_);
    classify.top_k = request_.top_k;
    classify.unheeded_orientations = &turned_;
    classifier_.emplace(ready_.members, pool_, classify);
    writer_.emplace(answers::Format::jsonl, ready_.labels, request_.logits);
    keep_ready(ready_, cache_, pool_, context_.observer);
  }

  const PredictRequest& request_;
  const TaskContext& context_;
  ThreadPool pool_;
  std::optional<NetworkCache> cache_;
  Ready ready_;
  std::optional<Classifier> classifier_;
  std::optional<answers::Writer> writer_;
  std::atomic<std::size_t> turned_ = 0;
};

}  // namespace

std::optional<WholeJob> work_on_job(const PredictRequest& request, const JobRequest& job, const TaskContext& context) {
  PredictJob command(request, context);
  const auto whole = work_on_job(command, job, context);
  command.tell_orientations();
  return whole;
}

}  // namespace resnet::cli

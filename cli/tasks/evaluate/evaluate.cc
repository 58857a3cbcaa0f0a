#include "cli/tasks/evaluate/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <utility>

#include "cli/tasks/evaluate/subjects.h"
#include "cli/tasks/predict/report.h"
#include "cli/tasks/progress.h"
#include "cli/tasks/sink.h"
#include "lib/base/error.h"
#include "lib/base/threads.h"
#include "lib/classify/classifier.h"

namespace resnet::cli {

namespace fs = std::filesystem;

double percent(std::int64_t right, std::int64_t count) {
  return count == 0 ? 0 : 100.0 * static_cast<double>(right) / static_cast<double>(count);
}

std::string accuracy_line(const EvaluateRow& row) {
  const Evaluator& e = row.evaluator;
  const double top1 = percent(e.right_at_1(), e.count()), topk = percent(e.right_at_k(), e.count());
  return fmt::format("Acc@1 {:.3f} ({:.3f}) Acc@{} {:.3f} ({:.3f})", top1, 100 - top1, e.k(), topk, 100 - topk);
}

class EvaluateTask::Run {
 public:
  Run(const EvaluateRequest& request, const TaskContext& context)
      : request_(request),
        context_(context),
        observer_(context.observer),
        report_(request.report.empty() ? nullptr : context.open(request.report)),
        subjects_(request, context),
        dataset_(subjects_.find_photos()) {}

  EvaluateResult run() {
    tell_dataset(dataset_, request_, observer_);
    ThreadPool pool(context_.threads.asked, context_.threads.at_once);
    EvaluateResult result;
    for (const Subjects::Shown& shown : subjects_.rows()) {
      EvaluateRow& row = result.rows.emplace_back(subjects_.row_of(shown));
      std::vector<Member> members;
      const ViewOptions views{shown.crop, request_.scales};
      for (const Network& network : shown.networks) {
        members.push_back(make_member(network, network.graph, shown.crop,
                                      job_of(network, request_.network, views, dataset_.photos()), pool,
                                      !request_.activation_maps.empty(), views.scales));
      }
      count(row, members, pool);
      context_.stop.check();
    }
    result.any_failed =
        !dataset_.failures.empty() ||
        std::any_of(result.rows.begin(), result.rows.end(), [](const EvaluateRow& row) { return row.evaluator.failed() > 0; });
    return result;
  }

  void write_report(const EvaluateRow& row) {
    report_.commit(fmt::format("{}: {}", row.model, accuracy_line(row)), {row.preprocessing});
  }

 private:
  void count(EvaluateRow& row, const std::vector<Member>& members, ThreadPool& pool) {
    ClassifierOptions classify = subjects_.options_for(row.crop);
    classify.keep_views = report_.wanted() || !request_.activation_maps.empty();
    classify.load_photos = [](const fs::path& file) { return read_cifar_batch(file); };
    std::atomic<std::size_t> turned = 0;
    classify.unheeded_orientations = &turned;
    Classifier classifier(members, pool, classify);
    std::vector<fs::path> files;
    for (const Sample& sample : dataset_.samples) files.push_back(sample.file);
    const auto start = std::chrono::steady_clock::now();
    {
      Progress progress(observer_, "photos");
      classifier.classify(files, [&](Result&& result) {
        const Sample& sample = dataset_.samples[result.source];
        add(row, result, sample);
        progress.update(files.size() == 1 ? result.position + 1 : result.source + 1,
                        files.size() == 1 ? sample.truths.size() : files.size());
      });
    }
    row.turned = turned;
    row.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  void add(EvaluateRow& row, const Result& result, const Sample& sample) {
    if (result.error) {
      if (request_.fail_fast) throw Error(Fault::unreadable, Frame::file(Role::input), result.input + ": " + *result.error);
      observer_.error(result.input + ": " + *result.error);
      row.evaluator.add_failure();
      report_.add_failure(result.input, *result.error);
      return;
    }
    if (result.position >= sample.truths.size())
      throw Error(Fault::unreadable, Frame::file(Role::input), fmt::format("{}: has changed while it was read", result.input));
    row.evaluator.add(sample.truths[result.position], subjects_.valid_of(result.predictions));
    report_.add(result, row.labels, sample.truths[result.position]);
    if (request_.activation_maps.empty()) return;
    const auto number = static_cast<std::size_t>(row.evaluator.count() + row.evaluator.failed());
    write_activation_map(request_.activation_maps, number, result);
  }

  const EvaluateRequest& request_;
  const TaskContext& context_;
  Observer& observer_;
  Report report_;
  Subjects subjects_;
  Dataset dataset_;
};

EvaluateTask::EvaluateTask(const EvaluateRequest& request, const TaskContext& context)
    : run_(std::make_unique<Run>(request, context)) {}
EvaluateTask::~EvaluateTask() = default;
EvaluateResult EvaluateTask::run() { return run_->run(); }
void EvaluateTask::write_report(const EvaluateResult& result) { run_->write_report(result.rows.front()); }

}  // namespace resnet::cli

#include "cli/tasks/evaluate/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <span>
#include <utility>

#include "cli/tasks/feed/photo_files.h"
#include "cli/tasks/predict/report.h"
#include "cli/tasks/progress.h"
#include "cli/tasks/sink.h"
#include "lib/arch/recognize.h"
#include "lib/base/error.h"
#include "lib/base/files.h"
#include "lib/base/parse.h"
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

namespace {

// Which of the family it is exactly; nothing for another network.
std::optional<arch::Spec> spec_of(const Graph& graph) {
  try {
    const arch::Recognition recognition = arch::recognize(graph);
    return recognition.is_exact() ? std::optional(recognition.spec) : std::nullopt;
  } catch (const Error&) {  // without a convolution
    return std::nullopt;
  }
}

// Ascending, each once.
std::vector<std::int64_t> read_valid_labels(const std::string& file, std::int64_t classes) {
  constexpr std::uintmax_t most_bytes = std::uintmax_t{16} << 20;
  std::vector<std::int64_t> valid;
  std::size_t line_number = 0;
  for (std::string line :
       split(read_file(file, Role::argument, {.most_bytes = most_bytes, .expected = "a list of classes"}), '\n')) {
    ++line_number;
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    const auto index = parse_integer(line);
    if (!index || *index < 0 || *index >= classes) {
      throw Error(Fault::invalid, fmt::format("{}: line {}: '{}' is not a class of the model, expected 0 to {}", file,
                                              line_number, line, classes - 1));
    }
    valid.push_back(*index);
  }
  if (valid.empty()) throw Error(Fault::invalid, fmt::format("{}: holds no classes, expected a number a line", file));
  std::sort(valid.begin(), valid.end());
  valid.erase(std::unique(valid.begin(), valid.end()), valid.end());
  return valid;
}

}  // namespace

class EvaluateTask::Run {
 public:
  Run(const EvaluateRequest& request, const TaskContext& context)
      : request_(request),
        context_(context),
        observer_(context.observer),
        report_(request.report.empty() ? nullptr : context.open(request.report)) {
    for (const std::string& name : request_.models) load(name);
    const auto classes = networks_.front().scores.classes;
    if (!classes) throw Error(Fault::unsupported, fmt::format("{}: its number of classes is not known", request_.models.front()));
    if (!request_.valid_labels.empty()) valid_ = read_valid_labels(request_.valid_labels, *classes);
    dataset_ = load_dataset(request_.dataset, networks_.front().labels, *classes, context_.stop);
    if (!dataset_.list.empty()) context_.before_reading(dataset_.list);
    for (const Sample& sample : dataset_.samples) context_.before_reading(sample.file);
  }

  EvaluateResult run() {
    tell_dataset();
    ThreadPool pool(context_.threads.asked, context_.threads.at_once);
    EvaluateResult result;
    const std::span<const Network> networks = networks_;
    for (const Crop crop : request_.crops) {
      for (std::size_t i = 0; i < networks.size(); ++i) result.rows.push_back(row_of(networks.subspan(i, 1), crop, pool));
      if (request_.ensemble && networks.size() > 1) result.rows.push_back(row_of(networks, crop, pool));
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
  void load(const std::string& name) {
    NetworkOptions options = request_.network;
    options.arch = options_of_one(name, options.arch, request_.models);
    networks_.push_back(load_network(name, options, observer_));
    if (const auto& what = networks_.back().not_scores; what && networks_.back().labels.empty())
      throw Error(Fault::unsupported, fmt::format("{}: gives {}, expected scores of classes", name, *what));
    specs_.push_back(spec_of(networks_.back().graph));
    context_.stop.check();
    for (const std::string& file : networks_.back().source.data_files)
      context_.before_reading(fs::path(name).parent_path() / file);
    tell_preprocessing(networks_.back(), {request_.crops.front(), request_.scales}, request_.models.size() == 1, observer_);
  }

  void tell_dataset() {
    for (const std::string& note : dataset_.notes) observer_.warning(note);
    if (!dataset_.others.empty()) observer_.note(dataset_.others.to_string());
    for (const std::string& failure : dataset_.failures) {
      if (request_.fail_fast) throw Error(Fault::unreadable, Frame::file(Role::input), failure);
      observer_.error(failure);
    }
  }

  EvaluateRow row_of(std::span<const Network> networks, Crop crop, ThreadPool& pool) {
    EvaluateRow row;
    row.crop = crop;
    row.labels = networks.front().labels;
    row.evaluator = Evaluator(request_.top_k);
    row.networks = networks.size();
    if (networks.size() == 1) row.spec = specs_[static_cast<std::size_t>(&networks.front() - networks_.data())];
    std::vector<Member> members;
    const ViewOptions views{crop, request_.scales};
    for (const Network& network : networks) {
      row.model += (row.model.empty() ? "" : " + ") + network.name;
      const std::string prepared = describe(network.preprocessing.preprocessing);
      if (row.preprocessing.find(prepared) == std::string::npos)
        row.preprocessing += (row.preprocessing.empty() ? "" : "; ") + prepared;
      row.parameters += network.parameters;
      row.macs += network.macs;
      members.push_back(make_member(network, network.graph, crop, job_of(network, request_.network, views, dataset_.photos()),
                                    pool, !request_.activation_maps.empty(), views.scales));
    }
    count(row, members, views, pool);
    context_.stop.check();
    return row;
  }

  void count(EvaluateRow& row, const std::vector<Member>& members, const ViewOptions& views, ThreadPool& pool) {
    ClassifierOptions classify = classifier_options(request_.network, views, context_);
    classify.top_k = valid_.empty() ? request_.top_k : static_cast<std::size_t>(networks_.front().scores.classes.value());
    classify.keep_views = report_.wanted() || !request_.activation_maps.empty();
    classify.load_photos = read_cifar_batch;
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
    row.evaluator.add(sample.truths[result.position], valid_.empty() ? result.predictions : valid_of(result.predictions));
    report_.add(result, row.labels, sample.truths[result.position]);
    if (request_.activation_maps.empty()) return;
    const auto number = static_cast<std::size_t>(row.evaluator.count() + row.evaluator.failed());
    write_activation_map(request_.activation_maps, number, result);
  }

  std::vector<Prediction> valid_of(const std::vector<Prediction>& predictions) const {
    std::vector<Prediction> valid;
    std::copy_if(predictions.begin(), predictions.end(), std::back_inserter(valid),
                 [&](const Prediction& p) { return std::binary_search(valid_.begin(), valid_.end(), p.index); });
    return valid;
  }

  const EvaluateRequest& request_;
  const TaskContext& context_;
  Observer& observer_;
  Report report_;
  std::vector<Network> networks_;
  std::vector<std::optional<arch::Spec>> specs_;  // of each
  Dataset dataset_;
  std::vector<std::int64_t> valid_;  // classes that can be answered, ascending; empty: all
};

EvaluateTask::EvaluateTask(const EvaluateRequest& request, const TaskContext& context)
    : run_(std::make_unique<Run>(request, context)) {}
EvaluateTask::~EvaluateTask() = default;
EvaluateResult EvaluateTask::run() { return run_->run(); }
void EvaluateTask::write_report(const EvaluateResult& result) { run_->write_report(result.rows.front()); }

}  // namespace resnet::cli

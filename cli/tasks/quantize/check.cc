#include "cli/tasks/quantize/check.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <system_error>

#include "cli/tasks/errors_alone.h"
#include "cli/tasks/evaluate/evaluate.h"
#include "cli/tasks/named.h"
#include "lib/measure/timing.h"
#include "lib/passes/passes.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

// Of a file and the weights beside it.
std::optional<std::uintmax_t> bytes_of(const std::string& name, const std::vector<std::string>& data_files) {
  std::error_code failed;
  std::uintmax_t bytes = fs::file_size(name, failed);
  if (failed) return std::nullopt;
  for (const std::string& file : data_files) {
    const std::uintmax_t more = fs::file_size(fs::path(name).parent_path() / file, failed);
    if (failed) return std::nullopt;
    bytes += more;
  }
  return bytes;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return quantile(values, 0.5);
}

// Milliseconds for an image, of both in turns: what else the machine does meanwhile meets both.
std::array<double, 2> times_of(std::array<Network, 2>& networks, const NetworkOptions& options, const TaskContext& context) {
  NetworkOptions alone = options;
  alone.batch_size = 1;
  std::array<std::unique_ptr<TimedNetwork>, 2> timed;
  for (std::size_t i = 0; i < 2; ++i) {
    const xnnpack::Job job = job_of(networks[i], alone, {}, std::nullopt);
    const auto load = [&] { return std::move(networks[i].graph); };
    timed[i] = named(networks[i].name, [&] { return std::make_unique<TimedNetwork>(load, context.threads.asked, 1, job, 1); });
  }
  std::array<std::vector<double>, 2> times;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  constexpr std::size_t least = 5, most = 200;
  while (times[0].size() < least || (times[0].size() < most && std::chrono::steady_clock::now() < end)) {
    for (std::size_t i = 0; i < 2; ++i) {
      context.stop.check();
      times[i].push_back(timed[i]->run() / static_cast<double>(networks[i].input.batch.value_or(1)));
    }
  }
  return {median(times[0]), median(times[1])};
}

}  // namespace

QuantizeResult::Check check_networks(const QuantizeRequest& request, const TaskContext& context) {
  ErrorsAlone observer(context.observer);
  const TaskContext quiet{observer, context.stop, context.threads, context.open, context.before_reading, context.take_time};
  const std::array<std::string, 2> names = {request.model, request.output};
  EvaluateRequest evaluate;
  evaluate.models = {names.begin(), names.end()};
  evaluate.network = request.network;
  evaluate.dataset.data = request.check;
  QuantizeResult::Check check;
  const EvaluateResult found = EvaluateTask(evaluate, quiet).run();
  check.any_failed = found.any_failed;
  const std::array<CheckedNetwork*, 2> checked = {&check.before, &check.after};
  std::array<Network, 2> networks;
  for (std::size_t i = 0; i < 2; ++i) {
    const Evaluator& evaluator = found.rows[i].evaluator;
    check.photos = evaluator.count();
    checked[i]->top1 = percent(evaluator.right_at_1(), evaluator.count());
    checked[i]->top5 = percent(evaluator.right_at_k(), evaluator.count());
    NetworkOptions options = request.network;
    options.arch = options_of_one(names[i], options.arch, evaluate.models);
    networks[i] = load_network(names[i], options, observer);
    checked[i]->bytes = bytes_of(names[i], networks[i].source.data_files);
  }
  const std::array<double, 2> times = times_of(networks, request.network, context);
  for (std::size_t i = 0; i < 2; ++i) checked[i]->milliseconds = times[i];
  return check;
}

}  // namespace resnet::cli

#include "cli/tasks/bench/measurement.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "cli/tasks/named.h"
#include "cli/tasks/open/model.h"
#include "cli/tasks/open/runnable.h"
#include "lib/analysis/batch_axis.h"
#include "lib/analysis/layers.h"
#include "lib/base/error.h"
#include "lib/classify/classifier.h"
#include "lib/image/image.h"
#include "lib/kernels/peak.h"

namespace resnet::cli {

namespace fs = std::filesystem;

// The words of questions and answers: JSON.
using Json = nlohmann::json;
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Loaded, load_ms, first_ms, peak_rss_mib)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Turn, times, peak_rss_mib)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(BenchLayer, name, kind, method, ms, macs, bytes, limit_ms, integers)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(BenchProfile, peak_gflops, peak_int8_gops, memory_gb_per_second, layers)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(BenchPipeline, photos, failed, decode_images_per_second, network_images_per_second,
                                   images_per_second, share_of_sum)

namespace {

using Clock = std::chrono::steady_clock;

constexpr int profile_runs = 20;

template <typename Work>
double seconds_of(const Work& work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Only what fails is told.
class ErrorsAlone : public Observer {
 public:
  explicit ErrorsAlone(Observer& observer) : observer_(observer) {}
  void error(std::string_view text) override { observer_.error(text); }
  void warning(std::string_view) override {}
  void note(std::string_view) override {}
  void detail(std::string_view) override {}
  void progress(std::string_view) override {}
  bool shows_progress() const override { return false; }

 private:
  Observer& observer_;
};

// Each decoded and resized by one of so many threads. Returns how many cannot be.
std::size_t decode_all(const std::vector<fs::path>& photos, const Preprocessing& preprocessing, std::size_t threads,
                       const Stop& stop) {
  std::atomic<std::size_t> next = 0, failed = 0;
  std::vector<std::jthread> workers;
  for (std::size_t i = 0; i < threads; ++i) {
    workers.emplace_back([&] {
      for (std::size_t k = next++; k < photos.size() && !stop.requested(); k = next++) {
        try {
          image::prepare(image::decode(photos[k], {.stop = stop}), preprocessing);
        } catch (const Error&) {
          ++failed;
        }
      }
    });
  }
  workers.clear();
  stop.check();
  return failed;
}

// Grey ones, of the size that the network takes.
std::vector<PreparedImage> grey_images(const Scorer& scorer, const Preprocessing& preprocessing, std::size_t count) {
  const auto usual = preprocessing.crop_size.value_or(224);
  const auto height = static_cast<int>(scorer.input().height.value_or(usual)),
             width = static_cast<int>(scorer.input().width.value_or(usual));
  const image::Pixels grey{width, height, std::vector<std::uint8_t>(static_cast<std::size_t>(3 * width * height), 128)};
  return std::vector<PreparedImage>(count, PreparedImage(grey));
}

TaskContext context_of(const TaskContext& context, Observer* silent, std::int64_t threads) {
  TaskContext own{silent != nullptr ? *silent : context.observer, context.stop, context.threads, context.open,
                  context.before_reading};
  own.threads.asked = static_cast<std::size_t>(threads);
  return own;
}

}  // namespace

Measurement::Measurement(const BenchRequest& request, BenchConfiguration configuration, bool silent, const TaskContext& context)
    : request_(request),
      configuration_(std::move(configuration)),
      silent_(silent ? std::make_unique<ErrorsAlone>(context.observer) : nullptr),
      context_(context_of(context, silent_.get(), configuration_.threads)) {}

std::string Measurement::answer(const std::string& question) {
  const Json asked = Json::parse(question);
  const std::string what = asked.at(0);
  return named_if_its_own(configuration_.model, [&] {
    if (what == "load") return Json(load()).dump();
    if (what == "run") return Json(run(asked.at(1), asked.at(2))).dump();
    if (what == "profile") return Json(profile()).dump();
    return Json(pipeline()).dump();
  });
}

// A batch is timed as asked for, also where predict would not make it.
void Measurement::note_mixing(const Graph& graph) {
  if (configuration_.batch == 1) return;
  const auto mixing = analysis::find_batch_mixing(graph, graph.outputs());
  if (!mixing || mixing->kind != analysis::BatchMixing::Kind::range) return;
  context_.observer.note(
      fmt::format("{}: in a batch of {} the answer for one photo depends on the others, so photos would be run "
                  "one at a time: {}",
                  configuration_.model, configuration_.batch, mixing->to_string()));
}

Loaded Measurement::load() {
  const auto load_graph = [&] {
    const ArchOptions arch = options_of_one(configuration_.model, request_.network.arch, request_.models);
    Model model = load_model(configuration_.model, arch, context_.observer).model;
    context_.stop.check();
    for (const std::string& file : model.data_files) context_.before_reading(fs::path(configuration_.model).parent_path() / file);
    refuse_what_cannot_run(model.graph, model.graph, configuration_.model);
    refuse_batch(model.graph, configuration_.batch, fmt::format("--batch-size {}", configuration_.batch), configuration_.model);
    note_mixing(model.graph);
    analysis::refuse_growth(model.graph, usual_shapes(model.graph, configuration_.batch));
    return std::move(model.graph);
  };
  xnnpack::Job job;
  job.batch = configuration_.batch;
  job.convolutions = request_.convolutions;
  network_ = std::make_unique<TimedNetwork>(load_graph, context_.threads.asked, static_cast<std::size_t>(configuration_.clients),
                                            job, 1);
  const Loaded loaded{network_->load_milliseconds(), network_->first_milliseconds(), peak_rss_mib()};
  if (!request_.pipeline.empty()) refuse_pipeline();
  warm_up();
  return loaded;
}

// As many as asked for, else until the last three batches are as fast as the three before them, or two seconds have gone.
void Measurement::warm_up() {
  std::vector<double> times;
  const auto start = Clock::now();
  const auto steady = [&times] {
    if (times.size() < 6) return false;
    const double now = std::min({times.end()[-1], times.end()[-2], times.end()[-3]});
    return now > 0.97 * std::min({times.end()[-4], times.end()[-5], times.end()[-6]});
  };
  while (request_.warmup > 0 ? times.size() < static_cast<std::size_t>(request_.warmup)
                             : !steady() && Clock::now() - start < std::chrono::seconds(2)) {
    times.push_back(network_->run());
  }
}

Turn Measurement::run(double seconds, std::int64_t most) {
  network_->run();
  std::vector<double> times = network_->run_all(seconds, most, context_.stop);
  return {std::move(times), peak_rss_mib()};
}

BenchProfile Measurement::profile() {
  BenchProfile profile;
  // Before and after: other work on the machine would make either too low.
  double &peak = profile.peak_gflops, &bandwidth = profile.memory_gb_per_second;
  const auto measure_peaks = [&] {
    peak = std::max(peak, kernels::peak_gflops(network_->pool()));
    bandwidth = std::max(bandwidth, kernels::memory_bandwidth(network_->pool()));
  };
  measure_peaks();
  const std::vector<StepTime> times = network_->profile(profile_runs, context_.stop);
  measure_peaks();
  if (std::any_of(times.begin(), times.end(), [](const StepTime& step) { return step.integers; }))
    profile.peak_int8_gops = kernels::peak_int8(network_->pool());
  for (const StepTime& step : times) {
    BenchLayer layer{step.node, step.kind, step.method, step.milliseconds, step.macs, step.bytes};
    layer.integers = step.integers;
    // The roofline.
    layer.limit_ms = std::max(2e-6 * step.products / profile.peak_of(layer), 1e-6 * static_cast<double>(step.bytes) / bandwidth);
    profile.layers.push_back(std::move(layer));
  }
  return profile;
}

std::vector<fs::path> Measurement::photos() const {
  Inputs inputs({request_.pipeline}, request_.inputs, context_.stop);
  std::vector<fs::path> photos;
  while (const auto input = inputs.next()) {
    context_.before_reading(input->path);
    if (input->error.empty()) photos.push_back(input->path);
  }
  if (photos.empty()) throw Error(Fault::invalid, fmt::format("--pipeline: {} holds no photos", request_.pipeline));
  return photos;
}

NetworkOptions Measurement::pipeline_options() const {
  NetworkOptions options = request_.network;
  options.arch = options_of_one(configuration_.model, options.arch, request_.models);
  options.batch_size = static_cast<std::size_t>(configuration_.batch);
  return options;
}

void Measurement::refuse_pipeline() {
  photos();
  ErrorsAlone silent(context_.observer);
  load_network(configuration_.model, pipeline_options(), silent);
}

BenchPipeline Measurement::pipeline() {
  const std::vector<fs::path> files = photos();
  NetworkOptions options = pipeline_options();
  Network network = load_network(configuration_.model, options, context_.observer);
  ThreadPool pool(context_.threads.asked);
  xnnpack::Job job = job_of(network, options, {}, files.size());
  job.convolutions = request_.convolutions;
  const Member member = make_member(network, std::move(network.graph), Crop::center, job, pool);

  std::size_t failed = 0;
  const double decoding =
      seconds_of([&] { failed = decode_all(files, member.preprocessing, context_.threads.asked, context_.stop); });
  const std::size_t good = files.size() - failed;
  if (good == 0) {
    throw Error(Fault::unreadable, Frame::file(Role::input),
                fmt::format("--pipeline: none of {} photos can be read", files.size()));
  }
  Scorer scorer(member.plan, pool);
  if (network.alone) options.batch_size = 1;
  const std::size_t batch = scorer.batch_size(options.batch_size);
  const std::vector<PreparedImage> images = grey_images(scorer, member.preprocessing, batch);
  scorer.run(images, member.preprocessing);
  const double computing = seconds_of([&] {
    for (std::size_t i = 0; i < good; i += batch) {
      context_.stop.check();
      scorer.run(images, member.preprocessing);
    }
  });
  Classifier classifier({member}, pool, classifier_options(options, {}, context_));
  const double both = seconds_of([&] { classifier.classify(files, [](Result&&) {}); });
  const double count = static_cast<double>(files.size());
  return {static_cast<std::int64_t>(files.size()),
          static_cast<std::int64_t>(failed),
          count / decoding,
          static_cast<double>(good) / computing,
          count / both,
          both / (decoding + computing)};
}

Loaded Asker::load() { return Json::parse(worker_->ask(Json::array({"load"}).dump())); }
Turn Asker::run(double seconds, std::int64_t most) {
  return Json::parse(worker_->ask(Json::array({"run", seconds, most}).dump()));
}
BenchProfile Asker::profile() { return Json::parse(worker_->ask(Json::array({"profile"}).dump())); }
BenchPipeline Asker::pipeline() { return Json::parse(worker_->ask(Json::array({"pipeline"}).dump())); }

}  // namespace resnet::cli

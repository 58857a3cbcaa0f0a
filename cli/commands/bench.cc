// `bench MODEL...`: how long networks take on this machine.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/options/ending.h"
#include "cli/options/network.h"
#include "cli/options/option.h"
#include "cli/options/written_files.h"
#include "cli/tasks/feed/inputs.h"
#include "cli/tasks/open/model.h"
#include "cli/tasks/prepare/networks.h"
#include "cli/tasks/progress.h"
#include "cli/terminal/child_process.h"
#include "cli/terminal/output.h"
#include "formats/table/table.h"
#include "lib/base/error.h"
#include "lib/base/interrupt.h"
#include "lib/base/parse.h"
#include "lib/kernels/peak.h"
#include "lib/measure/machine.h"
#include "lib/measure/timing.h"

namespace resnet::cli {

namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr double turn_seconds = 0.25;  // of one configuration, before the next one's turn
constexpr double noisy = 1.25;         // the median over the least
constexpr int profile_runs = 20;

struct BenchOptions {
  std::vector<std::string> arguments;
  NetworkOptions network;
  std::string batch_sizes = "1", threads, output, pipeline;
  std::optional<table::Format> format;
  xnnpack::Convolutions convolution = xnnpack::Convolutions::automatic;
  std::int64_t iterations = 0, warmup = 0;
  double duration = 3;
  bool profile = false;
  InputOptions inputs;
};

void setup(CLI::App& app, BenchOptions& options) {
  app.add_option("arguments", options.arguments, "models: files or architectures' names")
      ->type_name("FILE|ARCH")
      ->option_text("MODEL...");
  app.add_option("-m,--model", options.network.models, "a model, whatever its name; may be given several times")
      ->type_name("FILE|ARCH")
      ->allow_extra_args(false);
  add_text(app, "--batch-size", options.batch_sizes, "NUMBERS", "how many images run at once, such as 1,8")
      ->capture_default_str();
  add_text(app, "--threads", options.threads, "NUMBERS", "how many threads compute, such as 1,2 (default: the physical cores)");
  add_integer(app, "--iterations", options.iterations, 1, 1'000'000, "timed batches of each (default: as --duration says)");
  app.add_option("--duration", options.duration, "seconds of timed batches of each")
      ->type_name("X")
      ->check(CLI::Range(0.01, 86'400.0))
      ->capture_default_str();
  add_integer(app, "--warmup", options.warmup, 1, 1'000'000,
              "batches before the first that counts (default: until they are steady)");
  add_convolution_option(app, options.convolution);
  app.add_flag(
      "--profile", options.profile,
      "also each layer: its time, its GFLOP/s, their share of what this machine was measured to be able to do, and the least "
      "time that its multiplications or its bytes would take at that");
  add_text(app, "--pipeline", options.pipeline, "FOLDER|@LIST",
           "also photos from their files to answers: decoding alone, the network alone, and both together");
  app.add_flag("-r,--recursive", options.inputs.recursive, "look into folders within folders");
  add_choice(app, "--format", options.format, table_formats, "of the report (default: by the ending of --output, else text)");
  add_text(app, "-o,--output", options.output, "FILE", "the file to write, whole or not at all (default: stdout)");
  add_text(app, "--input-shape", options.network.arch.input_shape, "SHAPE", "the input's dims in place of the model's");
  add_preparation_options(app, options.network);
  app.footer(
      "Each combination runs in a process of its own, in turns with the others, so that whatever else the machine does meets "
      "them\n"
      "all. Times are of a whole batch. GFLOP/s count the multiply-adds of the direct convolution twice: Winograd's, which "
      "needs\n"
      "fewer, may come out above the machine's peak.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli bench resnet18 resnet50 --batch-size 1,8 --threads 1,2\n"
      "  resnet-cli bench resnet50.onnx --profile\n"
      "  resnet-cli bench resnet18.onnx --pipeline photos/ --format json");
}

std::vector<std::int64_t> parse_counts(const char* option, const std::string& text, std::int64_t most) {
  std::vector<std::int64_t> counts;
  for (const std::string& word : split(text, ',')) {
    const auto count = parse_integer(word);
    if (!count || *count < 1 || *count > most) {
      throw Error(Fault::invalid, fmt::format("{}: expected numbers from 1 to {} such as 1,2, got '{}'", option, most, text));
    }
    counts.push_back(*count);
  }
  return counts;
}

// One row of the report.
struct Configuration {
  std::string model;
  std::int64_t batch = 1, threads = 1;
};

// What runs in the child.
class Measurement {
 public:
  // The context is the child's own copy when it is asked. `silent` where another one says the same.
  Measurement(const BenchOptions& options, const Configuration& configuration, bool silent, Context& context)
      : options_(options), configuration_(configuration), silent_(silent), context_(context) {}

  Json answer(const Json& command) {
    const std::string name = command.at(0);
    if (name == "load") return load();
    if (name == "run") return run(command.at(1), command.at(2));
    if (name == "profile") return profile();
    return pipeline();
  }

 private:
  Json load() {
    context_.options.threads = static_cast<std::size_t>(configuration_.threads);
    if (silent_) context_.messages.configure(true, 0, ProgressMode::off);
    WrittenFiles written;
    written.add("--output", options_.output);
    const auto load_graph = [&] {
      Model model = load_model(configuration_.model, options_.network.arch, context_.messages).model;
      for (const std::string& file : model.data_files)
        written.check(std::filesystem::path(configuration_.model).parent_path() / file);
      return std::move(model.graph);
    };
    xnnpack::Job job;
    job.batch = configuration_.batch;
    job.convolutions = options_.convolution;
    network_ = std::make_unique<TimedNetwork>(load_graph, static_cast<std::size_t>(configuration_.threads), job, 1);
    Json answer;
    answer["load_ms"] = network_->load_milliseconds();
    answer["first_ms"] = network_->first_milliseconds();
    answer["peak_rss_mib"] = peak_rss_mib();
    warm_up();
    return answer;
  }

  // As many as asked for, else until the last three batches are as fast as the three before them, or two seconds have gone.
  void warm_up() {
    std::vector<double> times;
    const auto start = Clock::now();
    const auto steady = [&times] {
      if (times.size() < 6) return false;
      const double now = std::min({times.end()[-1], times.end()[-2], times.end()[-3]});
      return now > 0.97 * std::min({times.end()[-4], times.end()[-5], times.end()[-6]});
    };
    while (options_.warmup > 0 ? times.size() < static_cast<std::size_t>(options_.warmup)
                               : !steady() && Clock::now() - start < std::chrono::seconds(2)) {
      times.push_back(network_->run());
    }
  }

  // For so many seconds, and at most so many batches; at least one. The first, which brings caches and threads back, is not told.
  Json run(double seconds, std::int64_t most) {
    network_->run();
    std::vector<double> times;
    double sum = 0;
    while (static_cast<std::int64_t>(times.size()) < most && (times.empty() || sum < seconds * 1e3)) {
      throw_if_interrupted();
      times.push_back(network_->run());
      sum += times.back();
    }
    return {{"times", times}, {"peak_rss_mib", peak_rss_mib()}};
  }

  Json profile() {
    Json answer;
    // Before and after: other work on the machine would make either too low.
    double peak = 0, bandwidth = 0;
    const auto measure_peaks = [&] {
      peak = std::max(peak, kernels::peak_gflops(network_->pool()));
      bandwidth = std::max(bandwidth, kernels::memory_bandwidth(network_->pool()));
    };
    measure_peaks();
    const std::vector<StepTime> times = network_->profile(profile_runs);
    measure_peaks();
    answer["peak_gflops"] = peak;
    answer["memory_gb_per_second"] = bandwidth;
    Json& steps = answer["layers"] = Json::array();
    for (const StepTime& step : times) {
      steps.push_back({{"name", step.node},
                       {"kind", step.kind},
                       {"method", step.method},
                       {"ms", step.milliseconds},
                       {"macs", step.macs},
                       {"bytes", step.bytes},
                       // The roofline: what neither the processor nor the memory could do in less.
                       {"limit_ms", std::max(2e-6 * step.products / peak, 1e-6 * static_cast<double>(step.bytes) / bandwidth)}});
    }
    return answer;
  }

  Json pipeline() {
    WrittenFiles written;
    written.add("--output", options_.output);
    Inputs inputs({options_.pipeline}, options_.inputs, context_.stop);
    std::vector<std::filesystem::path> photos;
    while (const auto input = inputs.next()) {
      written.check(input->path);
      if (input->error.empty()) photos.push_back(input->path);
    }
    if (photos.empty()) throw Error(Fault::invalid, fmt::format("--pipeline: {} holds no photos", options_.pipeline));
    NetworkOptions network_options = options_.network;
    network_options.batch_size = static_cast<std::size_t>(configuration_.batch);
    Network network = load_network(configuration_.model, network_options, context_.messages);
    const std::size_t threads = context_.threads();
    ThreadPool pool(threads);
    xnnpack::Job job = job_of(network, network_options, {}, photos.size());
    job.convolutions = options_.convolution;
    const Member member = make_member(network, std::move(network.graph), Crop::center, job, pool);

    const auto seconds_of = [](const auto& work) {
      const auto start = Clock::now();
      work();
      return std::chrono::duration<double>(Clock::now() - start).count();
    };
    std::atomic<std::size_t> next = 0, failed = 0;
    const double decoding = seconds_of([&] {
      std::vector<std::jthread> workers;
      for (std::size_t i = 0; i < threads; ++i) {
        workers.emplace_back([&] {
          for (std::size_t k = next++; k < photos.size() && !interrupted(); k = next++) {
            try {
              image::prepare(image::decode(photos[k]), member.preprocessing);
            } catch (const Error&) {
              ++failed;
            }
          }
        });
      }
    });
    throw_if_interrupted();
    const std::size_t good = photos.size() - failed;
    if (good == 0)
      throw Error(Fault::unreadable, Frame::file(Role::input),
                  fmt::format("--pipeline: none of {} photos can be read", photos.size()));
    Scorer scorer(member.plan, pool);
    const std::size_t batch = scorer.batch_size(network_options.batch_size);
    const auto height = static_cast<int>(scorer.input().height.value_or(member.preprocessing.crop_size.value_or(224))),
               width = static_cast<int>(scorer.input().width.value_or(member.preprocessing.crop_size.value_or(224)));
    const image::Pixels grey{width, height, std::vector<std::uint8_t>(static_cast<std::size_t>(3 * width * height), 128)};
    const std::vector<PreparedImage> images(batch, PreparedImage(grey));
    scorer.run(images, member.preprocessing);
    const double computing = seconds_of([&] {
      for (std::size_t i = 0; i < good; i += batch) {
        throw_if_interrupted();
        scorer.run(images, member.preprocessing);
      }
    });
    ClassifierOptions classify = classifier_options(network_options, {}, context_.task());
    Classifier classifier({member}, pool, classify);
    const double both = seconds_of([&] { classifier.classify(photos, [](Result&&) { throw_if_interrupted(); }); });
    const double count = static_cast<double>(photos.size());
    return {{"photos", photos.size()},
            {"failed", failed.load()},
            {"decode_images_per_second", count / decoding},
            {"network_images_per_second", static_cast<double>(good) / computing},
            {"images_per_second", count / both},
            {"share_of_sum", both / (decoding + computing)}};
  }

  const BenchOptions& options_;
  Configuration configuration_;
  bool silent_;
  Context& context_;
  std::unique_ptr<TimedNetwork> network_;
};

// A configuration with its child and what that has measured.
struct Measured {
  Configuration configuration;
  std::unique_ptr<ChildProcess> child;
  double load_ms = 0, first_ms = 0, peak_rss_mib = 0;
  std::vector<double> times;
  Json profile, pipeline;

  Json ask(const Json& command) { return Json::parse(child->ask(command.dump())); }
  double total_ms() const { return std::accumulate(times.begin(), times.end(), 0.0); }
  double at(double q) const { return quantile(times, q); }  // of sorted times
  double mean() const { return total_ms() / static_cast<double>(times.size()); }
};

Json json_of(const Machine& machine) {
  return {{"processor", machine.processor},
          {"cores", machine.cores},
          {"instruction_set", machine.instruction_set},
          {"system", machine.system},
          {"version", "resnet-cli " RESNET_VERSION}};
}

// GFLOP/s of a layer, twice its multiply-adds.
double gflops(const Json& layer) {
  const double ms = layer.at("ms");
  return ms > 0 ? 2e-6 * layer.at("macs").get<double>() / ms : 0;
}

Json json_of(const Measured& m) {
  Json result;
  result["model"] = m.configuration.model;
  result["batch_size"] = m.configuration.batch;
  result["threads"] = m.configuration.threads;
  result["load_ms"] = m.load_ms;
  result["first_ms"] = m.first_ms;
  result["min_ms"] = m.times.front();
  result["median_ms"] = m.at(0.5);
  result["mean_ms"] = m.mean();
  result["p90_ms"] = m.at(0.9);
  result["p95_ms"] = m.at(0.95);
  result["p99_ms"] = m.at(0.99);
  result["images_per_second"] = 1e3 * static_cast<double>(m.configuration.batch) / m.at(0.5);
  result["peak_rss_mib"] = m.peak_rss_mib;
  result["iterations"] = m.times.size();
  if (!m.profile.is_null()) {
    for (const char* key : {"peak_gflops", "memory_gb_per_second"}) result[key] = m.profile.at(key);
    Json& layers = result["layers"] = Json::array();
    for (Json layer : m.profile.at("layers")) {
      layer["gflops"] = gflops(layer);
      layers.push_back(std::move(layer));
    }
  }
  if (!m.pipeline.is_null()) result["pipeline"] = m.pipeline;
  return result;
}

table::Table table_of(const std::vector<Measured>& all) {
  using table::Align;
  std::vector<table::Column> columns = {{"model"}, {"batch_size", Align::right, {}}, {"threads", Align::right, {}}};
  for (const char* name : {"load_ms", "first_ms", "min_ms", "median_ms", "mean_ms", "p90_ms", "p95_ms", "p99_ms",
                           "images_per_second", "peak_rss_mib"}) {
    columns.push_back({name, Align::right, 1});
  }
  table::Table result(std::move(columns));
  for (const Measured& m : all) {
    result.add({m.configuration.model, m.configuration.batch, m.configuration.threads, m.load_ms, m.first_ms, m.times.front(),
                m.at(0.5), m.mean(), m.at(0.9), m.at(0.95), m.at(0.99),
                1e3 * static_cast<double>(m.configuration.batch) / m.at(0.5), m.peak_rss_mib});
  }
  return result;
}

table::Table layers_of(const Measured& m) {
  using table::Align;
  table::Table layers({{"layer"},
                       {"kind"},
                       {"method"},
                       {"ms", Align::right, 3},
                       {"share_%", Align::right, 1},
                       {"GFLOP/s", Align::right, 1},
                       {"of_peak_%", Align::right, 1},
                       {"limit_ms", Align::right, 3}});
  double all = 0;
  for (const Json& layer : m.profile.at("layers")) all += layer.at("ms").get<double>();
  const double peak = m.profile.at("peak_gflops");
  for (const Json& layer : m.profile.at("layers")) {
    const double ms = layer.at("ms"), speed = gflops(layer);
    layers.add({layer.at("name").get<std::string>(), layer.at("kind").get<std::string>(), layer.at("method").get<std::string>(),
                ms, 100 * ms / all, speed > 0 ? table::Cell(speed) : table::Cell(),
                speed > 0 ? table::Cell(100 * speed / peak) : table::Cell(), layer.at("limit_ms").get<double>()});
  }
  return layers;
}

std::string report(const Machine& machine, const std::vector<Measured>& all, table::Format kind) {
  if (kind == table::Format::json) {
    Json list = Json::array();
    for (const Measured& m : all) list.push_back(json_of(m));
    const Json whole = {{"machine", json_of(machine)}, {"results", list}};
    return whole.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  std::string text;
  if (kind != table::Format::csv) {
    text += fmt::format("{}, {} cores, {}, {}; resnet-cli " RESNET_VERSION "\n\n", machine.processor, machine.cores,
                        machine.instruction_set, machine.system);
  }
  text += table_of(all).render(kind);
  if (kind == table::Format::csv) return text;
  for (const Measured& m : all) {
    const Configuration& c = m.configuration;
    if (!m.profile.is_null()) {
      double taken = 0, limits = 0;
      for (const Json& layer : m.profile.at("layers")) {
        taken += layer.at("ms").get<double>();
        limits += layer.at("limit_ms").get<double>();
      }
      text += fmt::format(
          "\n{}, batch {}, {} threads; measured peaks {:.0f} GFLOP/s and {:.1f} GB/s from memory; layers {:.1f} ms, limits "
          "{:.1f} ms\n\n",
          table::printable(c.model), c.batch, c.threads, m.profile.at("peak_gflops").get<double>(),
          m.profile.at("memory_gb_per_second").get<double>(), taken, limits);
      text += layers_of(m).render(kind);
    }
    if (!m.pipeline.is_null()) {
      const auto number = [&m](const char* key) { return m.pipeline.at(key).get<double>(); };
      text += fmt::format(
          "\n{}, batch {}, {} threads, {} photos ({} unreadable): decoding and resizing {:.1f} images/s, the network {:.1f} "
          "images/s, "
          "both {:.1f} images/s: {:.2f} of the sum of their times\n",
          table::printable(c.model), c.batch, c.threads, m.pipeline.at("photos").get<std::int64_t>(),
          m.pipeline.at("failed").get<std::int64_t>(), number("decode_images_per_second"), number("network_images_per_second"),
          number("images_per_second"), number("share_of_sum"));
    }
  }
  return text;
}

int run(const BenchOptions& options, Context& context) {
  std::vector<std::string> models = options.network.models;
  models.insert(models.end(), options.arguments.begin(), options.arguments.end());
  if (models.empty()) throw Error(Fault::invalid, "no model; expected a file or an architecture such as resnet50");
  const std::vector<std::int64_t> batches = parse_counts("--batch-size", options.batch_sizes, 4096);
  std::vector<std::int64_t> threads = {static_cast<std::int64_t>(context.threads())};
  if (!options.threads.empty()) threads = parse_counts("--threads", options.threads, 1024);
  check_not_an_input("--output", options.output, models);
  const table::Format format = choose_format(options.format, options.output, table_formats);
  Output output(options.output);

  std::vector<Measured> all;
  for (const std::string& model : models) {
    for (const std::int64_t batch : batches) {
      for (const std::int64_t count : threads) {
        const bool silent = batch != batches.front() || count != threads.front();
        Measured& m = all.emplace_back();
        m.configuration = {model, batch, count};
        auto measurement = std::make_shared<Measurement>(options, m.configuration, silent, context);
        m.child = std::make_unique<ChildProcess>(
            [measurement](const std::string& command) { return measurement->answer(Json::parse(command)).dump(); });
      }
    }
  }
  {
    Progress progress(context.messages, "batches");
    for (Measured& m : all) {
      const Json loaded = m.ask({"load"});
      m.load_ms = loaded.at("load_ms");
      m.first_ms = loaded.at("first_ms");
      m.peak_rss_mib = loaded.at("peak_rss_mib");
      throw_if_interrupted();
    }
    std::size_t batches_done = 0;
    const auto done = [&options](const Measured& m) {
      if (options.iterations > 0) return static_cast<std::int64_t>(m.times.size()) >= options.iterations;
      return m.total_ms() >= options.duration * 1e3;
    };
    for (bool any = true; any;) {
      any = false;
      for (Measured& m : all) {
        if (done(m)) continue;
        any = true;
        const std::int64_t most =
            options.iterations > 0 ? options.iterations - static_cast<std::int64_t>(m.times.size()) : 1'000'000;
        const Json answer = m.ask({"run", std::min(turn_seconds, options.duration), most});
        for (const double ms : answer.at("times")) m.times.push_back(ms);
        m.peak_rss_mib = answer.at("peak_rss_mib");
        batches_done += answer.at("times").size();
        progress.update(batches_done, std::nullopt);
        throw_if_interrupted();
      }
    }
  }
  for (Measured& m : all) {
    std::sort(m.times.begin(), m.times.end());
    if (options.profile) m.profile = m.ask({"profile"});
    if (!options.pipeline.empty()) m.pipeline = m.ask({"pipeline"});
    m.child.reset();
    if (m.at(0.5) > noisy * m.times.front()) {
      context.messages.warning(
          fmt::format("the machine is noisy: {} at batch {} and {} threads took {:.1f} ms in the median, {:.1f} at best",
                      m.configuration.model, m.configuration.batch, m.configuration.threads, m.at(0.5), m.times.front()));
    }
  }
  output.write(report(this_machine(), all, format));
  output.commit();
  return 0;
}

}  // namespace

Command add_bench(CLI::App& program) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App* app = program.add_subcommand("bench", "How long networks take on this machine: load, latency, throughput, memory.");
  setup(*app, *options);
  return {app, [options](Context& context) { return run(*options, context); }};
}

}  // namespace resnet::cli

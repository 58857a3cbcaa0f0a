// `bench MODEL...`: how long networks take on this machine.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/options/ending.h"
#include "cli/options/model.h"
#include "cli/options/network.h"
#include "cli/options/option.h"
#include "cli/options/written_files.h"
#include "cli/tasks/bench/bench.h"
#include "cli/terminal/child_process.h"
#include "cli/terminal/output.h"
#include "formats/table/table.h"
#include "lib/base/counted.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"

namespace resnet::cli {

namespace {

using Json = nlohmann::ordered_json;

struct BenchOptions {
  std::vector<std::string> arguments;
  std::string batch_sizes = "1", threads, clients = "1", output;
  std::optional<table::Format> format;
  BenchRequest request;
};

void setup(CLI::App& app, BenchOptions& options) {
  app.add_option("arguments", options.arguments, "models: files or architectures' names")
      ->type_name("FILE|ARCH")
      ->option_text("MODEL...");
  app.add_option("-m,--model", options.request.network.models, "a model file of any name; may be repeated")
      ->type_name("FILE|ARCH")
      ->check(name_of_file("FILE|ARCH"))
      ->allow_extra_args(false);
  add_text(app, "--batch-size", options.batch_sizes, "NUMBERS", "how many images run at once, such as 1,8")
      ->capture_default_str();
  add_text(app, "--threads", options.threads, "NUMBERS", "how many threads compute, such as 1,2 (default: the physical cores)");
  add_text(app, "--clients", options.clients, "NUMBERS",
           "how many sessions run side by side, as a service would run them, such as 1,2; they share the threads")
      ->capture_default_str();
  add_integer(app, "--iterations", options.request.iterations, 1, 1'000'000,
              "timed batches of each (default: as --duration says)");
  add_number(app, "--duration", options.request.duration, 0.01, 86'400, "seconds of timed batches of each")
      ->capture_default_str();
  add_integer(app, "--warmup", options.request.warmup, 1, 1'000'000,
              "batches before the first that counts (default: until they are steady)");
  add_convolution_option(app, options.request.convolutions);
  app.add_flag("--profile", options.request.profile,
               "also each layer: its time, its GFLOP/s, their share of this machine's measured peak, and the least time that its "
               "multiplications or its bytes would take at that peak");
  add_text(app, "--pipeline", options.request.pipeline, "FOLDER|@LIST",
           "also photos from their files to answers: decoding alone, the network alone, and both together");
  app.add_flag("-r,--recursive", options.request.inputs.recursive, "also search folders within folders");
  add_choice(app, "--format", options.format, table_formats,
             "format of the report (default: by the ending of --output, else text)");
  add_text(app, "-o,--output", options.output, "FILE", "the file to write, whole or not at all (default: stdout)");
  add_weights_option(app, options.request.network.arch);
  add_text(app, "--input-shape", options.request.network.arch.input_shape, "SHAPE", "the input's dims in place of the model's");
  add_preparation_options(app, options.request.network);
  app.footer(
      "Each combination runs in a process of its own, interleaved with the others, so that background load affects all alike.\n"
      "Times are of a whole batch; images_per_second are those of all clients. GFLOP/s count the multiply-adds of the direct\n"
      "convolution twice: Winograd's, which needs fewer, may come out above the machine's peak.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli bench resnet18 resnet50 --batch-size 1,8 --threads 1,2\n"
      "  resnet-cli bench resnet50.onnx --profile\n"
      "  resnet-cli bench resnet50.onnx --batch-size 1,2 --clients 1,2\n"
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

Json json_of(const Machine& machine) {
  return {{"processor", machine.processor},
          {"cores", machine.cores},
          {"instruction_set", machine.instruction_set},
          {"system", machine.system},
          {"version", "resnet-cli " RESNET_VERSION}};
}

// What is told of each row, by the names of JSON's keys and the table's columns.
std::vector<std::pair<const char*, double>> figures_of(const BenchRow& row) {
  return {{"load_ms", row.load_ms},          {"first_ms", row.first_ms}, {"min_ms", row.at(0)},
          {"median_ms", row.at(0.5)},        {"mean_ms", row.mean_ms()}, {"p90_ms", row.at(0.9)},
          {"p95_ms", row.at(0.95)},          {"p99_ms", row.at(0.99)},   {"images_per_second", row.images_per_second()},
          {"peak_rss_mib", row.peak_rss_mib}};
}

Json json_of(const BenchRow& row) {
  const BenchConfiguration& c = row.configuration;
  Json result = {{"model", c.model}, {"batch_size", c.batch}, {"threads", c.threads}, {"clients", c.clients}};
  for (const auto& [name, value] : figures_of(row)) result[name] = value;
  result["iterations"] = row.times.size();
  if (row.profile) {
    result["peak_gflops"] = row.profile->peak_gflops;
    if (row.profile->peak_int8_gops > 0) result["peak_int8_gops"] = row.profile->peak_int8_gops;
    result["memory_gb_per_second"] = row.profile->memory_gb_per_second;
    Json& layers = result["layers"] = Json::array();
    for (const BenchLayer& layer : row.profile->layers) {
      layers.push_back({{"name", layer.name},
                        {"kind", layer.kind},
                        {"method", layer.method},
                        {"ms", layer.ms},
                        {"macs", layer.macs},
                        {"bytes", layer.bytes},
                        {"limit_ms", layer.limit_ms},
                        {"gflops", layer.gflops()},
                        {"integers", layer.integers}});
    }
  }
  if (row.pipeline) {
    result["pipeline"] = {{"photos", row.pipeline->photos},
                          {"failed", row.pipeline->failed},
                          {"decode_images_per_second", row.pipeline->decode_images_per_second},
                          {"network_images_per_second", row.pipeline->network_images_per_second},
                          {"images_per_second", row.pipeline->images_per_second},
                          {"share_of_sum", row.pipeline->share_of_sum}};
  }
  return result;
}

table::Table table_of(const std::vector<BenchRow>& rows) {
  using table::Align;
  std::vector<table::Column> columns = {{"model"}, {"batch_size", Align::right, {}}, {"threads", Align::right, {}}};
  for (const auto& [name, value] : figures_of(rows.at(0))) columns.push_back({name, Align::right, 1});
  columns.push_back({"clients", Align::right, {}});
  table::Table result(std::move(columns));
  for (const BenchRow& row : rows) {
    std::vector<table::Cell> cells = {row.configuration.model, row.configuration.batch, row.configuration.threads};
    for (const auto& [name, value] : figures_of(row)) cells.emplace_back(value);
    cells.emplace_back(row.configuration.clients);
    result.add(std::move(cells));
  }
  return result;
}

table::Table table_of(const BenchProfile& profile) {
  using table::Align;
  table::Table layers({{"layer"},
                       {"kind"},
                       {"method"},
                       {"ms", Align::right, 3},
                       {"share_%", Align::right, 1},
                       {profile.peak_int8_gops > 0 ? "GOP/s" : "GFLOP/s", Align::right, 1},
                       {"of_peak_%", Align::right, 1},
                       {"limit_ms", Align::right, 3}});
  const double all = profile.total_ms();
  for (const BenchLayer& layer : profile.layers) {
    const double speed = layer.gflops();
    layers.add({layer.name, layer.kind, layer.method, layer.ms, 100 * layer.ms / all,
                speed > 0 ? table::Cell(speed) : table::Cell(),
                speed > 0 ? table::Cell(100 * speed / profile.peak_of(layer)) : table::Cell(), layer.limit_ms});
  }
  return layers;
}

std::string text_of(const BenchRow& row, table::Format kind) {
  const BenchConfiguration& c = row.configuration;
  std::string text;
  if (row.profile) {
    text += fmt::format(
        "\n{}, batch {}, {}; measured peaks {:.0f} GFLOP/s{} and {:.1f} GB/s from memory; layers {:.1f} ms, limits "
        "{:.1f} ms\n\n",
        table::printable(c.model), c.batch, counted(c.threads, "thread"), row.profile->peak_gflops,
        row.profile->peak_int8_gops > 0 ? fmt::format(", {:.0f} GOP/s of 8-bit integers", row.profile->peak_int8_gops) : "",
        row.profile->memory_gb_per_second, row.profile->total_ms(), row.profile->total_limit_ms());
    text += table_of(*row.profile).render(kind);
  }
  if (row.pipeline) {
    const BenchPipeline& p = *row.pipeline;
    text += fmt::format(
        "\n{}, batch {}, {}, {} ({} unreadable): decoding and resizing {:.1f} images/s, the network {:.1f} "
        "images/s, both {:.1f} images/s: {:.2f} of the sum of their times\n",
        table::printable(c.model), c.batch, counted(c.threads, "thread"), counted(p.photos, "photo"), p.failed,
        p.decode_images_per_second, p.network_images_per_second, p.images_per_second, p.share_of_sum);
  }
  return text;
}

std::string report(const BenchResult& result, table::Format format) {
  const Machine& machine = result.machine;
  if (format == table::Format::json) {
    Json list = Json::array();
    for (const BenchRow& row : result.rows) list.push_back(json_of(row));
    const Json whole = {{"machine", json_of(machine)}, {"results", list}};
    return whole.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  const std::string rows = table_of(result.rows).render(format);
  if (format == table::Format::csv) return rows;
  std::string text = fmt::format("{}, {}, {}, {}; resnet-cli " RESNET_VERSION "\n\n", machine.processor,
                                 counted(machine.cores, "core"), machine.instruction_set, machine.system);
  text += rows;
  for (const BenchRow& row : result.rows) text += text_of(row, format);
  return text;
}

BenchRequest request_of(const BenchOptions& options, Context& context) {
  BenchRequest request = options.request;
  request.models = request.network.models;
  request.models.insert(request.models.end(), options.arguments.begin(), options.arguments.end());
  if (request.models.empty()) throw Error(Fault::invalid, "no model given; expected a file or an architecture such as resnet50");
  context.find_models(request.models);
  request.batches = parse_counts("--batch-size", options.batch_sizes, 4096);
  request.threads = {static_cast<std::int64_t>(context.threads())};
  if (!options.threads.empty()) request.threads = parse_counts("--threads", options.threads, 1024);
  request.clients = parse_counts("--clients", options.clients, 256);
  if (request.clients != std::vector<std::int64_t>{1} && (request.profile || !request.pipeline.empty()))
    throw Error(Fault::invalid, "--profile and --pipeline are of one client, expected no --clients beside them");
  return request;
}

int run(const BenchOptions& options, Context& context) {
  const BenchRequest request = request_of(options, context);
  WrittenFiles written;
  written.add("--output", options.output);
  for (const std::string& model : request.models) written.check(model);
  const table::Format format = choose_format(options.format, options.output, table_formats);
  Output output(options.output);
  TaskContext task = context.task();
  task.before_reading = [&written](const std::filesystem::path& file) { written.check(file); };
  const BenchResult result = bench(
      request, task, [](auto answer) -> std::unique_ptr<Worker> { return std::make_unique<ChildProcess>(std::move(answer)); });
  output.write(report(result, format));
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

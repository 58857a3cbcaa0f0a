// `compare A B`: whether two models, or a model and stored outputs, say the same.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/commands/exit_codes.h"
#include "cli/options/ending.h"
#include "cli/options/model.h"
#include "cli/options/option.h"
#include "cli/options/written_files.h"
#include "cli/tasks/compare/compare.h"
#include "cli/terminal/output.h"
#include "formats/table/table.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace {

struct CompareOptions {
  std::vector<std::string> arguments, inputs;
  std::string output;
  std::optional<table::Format> format;
  CompareBy check = CompareBy::max;
  double atol = 1e-4, rtol = 1e-4;
  std::int64_t random = 4, seed = 1;
  bool layers = false;
  std::string arch;
};

void setup(CLI::App& app, CompareOptions& options) {
  app.add_option("arguments", options.arguments,
                 "two models; or a model and its expected outputs, .npy or .pb (a TensorProto), one for each output")
      ->type_name("FILE|ARCH")
      ->option_text("A B...");
  app.add_option("-i,--input", options.inputs, "a .npy or .pb for each input of A, in order (default: random ones)")
      ->type_name("FILE");
  add_integer(app, "--random", options.random, 1, 10'000, "how many random images to use")->capture_default_str();
  add_integer(app, "--seed", options.seed, 0, INT64_MAX, "seed of the random images")->capture_default_str();
  constexpr double most = std::numeric_limits<double>::infinity();
  add_number(app, "--atol", options.atol, 0, most, "absolute tolerance")->capture_default_str();
  add_number(app, "--rtol", options.rtol, 0, most, "relative tolerance: |a - b| may be atol + rtol * |b|")->capture_default_str();
  add_choice(app, "--check", options.check, "which difference must be within the tolerance")->capture_default_str();
  app.add_flag("--layers", options.layers, "every value that both models make under one name, too, and the first that diverges");
  add_arch_of_weights(app, options.arch);
  add_choice(app, "--format", options.format, report_formats,
             "format of the report (default: by the ending of --output, else text)");
  add_text(app, "-o,--output", options.output, "FILE", "the file to write, whole or not at all (default: stdout)");
  app.footer(
      "The exit code is 1 where a difference of an output or a layer exceeds the tolerance. One unit in the last place of\n"
      "float16 or bfloat16 does not count where a value is stored so. Of two models, B is also computed by a plain evaluator\n"
      "(the first images, where the network is not too large), so that the executor is not its own judge.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli compare model.onnx folded.onnx\n"
      "  resnet-cli compare model.onnx expected.npy --input images.npy --atol 1e-3\n"
      "  resnet-cli compare a.onnx b.resnet --layers --format json");
}

// CLI11 gives an option of several values all that follows it: what is not a tensor, and what comes after that, are arguments.
void take_back_arguments(CompareOptions& options) {
  if (options.arguments.size() >= 2) return;
  const auto first = std::find_if_not(options.inputs.begin(), options.inputs.end(), is_tensor_file);
  options.arguments.insert(options.arguments.end(), first, options.inputs.end());
  options.inputs.erase(first, options.inputs.end());
}

nlohmann::ordered_json json_of(const std::vector<ComparedValue>& values) {
  auto list = nlohmann::ordered_json::array();
  for (const ComparedValue& value : values) {
    const TensorDifference& d = value.difference;
    nlohmann::ordered_json entry = {{"name", value.name}, {"within", value.within}};
    if (!value.other.empty()) entry["b_name"] = value.other;
    if (!d.problem.empty()) {
      entry["problem"] = d.problem;
    } else {
      entry.update({{"max", d.largest},
                    {"mean", d.mean},
                    {"median", d.median},
                    {"scale", d.scale},
                    {"snr_db", std::isfinite(d.decibels) ? nlohmann::ordered_json(d.decibels) : nlohmann::ordered_json()},
                    {"elements", d.elements},
                    {"outside", d.outside}});
      if (d.rows > 0) entry.update({{"rows", d.rows}, {"same_top1", d.same_best}});
    }
    list.push_back(std::move(entry));
  }
  return list;
}

// `noise`: with the signal to noise of each value.
std::string text_of(const std::vector<ComparedValue>& values, bool noise = false) {
  std::vector<table::Column> columns = {{"value", table::Align::left, {}},        {"max", table::Align::right, {}},
                                        {"mean", table::Align::right, {}},        {"median", table::Align::right, {}},
                                        {"largest |b|", table::Align::right, {}}, {"outside", table::Align::right, {}},
                                        {"same top-1", table::Align::right, {}},  {"result", table::Align::left, {}}};
  if (noise) columns.insert(columns.begin() + 5, {"SNR dB", table::Align::right, 1});
  table::Table table(columns);
  const auto number = [](double x) { return fmt::format("{:.3g}", x); };
  for (const ComparedValue& value : values) {
    const TensorDifference& d = value.difference;
    std::vector<table::Cell> cells = {value.other.empty() ? value.name : fmt::format("{} (B: {})", value.name, value.other),
                                      number(d.largest),
                                      number(d.mean),
                                      number(d.median),
                                      number(d.scale),
                                      fmt::format("{} of {}", d.outside, d.elements),
                                      d.rows > 0 ? fmt::format("{} of {}", d.same_best, d.rows) : std::string(),
                                      d.problem.empty() ? std::string(value.within ? "ok" : "DIFFERS") : d.problem};
    if (noise) cells.insert(cells.begin() + 5, d.elements > 0 ? table::Cell(d.decibels) : table::Cell());
    table.add(std::move(cells));
  }
  return table.render(table::Format::text);
}

std::string report(const CompareResult& result, bool layers, table::Format format) {
  std::vector<ComparedValue> judged = result.judged;
  for (ComparedValue& value : judged) value.name += ", B by the plain evaluator";
  const auto& first = result.first_divergence;
  if (format == table::Format::json) {
    nlohmann::ordered_json whole = {
        {"a", result.a}, {"b", result.b}, {"within", result.within}, {"outputs", json_of(result.outputs)}};
    if (!judged.empty()) whole["reference"] = json_of(judged);
    if (layers) {
      whole["layers"] = json_of(result.layers);
      whole["first_divergence"] = first ? nlohmann::ordered_json(*first) : nlohmann::ordered_json();
    }
    return whole.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }
  std::vector<ComparedValue> values = result.outputs;
  values.insert(values.end(), judged.begin(), judged.end());
  std::string text = text_of(values);
  if (!layers) return text;
  text += "\n" + text_of(result.layers, true);
  text += first ? fmt::format("first to diverge: {}\n", table::printable(*first))
                : fmt::format("no divergence in {} values of the same name\n", result.layers.size());
  return text;
}

CompareRequest request_of(const CompareOptions& options) {
  CompareRequest request;
  request.model = options.arguments.at(0);
  request.others.assign(options.arguments.begin() + 1, options.arguments.end());
  request.inputs = options.inputs;
  request.random = options.random;
  request.seed = static_cast<std::uint64_t>(options.seed);
  request.atol = options.atol;
  request.rtol = options.rtol;
  request.by = options.check;
  request.layers = options.layers;
  request.arch = options.arch;
  return request;
}

int run(const CompareOptions& given, Context& context) {
  CompareOptions options = given;
  take_back_arguments(options);
  if (options.arguments.empty() || options.arguments.size() + options.inputs.size() < 2)
    throw Error(Fault::invalid, "expected two models, or a model and its expected outputs");
  CompareRequest request = request_of(options);
  request.model = context.find_model(request.model);
  context.find_models(request.others);
  const table::Format format = choose_format(options.format, options.output, report_formats);
  WrittenFiles written;
  written.add("--output", options.output);
  for (const auto& files : {options.arguments, options.inputs}) {
    for (const std::string& file : files) written.check(file);
  }
  Output output(options.output);
  TaskContext task = context.task();
  task.before_reading = [&written](const std::filesystem::path& file) { written.check(file); };
  const CompareResult result = compare(request, task);
  output.write(report(result, options.layers, format));
  output.commit();
  return result.within ? 0 : exit_codes::check_failed;
}

}  // namespace

Command add_compare(CLI::App& program) {
  auto options = std::make_shared<CompareOptions>();
  CLI::App* app = program.add_subcommand(
      "compare", "How far two models are from each other, or a model from stored outputs; layer by layer.");
  setup(*app, *options);
  return {app, [options](Context& context) { return run(*options, context); }};
}

}  // namespace resnet::cli

// `compare A B`: whether two models, or a model and stored outputs, say the same.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/commands/exit_codes.h"
#include "cli/options/ending.h"
#include "cli/options/option.h"
#include "cli/options/written_files.h"
#include "cli/tasks/named.h"
#include "cli/tasks/open/model.h"
#include "cli/terminal/output.h"
#include "formats/npy/npy.h"
#include "formats/onnx/read.h"
#include "formats/table/table.h"
#include "lib/base/error.h"
#include "lib/base/interrupt.h"
#include "lib/measure/compare.h"

namespace resnet::cli {

namespace {

// Which difference of a tensor is judged.
enum class Judged { max, mean, median };
constexpr auto words_of(Judged) {
  return std::to_array<Word<Judged>>({{Judged::max, "max"}, {Judged::mean, "mean"}, {Judged::median, "median"}});
}

struct CompareOptions {
  std::vector<std::string> arguments, inputs;
  std::string output;
  std::optional<table::Format> format;
  Judged check = Judged::max;
  double atol = 1e-4, rtol = 1e-4;
  std::int64_t random = 4, seed = 1;
  bool layers = false;
};

void setup(CLI::App& app, CompareOptions& options) {
  app.add_option("arguments", options.arguments,
                 "two models; or a model and its expected outputs, .npy or .pb (a TensorProto), one for each output")
      ->type_name("FILE|ARCH")
      ->option_text("A B...");
  app.add_option("-i,--input", options.inputs, "a .npy or .pb for each input of A, in order (default: random ones)")
      ->type_name("FILE");
  add_integer(app, "--random", options.random, 1, 10'000, "how many random images")->capture_default_str();
  add_integer(app, "--seed", options.seed, 0, INT64_MAX, "of the random images")->capture_default_str();
  app.add_option("--atol", options.atol, "absolute tolerance")->type_name("X")->capture_default_str();
  app.add_option("--rtol", options.rtol, "relative tolerance: |a - b| may be atol + rtol * |b|")
      ->type_name("X")
      ->capture_default_str();
  add_choice(app, "--check", options.check, "which difference must be within the tolerance")->capture_default_str();
  app.add_flag("--layers", options.layers, "every value that both models make under one name, too, and the first that diverges");
  add_choice(app, "--format", options.format, report_formats, "of the report (default: by the ending of --output, else text)");
  add_text(app, "-o,--output", options.output, "FILE", "the file to write, whole or not at all (default: stdout)");
  app.footer(
      "The exit code is 1 where a difference is outside of the tolerance, of an output or of a layer. One unit in the last "
      "place\n"
      "of float16 or bfloat16 is no difference where a value is stored so. Of two models, B is also computed by a plain\n"
      "evaluator (the first images, where the network is not too large), so that the executor is not its own judge.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli compare model.onnx folded.onnx\n"
      "  resnet-cli compare model.onnx expected.npy --input images.npy --atol 1e-3\n"
      "  resnet-cli compare a.onnx b.resnet --layers --format json");
}

bool is_tensor_file(const std::string& name) { return name.ends_with(".npy") || name.ends_with(".pb"); }

Tensor read_tensor(const std::string& name) { return name.ends_with(".pb") ? onnx::read_tensor(name) : npy::read(name); }

// CLI11 gives an option of several values all that follows it: what is no tensor, and what comes after that, are arguments.
void take_back_arguments(CompareOptions& options) {
  if (options.arguments.size() >= 2) return;
  const auto first = std::find_if_not(options.inputs.begin(), options.inputs.end(), is_tensor_file);
  options.arguments.insert(options.arguments.end(), first, options.inputs.end());
  options.inputs.erase(first, options.inputs.end());
}

// `compare MODEL --input x.npy expected.npy`: the tensors after the model's own inputs are expected outputs, where it has so
// many.
void take_back_outputs(CompareOptions& options, const Graph& graph) {
  const std::size_t count = graph.inputs().size(), given = options.arguments.size() - 1;
  const bool stored = std::all_of(options.arguments.begin() + 1, options.arguments.end(), is_tensor_file);
  if (!stored || options.inputs.size() <= count || options.inputs.size() - count + given > graph.outputs().size()) return;
  const auto first = options.inputs.begin() + static_cast<std::ptrdiff_t>(count);
  options.arguments.insert(options.arguments.end(), first, options.inputs.end());
  options.inputs.erase(first, options.inputs.end());
}

struct Line {
  std::string name;
  TensorDifference difference;
  bool within = false;
};

bool is_within(const CompareOptions& options, const TensorDifference& d) {
  if (!d.problem.empty()) return false;
  if (options.check == Judged::max) return d.within();
  return (options.check == Judged::mean ? d.mean : d.median) <= std::max(options.atol + options.rtol * d.scale, d.last_place);
}

std::vector<Line> compare_all(const CompareOptions& options, const std::vector<std::string>& names, const std::vector<Tensor>& a,
                              const std::vector<Tensor>& b, double of_scale = 0) {
  std::vector<Line> lines;
  for (std::size_t i = 0; i < names.size(); ++i) {
    Line line{names[i], difference_of(a[i], b[i], {options.atol, options.rtol, of_scale}), false};
    line.within = is_within(options, line.difference);
    lines.push_back(std::move(line));
  }
  return lines;
}

nlohmann::ordered_json json_of(const std::vector<Line>& lines) {
  auto list = nlohmann::ordered_json::array();
  for (const Line& line : lines) {
    const TensorDifference& d = line.difference;
    nlohmann::ordered_json entry = {{"name", line.name}, {"within", line.within}};
    if (!d.problem.empty()) {
      entry["problem"] = d.problem;
    } else {
      entry.update({{"max", d.largest},
                    {"mean", d.mean},
                    {"median", d.median},
                    {"scale", d.scale},
                    {"elements", d.elements},
                    {"outside", d.outside}});
      if (d.rows > 0) entry.update({{"rows", d.rows}, {"same_top1", d.same_best}});
    }
    list.push_back(std::move(entry));
  }
  return list;
}

std::string text_of(const std::vector<Line>& lines) {
  table::Table table({{"value", table::Align::left, {}},
                      {"max", table::Align::right, {}},
                      {"mean", table::Align::right, {}},
                      {"median", table::Align::right, {}},
                      {"largest |b|", table::Align::right, {}},
                      {"outside", table::Align::right, {}},
                      {"same top-1", table::Align::right, {}},
                      {"result", table::Align::left, {}}});
  const auto number = [](double value) { return fmt::format("{:.3g}", value); };
  for (const Line& line : lines) {
    const TensorDifference& d = line.difference;
    table.add({line.name, number(d.largest), number(d.mean), number(d.median), number(d.scale),
               fmt::format("{} of {}", d.outside, d.elements),
               d.rows > 0 ? fmt::format("{} of {}", d.same_best, d.rows) : std::string(),
               d.problem.empty() ? std::string(line.within ? "ok" : "DIFFERS") : d.problem});
  }
  return table.render(table::Format::text);
}

// What the executor says of a network and what the plain evaluator does: where both models are run by the executor, its own
// faults would not show.
std::vector<Line> judge_executor(const CompareOptions& options, const Graph& graph, const std::vector<std::string>& names,
                                 const std::vector<Tensor>& inputs, ThreadPool& pool, Context& context) {
  const std::string& name = options.arguments[1];
  const auto reference = named(name, [&] { return reference_of(graph, inputs, reference_macs); });
  if (!reference) {
    context.messages.note(name + ": too large for the plain evaluator; the executor ran both models");
    return {};
  }
  std::vector<Line> lines = compare_all(options, names, named(name, [&] { return run_graph(graph, reference->inputs, pool); }),
                                        reference->outputs, rounding_of_scale(coarsest_type(graph)));
  for (Line& line : lines) line.name += ", B by the plain evaluator";
  return lines;
}

int run(const CompareOptions& given, Context& context) {
  CompareOptions options = given;
  take_back_arguments(options);
  const auto refuse_alone = [] { throw Error(Fault::invalid, "expected two models, or a model and its expected outputs"); };
  if (options.arguments.empty() || options.arguments.size() + options.inputs.size() < 2) refuse_alone();
  const table::Format format = choose_format(options.format, options.output, report_formats);
  WrittenFiles written;
  written.add("--output", options.output);
  for (const auto& files : {options.arguments, options.inputs}) {
    for (const std::string& file : files) written.check(file);
  }
  Output output(options.output);
  const auto load = [&](const std::string& name) {
    ArchOptions arch;
    LoadedModel loaded = load_for_examination(name, arch, true, context.messages);
    for (const std::string& file : loaded.model.data_files) written.check(std::filesystem::path(name).parent_path() / file);
    return std::move(loaded.model.graph);
  };
  const Graph a = load(options.arguments[0]);
  take_back_outputs(options, a);
  if (options.arguments.size() < 2 && options.inputs.size() <= a.inputs().size()) refuse_alone();
  ThreadPool pool(context.threads(), context.most_threads());
  std::vector<Tensor> inputs;
  for (const std::string& file : options.inputs) inputs.push_back(read_tensor(file));
  if (inputs.empty())
    inputs =
        named(options.arguments[0], [&] { return random_inputs(a, options.random, static_cast<std::uint64_t>(options.seed)); });
  if (inputs.size() != a.inputs().size()) {
    throw Error(Fault::invalid,
                fmt::format("{} inputs given, {} has {}", inputs.size(), options.arguments[0], a.inputs().size()));
  }
  std::vector<std::string> names;
  for (const ValueId id : a.outputs()) names.push_back(a.value(id).name);
  const auto run_a = [&](const Graph& graph, bool optimize) {
    return named(options.arguments[0], [&] { return run_graph(graph, inputs, pool, optimize); });
  };
  const auto run_b = [&](const Graph& graph, bool optimize) {
    return named(options.arguments[1], [&] { return run_graph(graph, inputs, pool, optimize); });
  };
  std::vector<Line> outputs, judged, layers;
  if (is_tensor_file(options.arguments[1])) {
    if (options.layers) throw Error(Fault::invalid, "--layers is for two models");
    if (options.inputs.empty()) throw Error(Fault::invalid, "stored outputs belong to certain inputs: --input");
    std::vector<Tensor> expected;
    for (std::size_t i = 1; i < options.arguments.size(); ++i) expected.push_back(read_tensor(options.arguments[i]));
    if (expected.size() > names.size())
      throw Error(Fault::invalid,
                  fmt::format("{} expected outputs, {} has {}", expected.size(), options.arguments[0], names.size()));
    names.resize(expected.size());
    outputs = compare_all(options, names, run_a(a, true), expected);
  } else {
    if (options.arguments.size() > 2) throw Error(Fault::invalid, fmt::format("unexpected argument '{}'", options.arguments[2]));
    const Graph b = load(options.arguments[1]);
    if (a.outputs().size() != b.outputs().size()) {
      throw Error(Fault::failed,
                  fmt::format("{} has {} output{} and {} has {}: the models are of different kinds", options.arguments[0],
                              a.outputs().size(), a.outputs().size() == 1 ? "" : "s", options.arguments[1], b.outputs().size()));
    }
    outputs = compare_all(options, names, run_a(a, true), run_b(b, true));
    throw_if_interrupted();
    judged = judge_executor(options, b, names, inputs, pool, context);
    if (options.layers) {
      const std::vector<std::string> common = common_values(a, b);
      layers = compare_all(options, common, run_a(with_outputs(a, common), false), run_b(with_outputs(b, common), false));
    }
  }
  bool within = true;
  for (const Line& line : outputs) within = within && line.within;
  for (const Line& line : judged) within = within && line.within;
  const Line* first = nullptr;
  for (const Line& line : layers) {
    if (!line.within && first == nullptr) first = &line;
    within = within && line.within;
  }
  if (format == table::Format::json) {
    nlohmann::ordered_json report = {
        {"a", options.arguments[0]}, {"b", options.arguments[1]}, {"within", within}, {"outputs", json_of(outputs)}};
    if (!judged.empty()) report["reference"] = json_of(judged);
    if (options.layers) {
      report["layers"] = json_of(layers);
      report["first_divergence"] = first != nullptr ? nlohmann::ordered_json(first->name) : nlohmann::ordered_json();
    }
    output.write(report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  } else {
    std::vector<Line> lines = outputs;
    lines.insert(lines.end(), judged.begin(), judged.end());
    output.write(text_of(lines));
    if (options.layers) {
      output.write("\n" + text_of(layers));
      output.write(first != nullptr ? fmt::format("first to diverge: {}\n", table::printable(first->name))
                                    : fmt::format("no divergence in {} values of the same name\n", layers.size()));
    }
  }
  output.commit();
  return within ? 0 : exit_codes::check_failed;
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

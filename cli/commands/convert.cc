// `convert IN -o OUT`: the same network in another file: another format, another opset, folded, renamed, lighter.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/commands/exit_codes.h"
#include "cli/options/ending.h"
#include "cli/options/model.h"
#include "cli/options/option.h"
#include "cli/options/written_files.h"
#include "cli/tasks/open/model.h"
#include "cli/tasks/prepare/networks.h"
#include "cli/terminal/output.h"
#include "formats/labels/labels.h"
#include "formats/native/native.h"
#include "formats/onnx/opset.h"
#include "formats/onnx/write.h"
#include "formats/table/text.h"
#include "lib/arch/parameters.h"
#include "lib/arch/recognize.h"
#include "lib/base/error.h"
#include "lib/base/interrupt.h"
#include "lib/classify/endpoints.h"
#include "lib/measure/compare.h"
#include "lib/passes/passes.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

// Of stored weights.
constexpr auto stored_types =
    std::to_array<Word<DType>>({{DType::float16, "fp16"}, {DType::bfloat16, "bf16"}, {DType::float32, "fp32"}});

// Whose names nodes and parameters get.
enum class Names { torchvision };
constexpr auto words_of(Names) { return std::to_array<Word<Names>>({{Names::torchvision, "torchvision"}}); }

struct ConvertOptions {
  std::vector<std::string> arguments;
  std::string model, output, labels;
  std::optional<ModelFormat> format;
  std::optional<DType> dtype;
  std::optional<Convention> preprocess;
  std::optional<Names> rename;
  int opset = onnx::WriteOptions{}.opset;
  std::int64_t check = 0;
  std::optional<double> tolerance;
  bool fold_batch_norm = false, simplify = false, dynamic_batch = false, external_data = false, strip_metadata = false,
       strip_weights = false, explain = false, force = false;
  ArchOptions arch;
  const CLI::Option* seed = nullptr;
};

void setup(CLI::App& app, ConvertOptions& options) {
  app.add_option("arguments", options.arguments, "a file *.onnx or *.resnet, or an architecture's name")
      ->type_name("FILE|ARCH")
      ->option_text("IN");
  add_text(app, "-m,--model", options.model, "FILE|ARCH", "the model, whatever its name");
  add_text(app, "-o,--output", options.output, "FILE", "the file to write, whole or not at all")->required();
  add_choice(app, "--format", options.format, "of the file (default: by its ending, else onnx)");
  app.add_flag("--fold-batch-norm", options.fold_batch_norm, "batch norm goes into the convolutions' weights and biases");
  app.add_flag("--simplify", options.simplify,
               "constants, identities, dead nodes, pads and reshapes without effect, transposes that cancel each other");
  add_integer(app, "--opset", options.opset, 1, 1000,
              fmt::format("ONNX's operator set, {} to {}", onnx::oldest_written_opset, onnx::newest_opset))
      ->capture_default_str();
  add_choice(app, "--dtype", options.dtype, stored_types, "of the stored weights; the network computes in fp32 as before");
  add_text(app, "--input-shape", options.arch.input_shape, "SHAPE",
           "the input's dims in place of the model's, such as 1x3x224x224");
  app.add_flag("--dynamic-batch", options.dynamic_batch, "the batch is open, whatever it was");
  add_text(app, "--labels", options.labels, "FILE|" + labels::names(), "the classes' names, kept in the file");
  add_choice(app, "--preprocess", options.preprocess, "how photos are prepared, kept in the file");
  add_choice(app, "--rename", options.rename, "nodes and parameters of a recognised network by torchvision's names");
  app.add_flag("--external-data", options.external_data, "ONNX: weights in a file of their own, OUT.data (always above 2 GiB)");
  app.add_flag("--strip-metadata", options.strip_metadata, "without metadata and doc strings");
  app.add_flag("--strip-weights", options.strip_weights, "a light file of the structure: weights are inputs");
  app.add_flag("--explain", options.explain, "each rewrite that was made, or declined and why, on stdout");
  app.add_flag("--force", options.force, "OUT may be IN itself, which is replaced when its successor is whole");
  add_integer(app, "--check", options.check, 1, 10'000, "run this many random images through IN and OUT and compare");
  app.add_option(
         "--tolerance", options.tolerance,
         "the largest difference that --check lets pass, absolute and relative (default: 1e-4; where numbers have 16 bits, "
         "four units in the last place of the largest output)")
      ->type_name("X");
  add_arch_options(app, options.arch, words<arch::Init>, "Where IN is an architecture's name");
  options.seed = app.get_option("--seed")->group("Options")->description(
      "weights that are inputs (a light file) are made anew from this seed; the same bytes on every machine");
  app.footer(
      "A .resnet file holds what an ONNX file does, is used as it lies on the disk, and is checked when it is opened.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli convert resnet50.onnx -o resnet50.resnet --labels imagenet1k --preprocess torchvision\n"
      "  resnet-cli convert model.onnx -o small.onnx --fold-batch-norm --simplify --dtype fp16 --check 4\n"
      "  resnet-cli convert model.onnx -o old.onnx --opset 9\n"
      "  resnet-cli convert resnet50.onnx -o light.onnx --strip-weights");
}

ModelFormat format_of(const ConvertOptions& options) { return choose_format(options.format, options.output, words<ModelFormat>); }

Graph simplify(Graph graph, PassLog& log) {
  graph = fold_constants(graph, log, {.dequantize = false});
  graph = remove_no_ops(graph, log);
  graph = merge_transposes(graph, log);
  graph = merge_pads(graph, log);
  return remove_dead_nodes(graph, log);
}

void rewrite(LoadedModel& loaded, const ConvertOptions& options, PassLog& log) {
  Model& model = loaded.model;
  if (options.seed->count() > 0) {
    if (!loaded.spec && model.graph.inputs().size() < 2)
      throw Error(Fault::invalid, fmt::format("--seed makes weights that are inputs, but {} has all its weights", loaded.name));
    model.graph = arch::make_weights(model.graph, options.arch.seed);
  }
  if (options.dynamic_batch) model.graph = open_batch(model.graph, log);
  if (options.simplify) model.graph = simplify(std::move(model.graph), log);
  if (options.rename) model.graph = arch::rename_as_built(model.graph, arch::recognize(model.graph));
  if (options.fold_batch_norm) model.graph = remove_dead_nodes(fold_batch_norm(model.graph, log), log);
  if (options.dtype == DType::float32) {
    model.graph = remove_dead_nodes(fold_constants(model.graph, log), log);
  } else if (options.dtype) {
    model.graph = store_weights(model.graph, *options.dtype, log);
  }
  if (options.strip_weights) model.graph = strip_weights(model.graph, log);
}

// Of a network that the graph is without a difference.
std::optional<arch::Spec> spec_of(const Graph& graph) {
  try {
    arch::Recognition recognition = arch::recognize(graph);
    if (recognition.is_exact()) return std::move(recognition.spec);
  } catch (const Error&) {  // there is nothing in it to recognise
  }
  return std::nullopt;
}

void write_file(const Model& model, const ConvertOptions& options) {
  const fs::path file = options.output;
  if (format_of(options) == ModelFormat::resnet) {
    for (const auto& [name, given] :
         {std::pair{"--external-data", options.external_data}, {"--strip-metadata", options.strip_metadata}}) {
      if (given) throw Error(Fault::invalid, fmt::format("{} is for ONNX files, but {} is a .resnet file", name, options.output));
    }
    return native::write(model, file);
  }
  onnx::WriteOptions write;
  write.opset = options.opset;
  write.strip_metadata = options.strip_metadata;
  if (options.external_data) write.external_data = file.filename().string() + ".data";
  onnx::write(model, file, write);
}

// Nothing where the graph gives no scores of classes.
std::optional<std::int64_t> classes_of(const Graph& graph) {
  try {
    return find_score_output(graph).classes;
  } catch (const Error&) {
    return std::nullopt;
  }
}

// One line for each output; true where everything is within the tolerance.
bool tell_differences(const ConvertOptions& options, const Graph& graph, const std::string& inputs, const std::vector<Tensor>& a,
                      const std::vector<Tensor>& b, Output& output) {
  Tolerance tolerance;
  if (options.tolerance) {
    tolerance = {*options.tolerance, *options.tolerance};
  } else {
    const DType stored = options.dtype.value_or(DType::float32);
    tolerance.of_scale = std::max(rounding_of_scale(stored), rounding_of_scale(coarsest_type(graph)));
  }
  bool within = true;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const TensorDifference d = difference_of(a.at(i), b[i], tolerance);
    const std::string& name = graph.value(graph.outputs()[i]).name;
    output.write(d.problem.empty() ? fmt::format("check: {}, output '{}': largest difference {:.3g} of {:.3g}, {}\n", inputs,
                                                 name, d.largest, d.scale, d.within() ? "within the tolerance" : "TOO LARGE")
                                   : fmt::format("check: {}, output '{}': {}\n", inputs, name, d.problem));
    within = within && d.within();
  }
  return within;
}

// True where everything is within the tolerance. Both networks are run by the executor, which must not be its own judge: some
// images of IN are also computed by the plain evaluator.
bool check(const ConvertOptions& options, const Graph& before, Context& context, Output& output) {
  const Graph after = read_model_file(options.output, {}, context.messages).graph;
  ThreadPool pool(context.threads(), context.most_threads());
  const std::vector<Tensor> inputs = random_inputs(before, options.check, 1);
  if (inputs.size() != after.inputs().size())
    throw Error(Fault::unsupported, "--check: the two have different inputs (--strip-weights?)");
  const auto count = [](const std::vector<Tensor>& given) { return fmt::format("{} random inputs", given[0].shape()[0]); };
  bool within =
      tell_differences(options, before, count(inputs), run_graph(after, inputs, pool), run_graph(before, inputs, pool), output);
  const auto reference = reference_of(before, inputs, reference_macs);
  if (!reference) {
    context.messages.note("--check: the network is too large for the plain evaluator; the executor ran both files");
    return within;
  }
  return tell_differences(options, before, count(reference->inputs) + " by the plain evaluator",
                          run_graph(after, reference->inputs, pool), reference->outputs, output) &&
         within;
}

int run(const ConvertOptions& options, Context& context) {
  const auto start = std::chrono::steady_clock::now();
  const std::string name = one_model(options.model, options.arguments);
  std::error_code ignored;
  const bool in_place = fs::equivalent(name, options.output, ignored) && fs::is_regular_file(options.output, ignored);
  if (in_place && !options.force) {
    throw Error(Fault::invalid,
                fmt::format("--output: {} is the model itself, which would be replaced; expected another file, or "
                            "--force",
                            options.output));
  }
  LoadedModel loaded = load_for_examination(name, options.arch, true, context.messages);
  Model& model = loaded.model;
  WrittenFiles written;  // the model itself may be replaced
  written.add("--output", options.output);
  // So may its data file by the successor's. A mapped file may not change under its readers: what is replaced gets another name's
  // bytes, which leaves the old ones whole.
  const char* const data_option = "the data file of --output";
  if (options.external_data) written.add(data_option, options.output + ".data");
  for (const std::string& file : model.data_files)
    written.check(fs::path(name).parent_path() / file, in_place ? data_option : "");
  if (!options.labels.empty() && !labels::find(options.labels)) written.check(options.labels);
  format_of(options);  // before the work: an ending that is not written is told at once
  const Graph before = options.check > 0 ? model.graph : Graph();
  if (!options.labels.empty()) model.labels = load_labels(options.labels, classes_of(model.graph));
  if (options.preprocess) model.preprocessing = preprocessing_of(*options.preprocess);
  PassLog log;
  try {
    rewrite(loaded, options, log);
    model.spec = spec_of(model.graph);
    throw_if_interrupted();
    write_file(model, options);
  } catch (Error& error) {
    if (error.fault() != Fault::unwritable && error.fault() != Fault::invalid) error.in(Frame::file(Role::model, name));
    throw;
  }
  Output output("");
  if (options.explain) {
    for (const std::string& line : log.done) output.write("done: " + table::printable(line) + "\n");
    for (const std::string& line : log.declined) output.write("declined: " + table::printable(line) + "\n");
  }
  bool within = true;
  if (options.check > 0) within = check(options, before, context, output);
  output.commit();
  const auto milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  context.messages.detail(fmt::format("{}: {} nodes, {} bytes, {:.0f} ms", options.output, model.graph.nodes().size(),
                                      fs::file_size(options.output, ignored), milliseconds));
  return within ? 0 : exit_codes::check_failed;
}

}  // namespace

Command add_convert(CLI::App& program) {
  auto options = std::make_shared<ConvertOptions>();
  CLI::App* app = program.add_subcommand(
      "convert", "The same network in another file: format, opset, batch norm folded, weights in 16 bits, renamed.");
  setup(*app, *options);
  return {app, [options](Context& context) { return run(*options, context); }};
}

}  // namespace resnet::cli

// `convert IN -o OUT`: the same network in another file: another format, another opset, folded, renamed, lighter.
#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/commands/exit_codes.h"
#include "cli/options/ending.h"
#include "cli/options/model.h"
#include "cli/options/option.h"
#include "cli/options/written_files.h"
#include "cli/tasks/convert/convert.h"
#include "cli/terminal/output.h"
#include "formats/labels/labels.h"
#include "formats/onnx/opset.h"
#include "formats/table/text.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"

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
  std::string model, output, labels, inputs, outputs;
  std::optional<ModelFormat> format;
  std::optional<DType> dtype;
  std::optional<QuantizedForm> form;
  std::optional<Convention> preprocess;
  std::optional<Names> rename;
  std::optional<int> opset;
  std::int64_t check = 0;
  std::optional<double> tolerance;
  bool fold_batch_norm = false, simplify = false, dynamic_batch = false, external_data = false, strip_metadata = false,
       strip_weights = false, explain = false, force = false;
  ArchOptions arch;
  const CLI::Option* seed = nullptr;
};

void setup(CLI::App& app, ConvertOptions& options) {
  app.add_option("arguments", options.arguments, model_forms)->type_name("FILE|ARCH")->option_text("IN");
  add_text(app, "-m,--model", options.model, "FILE|ARCH", "the model, a file of any name");
  add_text(app, "-o,--output", options.output, "FILE", "the file to write, whole or not at all")->required();
  add_choice(app, "--format", options.format, "format of the file (default: by its ending, else onnx)");
  app.add_flag("--fold-batch-norm", options.fold_batch_norm, "fold batch norm into the convolutions' weights and biases");
  app.add_flag(
      "--simplify", options.simplify,
      "fold constants; remove identities, dead nodes, pads and reshapes without effect, transposes that cancel each other");
  add_integer(app, "--opset", options.opset, 1, 1000,
              fmt::format("ONNX opset, {} to {} (default: {}, or the nearest that has the network's operators)",
                          onnx::oldest_written_opset, onnx::newest_opset, onnx::usual_opset));
  add_choice(
      app, "--dtype", options.dtype, stored_types,
      "element type of the stored weights; the network computes in fp32 as before. fp32 also makes float32 of float16 inputs "
      "and outputs");
  add_choice(
      app, "--layout", options.form,
      "of what is quantized: qdq: pairs of QuantizeLinear and DequantizeLinear; qoperator: QLinearConv and its kin, some of "
      "them ONNX Runtime's own (default: as it is)");
  add_text(app, "--input-shape", options.arch.input_shape, "SHAPE",
           "the input's dims in place of the model's, such as 1x3x224x224");
  app.add_flag("--dynamic-batch", options.dynamic_batch,
               "make the batch dimension dynamic, also where a Reshape names it; refused where the graph fixes it otherwise");
  add_text(app, "--inputs", options.inputs, "NAMES",
           "cut: values (or nodes, for what they make) that become the inputs, separated by commas");
  add_text(app, "--outputs", options.outputs, "NAMES",
           "cut: values (or nodes) that become the outputs, such as the features of a backbone without its head");
  add_text(app, "--labels", options.labels, "FILE|" + labels::names(), "the classes' names, kept in the file");
  add_choice(app, "--preprocess", options.preprocess, "how photos are prepared, kept in the file");
  add_choice(app, "--rename", options.rename, "name nodes and parameters of a recognised network as torchvision does");
  app.add_flag("--external-data", options.external_data,
               "write an ONNX model's weights to a file of their own, OUT.data (always done above 2 GiB)");
  app.add_flag("--strip-metadata", options.strip_metadata, "leave out metadata and doc strings");
  app.add_flag("--strip-weights", options.strip_weights, "write the structure only; weights become graph inputs");
  app.add_flag("--explain", options.explain, "print each rewrite that was made, or declined and why, on stdout");
  app.add_flag("--force", options.force, "let OUT be IN itself, which is replaced when its successor is complete");
  add_integer(
      app, "--check", options.check, 1, 10'000,
      "run this many random images through IN and OUT and compare, and with the plain evaluator; no file where it cannot");
  add_number(app, "--tolerance", options.tolerance, 0, std::numeric_limits<double>::infinity(),
             "the largest difference that --check lets pass, absolute and relative (default: 1e-4; where numbers have 16 bits, "
             "four units in the last place of the largest output)");
  add_weights_option(app, options.arch);
  add_arch_options(app, options.arch, words<arch::Init>, "Where IN is an architecture's name");
  options.seed = app.get_option("--seed")->group("Options")->description(
      "initialise weights that are graph inputs (see --strip-weights) from this seed; the same bytes on every machine");
  app.footer(
      "A .resnet file holds what an ONNX file does, is memory-mapped and used in place, and is checked when it is opened.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli convert resnet50.onnx -o resnet50.resnet --labels imagenet1k --preprocess torchvision\n"
      "  resnet-cli convert model.onnx -o small.onnx --fold-batch-norm --simplify --dtype fp16 --check 4\n"
      "  resnet-cli convert model.onnx -o old.onnx --opset 9\n"
      "  resnet-cli convert int8.onnx -o operators.onnx --layout qoperator\n"
      "  resnet-cli convert model.onnx -o backbone.onnx --outputs features\n"
      "  resnet-cli convert resnet50.onnx -o structure.onnx --strip-weights");
}

ConvertRequest request_of(const ConvertOptions& options, Context& context) {
  ConvertRequest request;
  request.model = context.find_model(one_model(options.model, options.arguments));
  request.arch = options.arch;
  request.output = options.output;
  if (!options.inputs.empty()) request.inputs = split(options.inputs, ',');
  if (!options.outputs.empty()) request.outputs = split(options.outputs, ',');
  request.labels = options.labels;
  request.preprocess = options.preprocess;
  if (options.seed->count() > 0) request.seed = options.arch.seed;
  request.dynamic_batch = options.dynamic_batch;
  request.simplify = options.simplify;
  request.rename = options.rename.has_value();
  request.fold_batch_norm = options.fold_batch_norm;
  request.strip_weights = options.strip_weights;
  request.dtype = options.dtype;
  request.form = options.form;
  request.opset = options.opset;
  request.external_data = options.external_data;
  request.strip_metadata = options.strip_metadata;
  request.check = options.check;
  request.tolerance = options.tolerance;
  return request;
}

// The model itself may be replaced; what this says of it.
bool is_in_place(const ConvertOptions& options, const std::string& model) {
  std::error_code ignored;
  const bool in_place = fs::equivalent(model, options.output, ignored) && fs::is_regular_file(options.output, ignored);
  if (in_place && !options.force) {
    throw Error(Fault::invalid,
                fmt::format("--output: {} is the model itself, which would be replaced; expected another file, or "
                            "--force",
                            options.output));
  }
  return in_place;
}

void write_result(const ConvertOptions& options, const ConvertResult& result) {
  Output output("");
  if (options.explain) {
    for (const std::string& line : result.log.done) output.write("done: " + table::printable(line) + "\n");
    for (const std::string& line : result.log.declined) output.write("declined: " + table::printable(line) + "\n");
  }
  for (const auto& [inputs, name, d] : result.checks) {
    output.write(d.problem.empty() ? fmt::format("check: {}, output '{}': largest difference {:.3g} of {:.3g}, {}\n", inputs,
                                                 name, d.largest, d.scale, d.within() ? "within the tolerance" : "TOO LARGE")
                                   : fmt::format("check: {}, output '{}': {}\n", inputs, name, d.problem));
  }
  output.commit();
}

int run(const ConvertOptions& options, Context& context) {
  const auto start = std::chrono::steady_clock::now();
  ConvertRequest request = request_of(options, context);
  refuse_stdout("--output", options.output);
  const bool in_place = is_in_place(options, request.model);
  // A mapped file may not change under its readers: what is replaced, the model's data file by its successor's, too, gets another
  // file of that name, which leaves the old one whole.
  const char* const data_option = "the data file of --output";
  WrittenFiles written;
  written.add("--output", options.output);
  if (options.external_data) written.add(data_option, options.output + ".data");
  TaskContext task = context.task();
  task.before_reading = [&](const fs::path& file) { written.check(file, in_place ? data_option : ""); };
  ConvertTask convert(request, task);
  if (!options.labels.empty() && !labels::find(options.labels)) written.check(options.labels);
  // Before the work: an ending that is not written is told at once.
  request.native = choose_format(options.format, options.output, words<ModelFormat>) == ModelFormat::resnet;
  const ConvertResult result = convert.run();
  write_result(options, result);
  if (!result.within) {
    context.messages.error(fmt::format("{}: not written: what it computes differs by more than --tolerance", options.output));
    return exit_codes::check_failed;
  }
  std::error_code ignored;
  const auto milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  context.messages.detail(fmt::format("{}: {} nodes, {} bytes, {:.0f} ms", options.output, result.nodes,
                                      fs::file_size(options.output, ignored), milliseconds));
  return 0;
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

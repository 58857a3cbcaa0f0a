// `quantize MODEL PHOTOS -o OUT`: a network in floats becomes one in 8-bit integers.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/commands/exit_codes.h"
#include "cli/options/ending.h"
#include "cli/options/model.h"
#include "cli/options/network.h"
#include "cli/options/option.h"
#include "cli/options/written_files.h"
#include "cli/tasks/quantize/quantize.h"
#include "cli/terminal/output.h"
#include "formats/labels/labels.h"
#include "formats/table/table.h"
#include "lib/base/counted.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::ordered_json;

// What the first opset with a scale for each channel is, and the last one that is tried with onnxruntime.
constexpr int oldest_opset = 13, newest_opset = 21;

enum class Switch { on, off };
constexpr auto words_of(Switch) { return std::to_array<Word<Switch>>({{Switch::on, "on"}, {Switch::off, "off"}}); }

struct QuantizeOptions {
  std::vector<std::string> arguments;
  std::string model, exclude;
  std::optional<ModelFormat> model_format;
  std::optional<table::Format> format;
  Switch bias_correction = Switch::on;
  QuantizeRequest request;
  const CLI::Option *percentile = nullptr, *max_loss = nullptr;
};

// How values become integers.
void add_quantization_options(CLI::App& app, QuantizeOptions& options) {
  QuantizeRequest& request = options.request;
  add_choice(app, "--method", request.method,
             "how the range of each activation is chosen. minmax: from the least value to the most; percentile: so that it holds "
             "--percentile of the values; entropy: so that the least information is lost; mse: so that the squared error is the "
             "least")
      ->capture_default_str();
  options.percentile = add_number(app, "--percentile", request.percentile, 50, 100,
                                  "percent of the values that the range holds, half of the rest beyond each end")
                           ->capture_default_str();
  add_choice(
      app, "--layout", request.form,
      "qdq: pairs of QuantizeLinear and DequantizeLinear; qoperator: QLinearConv and its kin, some of them ONNX Runtime's own")
      ->capture_default_str();
  add_choice(app, "--activations", request.activations,
             "u8: 0 to 255 with a zero point, which makes the best of ReLU; s8: symmetric about 0")
      ->capture_default_str();
  add_choice(app, "--bias-correction", options.bias_correction,
             "take from each bias what rounded weights change in the mean of their channel")
      ->capture_default_str();
  add_text(app, "--exclude", options.exclude, "NAMES", "nodes that stay in floats, separated by commas; * and ? are any letters");
  app.add_flag(
      "--auto", request.choose_layers,
      "leave the layers that cost the most in floats, until at most --max-loss is lost: of top-1 on the photos of --check, "
      "else of the answers for PHOTOS that are as in floats");
  options.max_loss =
      add_number(app, "--max-loss", request.most_loss, 0, 100, "points of top-1 that --auto may lose")->capture_default_str();
}

void setup(CLI::App& app, QuantizeOptions& options) {
  QuantizeRequest& request = options.request;
  app.add_option(
         "arguments", options.arguments,
         "the model, and photos of the kind that it is to see: files, folders and those within, @list.txt, a CSV of file and "
         "class, CIFAR-10 batches, .npy tensors; their classes need not be known")
      ->type_name("FILE|ARCH")
      ->option_text("MODEL PHOTOS...");
  add_text(app, "-m,--model", options.model, "FILE|ARCH", "the model, a file of any name; all arguments are then photos");
  add_text(app, "-o,--output", request.output, "FILE", "the file to write, .onnx or .resnet, whole or not at all")->required();
  add_integer(app, "--max-photos", request.most_photos, 1, 1'000'000, "take at most this many of the photos, spread evenly")
      ->capture_default_str();
  add_quantization_options(app, options);
  add_text(
      app, "--check", request.check, "FILE|FOLDER",
      "photos of known classes, as evaluate takes them: print top-1, top-5, size and time before and after, and each layer's "
      "signal-to-noise ratio");
  add_integer(app, "--opset", request.opset, oldest_opset, newest_opset,
              fmt::format("ONNX opset, {} to {} (default: 17, or the nearest that has the network's operators)", oldest_opset,
                          newest_opset));
  add_choice(app, "--format", options.format, report_formats, "format of what is printed (default: text)");
  add_text(app, "--labels", request.network.labels, "FILE|" + labels::names(),
           "the classes' names, kept in the file (default: the model's own)");
  add_integer(app, "--batch-size", request.network.batch_size, 1, 4096, "how many photos run at once")->capture_default_str();
  add_integer(app, "--max-pixels", request.network.max_pixels, 1, std::int64_t{1} << 40,
              "larger photos are refused before they are decoded")
      ->capture_default_str();
  add_weights_option(app, request.network.arch);
  add_text(app, "--input-shape", request.network.arch.input_shape, "SHAPE",
           "the input's dims in place of the model's, such as 1x3x224x224");
  add_preparation_options(app, request.network);
  app.footer(
      "Photos are prepared as predict does it, and only ranges are kept of what the network makes of them. Batch norm is folded "
      "first;\n"
      "weights become 8-bit integers with a scale for each channel, biases 32-bit ones.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli quantize resnet50.onnx photos -o resnet50-int8.onnx\n"
      "  resnet-cli quantize resnet50.onnx photos -o resnet50-int8.onnx --check imagenet/val --format json\n"
      "  resnet-cli quantize resnet50.onnx photos -o resnet50-int8.onnx --auto --max-loss 0.2 --check imagenet/val\n"
      "  resnet-cli quantize resnet50.onnx photos -o resnet50-int8.onnx --layout qoperator --exclude '*fc*,/conv1/Conv'");
}

// ---- what is printed ----

Json json_of(double decibels) { return std::isfinite(decibels) ? Json(decibels) : Json(nullptr); }

Json json_of(const std::vector<LayerNoise>& layers) {
  Json list = Json::array();
  for (const LayerNoise& layer : layers)
    list.push_back({{"name", layer.name}, {"op", layer.op}, {"snr_db", json_of(layer.decibels)}});
  return list;
}

Json json_of(const CheckedNetwork& network) {
  return {{"top1", network.top1},
          {"top5", network.top5},
          {"bytes", network.bytes ? Json(*network.bytes) : Json(nullptr)},
          {"milliseconds", network.milliseconds}};
}

std::string json_of(const QuantizeRequest& request, const QuantizeResult& result) {
  Json object = {{"model", request.model},
                 {"output", request.output},
                 {"method", word_of(request.method)},
                 {"layout", word_of(request.form)},
                 {"activations", word_of(request.activations)},
                 {"bias_correction", request.bias_correction},
                 {"photos", result.photos},
                 {"failed", result.failed},
                 {"layers", result.layers},
                 {"quantized", result.quantized},
                 {"bytes", result.bytes}};
  if (request.choose_layers) {
    object["kept_in_floats"] = json_of(result.chosen);
    object["loss"] = *result.loss;
  }
  if (result.check) {
    object["check"] = {
        {"photos", result.check->photos}, {"before", json_of(result.check->before)}, {"after", json_of(result.check->after)}};
    object["noise"] = json_of(result.noise);
  }
  return object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

table::Table table_of(const std::vector<LayerNoise>& layers) {
  table::Table table({{"layer", table::Align::left, {}}, {"op", table::Align::left, {}}, {"SNR dB", table::Align::right, 1}});
  for (const LayerNoise& layer : layers) table.add({layer.name, layer.op, layer.decibels});
  return table;
}

table::Table table_of(const QuantizeResult::Check& check) {
  table::Table table({{"", table::Align::left, {}},
                      {"top-1", table::Align::right, 2},
                      {"top-5", table::Align::right, 2},
                      {"MiB", table::Align::right, 1},
                      {"ms", table::Align::right, 2}});
  const auto mebibytes = [](const CheckedNetwork& network) {
    return network.bytes ? table::Cell(static_cast<double>(*network.bytes) / (1 << 20)) : table::Cell();
  };
  table.add({"before", check.before.top1, check.before.top5, mebibytes(check.before), check.before.milliseconds});
  table.add({"after", check.after.top1, check.after.top5, mebibytes(check.after), check.after.milliseconds});
  return table;
}

std::string text_of(const QuantizeRequest& request, const QuantizeResult& result) {
  std::string text = fmt::format("{} of {} in integers, {} by {} of {}: {:.1f} MiB\n", result.quantized,
                                 counted(result.layers, "layer"), word_of(request.activations), word_of(request.method),
                                 counted(result.photos, "photo"), static_cast<double>(result.bytes) / (1 << 20));
  if (request.choose_layers) {
    text += fmt::format("{} by --auto in floats, {:.2f} points {}\n", counted(result.chosen.size(), "layer"), *result.loss,
                        request.check.empty() ? "of the answers are others" : "of top-1 are lost");
    if (!result.chosen.empty()) text += "\n" + table_of(result.chosen).render(table::Format::text);
  }
  if (!result.check) return text;
  text += fmt::format("\n{}", table_of(*result.check).render(table::Format::text));
  text += fmt::format("\n{}", table_of(result.noise).render(table::Format::text));
  return text;
}

// ---- the request ----

QuantizeRequest request_of(const QuantizeOptions& options, Context& context) {
  QuantizeRequest request = options.request;
  request.photos = options.arguments;
  std::string model = options.model;
  if (model.empty()) {
    const auto found = std::find_if(request.photos.begin(), request.photos.end(), is_model);
    if (found == request.photos.end()) refuse_without_model(request.photos);
    model = *found;
    request.photos.erase(found);
  }
  if (request.photos.empty()) {
    throw Error(Fault::invalid,
                "no photos given; expected files, folders or @list.txt with photos of the kind that the network is to see");
  }
  if (options.percentile->count() > 0 && request.method != quantize::Method::percentile)
    throw Error(Fault::invalid, fmt::format("--percentile is for --method percentile, not {}", word_of(request.method)));
  if (options.max_loss->count() > 0 && !request.choose_layers) throw Error(Fault::invalid, "--max-loss is for --auto");
  request.model = context.find_model(model);
  request.bias_correction = options.bias_correction == Switch::on;
  if (!options.exclude.empty()) request.excluded = split(options.exclude, ',');
  return request;
}

int run(const QuantizeOptions& options, Context& context) {
  QuantizeRequest request = request_of(options, context);
  refuse_stdout("--output", request.output);
  WrittenFiles written;
  written.add("--output", request.output);
  written.check(request.model);
  for (const std::string& file : request.photos) written.check(file);
  if (!request.check.empty()) written.check(request.check);
  check_labels(written, request.network);
  request.native = model_format_of(request.output) == ModelFormat::resnet;
  if (request.native && request.opset)
    throw Error(Fault::invalid, fmt::format("--opset is for ONNX files, but {} is a .resnet file", request.output));
  TaskContext task = context.task();
  task.before_reading = [&written](const fs::path& file) { written.check(file); };
  QuantizeTask quantize(request, task);
  const QuantizeResult result = quantize.run();
  Output output("");
  output.write(options.format == table::Format::json ? json_of(request, result) : text_of(request, result));
  output.commit();
  return result.failed > 0 || (result.check && result.check->any_failed) ? exit_codes::inputs_failed : 0;
}

}  // namespace

Command add_quantize(CLI::App& program) {
  auto options = std::make_shared<QuantizeOptions>();
  CLI::App* app = program.add_subcommand("quantize", "A network in 8-bit integers, from one in floats and some photos.");
  setup(*app, *options);
  return {app, [options](Context& context) { return run(*options, context); }};
}

}  // namespace resnet::cli

// `evaluate MODEL DATA`: how often a network is right, as the paper's Tables 3 to 5 report it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
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
#include "cli/tasks/evaluate/evaluate.h"
#include "cli/tasks/feed/photo_files.h"
#include "cli/terminal/output.h"
#include "formats/labels/labels.h"
#include "formats/table/table.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::ordered_json;

struct EvaluateOptions {
  std::vector<std::string> arguments;
  std::string output, confusion;
  std::optional<table::Format> format;
  std::vector<Crop> crops = {Crop::center};
  std::size_t topk = 5;
  bool ensemble = false, per_class = false, fail_fast = false;
  DatasetOptions dataset;
  NetworkOptions network;
};

std::vector<Crop> parse_crops(const std::string& text) {
  std::vector<Crop> crops;
  for (const std::string& word : split(text, ',')) {
    const auto crop = find_value<Crop>(word);
    if (!crop) throw Error(Fault::invalid, fmt::format("--crop: expected {}, got '{}'", listed_words<Crop>("or"), text));
    crops.push_back(*crop);
  }
  return crops;
}

std::string text_of(const std::vector<Crop>& crops) {
  std::string text;
  for (const Crop crop : crops) text += (text.empty() ? "" : ",") + std::string(word_of(crop));
  return text;
}

void setup(CLI::App& app, EvaluateOptions& options) {
  app.add_option("arguments", options.arguments,
                 "models, as predict takes them, and the data: a folder with a folder per class, a CSV of "
                 "file and class, a folder with labels.csv, a folder of photos with --ground-truth, or a CIFAR-10 binary batch")
      ->type_name("FILE|ARCH")
      ->option_text("MODEL... DATA");
  add_network_options(app, options.network);
  app.get_option("--model")->description("a model file of any name; may be repeated");
  add_parsed(
      app, "--crop", [&options](const std::string& text) { options.crops = parse_crops(text); },
      [&options] { return text_of(options.crops); }, joined_words<Crop>("|"),
      "which part of the photo is shown: its centre; four corners and the centre, and their mirror images; all of it and its "
      "mirror image, by a network made fully convolutional. Several, as in center,ten: a row for each")
      ->capture_default_str();
  app.add_flag("--ensemble", options.ensemble, "also all models together, their answers averaged");
  add_integer(app, "-k,--topk", options.topk, 1, 1'000'000, "also count an answer as right where the class is among this many")
      ->capture_default_str();
  add_text(app, "--ground-truth", options.dataset.ground_truth, "FILE",
           "the classes of a folder of photos, one a line in the order of the photos' names: ImageNet's validation folder");
  add_text(app, "--class-map", options.dataset.class_map, "FILE",
           "a file of WordNet ids and ILSVRC's own numbers, by which --ground-truth counts");
  app.add_flag("--per-class", options.per_class, "also each class's own accuracy");
  add_text(app, "--confusion", options.confusion, "FILE", "a CSV for the confusion matrix: true class, answered class, photos");
  app.add_flag("--fail-fast", options.fail_fast, "stop at the first photo that fails");
  add_choice(app, "--format", options.format, table_formats,
             "format of the report (default: by the ending of --output, else text)");
  add_text(app, "-o,--output", options.output, "FILE", "the file to write, whole or not at all (default: stdout)");
  add_preparation_options(app, options.network);
  app.footer(
      "Intervals hold the true share with 95 % confidence. A photo that fails, and a class folder that is missing, empty or\n"
      "cannot be read, is reported and not counted; the exit code is then 5. Hidden folders and those of tools (.git, @eaDir,\n"
      "__MACOSX) are not classes.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli evaluate resnet50.onnx imagenet/val\n"
      "  resnet-cli evaluate resnet50.onnx photos/labels.csv --crop center,ten --format md\n"
      "  resnet-cli evaluate --model a.onnx --model b.onnx --ensemble val --crop full --scales 224,256,384,480,640\n"
      "  resnet-cli evaluate resnet20.onnx cifar-10-batches-bin/test_batch.bin");
}

// "ten at 224,256": how photos were shown.
std::string crop_text(const EvaluateRow& row, const EvaluateOptions& options) {
  const std::vector<int> scales = parse_scales(options.network.scales);
  return scales.empty() ? std::string(word_of(row.crop)) : fmt::format("{} at {}", word_of(row.crop), fmt::join(scales, ","));
}

Json json_of(const EvaluateRow& row, const EvaluateOptions& options) {
  const Evaluator& e = row.evaluator;
  const double top1 = percent(e.right_at_1(), e.count()), topk = percent(e.right_at_k(), e.count());
  const auto interval = [&](std::int64_t right) {
    const Interval found = confidence_of(right, e.count());
    return Json::array({100 * found.low, 100 * found.high});
  };
  const std::string k = fmt::format("top{}", e.k());
  Json object = {{"model", row.model},
                 {"crop", crop_text(row, options)},
                 {"average", word_of(options.network.average)},
                 {"preprocessing", row.preprocessing}};
  object["top1"] = top1;
  object["top1_err"] = 100 - top1;
  object["top1_interval"] = interval(e.right_at_1());
  object[k] = topk;
  object[k + "_err"] = 100 - topk;
  object[k + "_interval"] = interval(e.right_at_k());
  object["count"] = e.count();
  object["failed"] = e.failed();
  object["params"] = row.parameters;
  object["macs"] = row.macs;
  object["images_per_second"] = row.seconds > 0 ? static_cast<double>(e.count()) / row.seconds : 0;
  Json& pairs = object["most_confused"] = Json::array();
  for (const auto& pair : e.most_confused(20)) {
    pairs.push_back({{"true", pair.truth},
                     {"true_label", labels::label_or_number(row.labels, pair.truth)},
                     {"answered", pair.answer},
                     {"answered_label", labels::label_or_number(row.labels, pair.answer)},
                     {"count", pair.count}});
  }
  Json& classes = object["classes"] = Json::array();
  for (const auto& c : e.classes()) {
    classes.push_back({{"index", c.index},
                       {"label", labels::label_or_number(row.labels, c.index)},
                       {"count", c.count},
                       {"right", c.right},
                       {"accuracy", percent(c.right, c.count)}});
  }
  return object;
}

table::Table table_of(const std::vector<EvaluateRow>& rows, const EvaluateOptions& options) {
  table::Table table({{"model", table::Align::left, {}},
                      {"crop", table::Align::left, {}},
                      {"top-1 err", table::Align::right, 2},
                      {"95 %", table::Align::left, {}},
                      {fmt::format("top-{} err", options.topk), table::Align::right, 2},
                      {"photos", table::Align::right, {}},
                      {"failed", table::Align::right, {}},
                      {"params", table::Align::right, {}},
                      {"macs", table::Align::right, {}},
                      {"images/s", table::Align::right, 1}});
  for (const EvaluateRow& row : rows) {
    const Evaluator& e = row.evaluator;
    const Interval interval = confidence_of(e.count() - e.right_at_1(), e.count());
    table.add({row.model, crop_text(row, options), 100 - percent(e.right_at_1(), e.count()),
               fmt::format("{:.2f}-{:.2f}", 100 * interval.low, 100 * interval.high), 100 - percent(e.right_at_k(), e.count()),
               e.count(), e.failed(), row.parameters, row.macs,
               row.seconds > 0 ? static_cast<double>(e.count()) / row.seconds : 0.0});
  }
  return table;
}

void write_text(const std::vector<EvaluateRow>& rows, const EvaluateOptions& options, Output& output) {
  if (rows.size() > 1) {
    output.write(table_of(rows, options).render(table::Format::text));
    return;
  }
  const EvaluateRow& row = rows.front();
  const Evaluator& e = row.evaluator;
  const Interval first = confidence_of(e.right_at_1(), e.count()), among = confidence_of(e.right_at_k(), e.count());
  output.write(accuracy_line(row) + "\n");
  output.write(fmt::format("95 % confidence: Acc@1 {:.2f} to {:.2f}, Acc@{} {:.2f} to {:.2f}, of {} photos{}\n", 100 * first.low,
                           100 * first.high, e.k(), 100 * among.low, 100 * among.high, e.count(),
                           e.failed() > 0 ? fmt::format(", {} failed", e.failed()) : ""));
  const auto pairs = e.most_confused(5);
  if (!pairs.empty()) output.write(std::string_view("most confused:\n"));
  for (const auto& pair : pairs) {
    output.write(fmt::format("  {:>5}  {} taken for {}\n", pair.count,
                             table::printable(labels::label_or_number(row.labels, pair.truth)),
                             table::printable(labels::label_or_number(row.labels, pair.answer))));
  }
  if (!options.per_class) return;
  table::Table classes({{"class", table::Align::right, {}},
                        {"label", table::Align::left, {}},
                        {"photos", table::Align::right, {}},
                        {"right", table::Align::right, {}},
                        {"accuracy", table::Align::right, 2}});
  for (const auto& c : e.classes())
    classes.add({c.index, labels::label_or_number(row.labels, c.index), c.count, c.right, percent(c.right, c.count)});
  output.write("\n" + classes.render(table::Format::text));
}

void write_confusion(const std::vector<EvaluateRow>& rows, const EvaluateOptions& options) {
  table::Table table({{"model", table::Align::left, {}},
                      {"crop", table::Align::left, {}},
                      {"true", table::Align::right, {}},
                      {"true_label", table::Align::left, {}},
                      {"answered", table::Align::right, {}},
                      {"answered_label", table::Align::left, {}},
                      {"count", table::Align::right, {}}});
  for (const EvaluateRow& row : rows) {
    for (const auto& [pair, count] : row.evaluator.confusion()) {
      table.add({row.model, crop_text(row, options), pair.first, labels::label_or_number(row.labels, pair.first), pair.second,
                 labels::label_or_number(row.labels, pair.second), count});
    }
  }
  Output output(options.confusion);
  output.write(table.render(table::Format::csv));
  output.commit();
}

// The files that this run writes; those that it reads besides the data are checked.
WrittenFiles written_by(const EvaluateOptions& options, const std::vector<std::string>& models) {
  WrittenFiles written;
  written.add_or_stdout("--output", options.output);
  written.add("--report", options.network.report);
  written.add("--confusion", options.confusion);
  written.add_numbered_pictures("--cam", options.network.cam);
  for (const std::string& model : models) written.check(model);
  check_labels(written, options.network);
  for (const std::string& list : {options.dataset.ground_truth, options.dataset.class_map}) {
    if (!list.empty()) written.check(list);
  }
  return written;
}

EvaluateRequest request_of(const EvaluateOptions& options) {
  EvaluateRequest request;
  request.network = options.network;
  request.models = options.network.models;
  std::vector<std::string> data;
  for (const std::string& argument : options.arguments) {
    (options.network.models.empty() && is_model(argument) ? request.models : data).push_back(argument);
  }
  if (request.models.empty()) refuse_without_model(data);
  if (data.size() != 1) throw Error(Fault::invalid, fmt::format("expected one folder or file of data, got {}", data.size()));
  request.dataset = options.dataset;
  request.dataset.data = data.front();
  request.crops = options.crops;
  request.scales = parse_scales(options.network.scales);
  request.ensemble = options.ensemble;
  request.top_k = options.topk;
  request.fail_fast = options.fail_fast;
  request.report = options.network.report;
  request.activation_maps = options.network.cam;
  const bool alone = request.models.size() == 1 && request.crops.size() == 1;
  if (!request.activation_maps.empty()) check_single_view("--cam", {request.crops.front(), request.scales}, alone ? 1 : 2);
  if (!request.report.empty() && !alone) throw Error(Fault::invalid, "--report is for one model and one way of testing");
  return request;
}

void write_rows(const std::vector<EvaluateRow>& rows, table::Format format, const EvaluateOptions& options, Output& output) {
  if (format == table::Format::json) {
    Json list = Json::array();
    for (const EvaluateRow& row : rows) list.push_back(json_of(row, options));
    const Json& result = rows.size() == 1 ? list.front() : list;
    output.write(result.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  } else if (format == table::Format::text) {
    write_text(rows, options, output);
  } else {
    output.write(table_of(rows, options).render(format));
  }
}

int run(const EvaluateOptions& options, Context& context) {
  EvaluateRequest request = request_of(options);
  context.find_models(request.models);
  const WrittenFiles written = written_by(options, request.models);
  TaskContext given = context.task();
  given.before_reading = [&written](const std::filesystem::path& file) { written.check(file); };
  Output output(options.output);
  EvaluateTask task(request, given);
  const table::Format format = choose_format(options.format, options.output, table_formats);
  check_ending(request.report, {FileFormat::html});
  check_ending(options.confusion, {FileFormat::csv});
  const EvaluateResult result = task.run();

  write_rows(result.rows, format, options, output);
  task.write_report(result);
  if (!options.confusion.empty()) write_confusion(result.rows, options);
  output.commit();
  std::size_t turned = 0;
  for (const EvaluateRow& row : result.rows) turned = std::max(turned, row.turned);
  tell_orientations(turned, context.messages);
  return result.any_failed ? exit_codes::inputs_failed : 0;
}

}  // namespace

Command add_evaluate(CLI::App& program) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* app = program.add_subcommand("evaluate", "How often networks are right, on photos whose class is known.");
  setup(*app, *options);
  return {app, [options](Context& context) { return run(*options, context); }};
}

}  // namespace resnet::cli

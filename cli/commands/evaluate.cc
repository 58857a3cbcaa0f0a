// `evaluate MODEL DATA`: how often a network is right, as the paper's Tables 3 to 5 report it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/commands/exit_codes.h"
#include "cli/commands/jobs.h"
#include "cli/options/ending.h"
#include "cli/options/job.h"
#include "cli/options/model.h"
#include "cli/options/network.h"
#include "cli/options/option.h"
#include "cli/options/written_files.h"
#include "cli/tasks/evaluate/evaluate.h"
#include "cli/tasks/evaluate/evaluate_job.h"
#include "cli/tasks/evaluate/report.h"
#include "cli/tasks/feed/photo_files.h"
#include "cli/terminal/output.h"
#include "formats/table/table.h"
#include "lib/base/error.h"
#include "lib/base/parse.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

struct EvaluateOptions {
  std::vector<std::string> arguments;
  std::string output, confusion, valid_labels;
  std::optional<table::Format> format;
  std::vector<Crop> crops = {Crop::center};
  std::size_t topk = 5;
  bool ensemble = false, per_class = false, against_paper = false, fail_fast = false;
  DatasetOptions dataset;
  NetworkOptions network;
  JobOptions job;
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
  app.add_flag("--per-class", options.per_class, "also each class's own precision, recall and F1, and their averages");
  app.add_flag("--against-paper", options.against_paper,
               "also the error that the paper prints of the same network, tested the same way");
  add_text(app, "--valid-labels", options.valid_labels, "FILE",
           "classes that can be answered, by number, one a line: for data of a part of the network's classes");
  add_text(app, "--confusion", options.confusion, "FILE", "a CSV for the confusion matrix: true class, answered class, photos");
  app.add_flag("--fail-fast", options.fail_fast, "stop at the first photo that fails");
  add_choice(app, "--format", options.format, table_formats,
             "format of the report (default: by the ending of --output, else text)");
  add_text(app, "-o,--output", options.output, "FILE", "the file to write, whole or not at all (default: stdout)");
  add_job_options(app, options.job);
  add_preparation_options(app, options.network);
  app.footer(
      "Intervals hold the true share with 95 % confidence. A photo that fails, and a class folder that is missing, empty or\n"
      "cannot be read, is reported and not counted; the exit code is then 5. Hidden folders and those of tools (.git, @eaDir,\n"
      "__MACOSX) are not classes.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli evaluate resnet50.onnx imagenet/val\n"
      "  resnet-cli evaluate resnet50.onnx photos/labels.csv --crop center,ten --format md\n"
      "  resnet-cli evaluate resnet50 imagenet/val --crop center,ten --against-paper\n"
      "  resnet-cli evaluate --model a.onnx --model b.onnx --ensemble val --crop full --scales 224,256,384,480,640\n"
      "  resnet-cli evaluate resnet20.onnx cifar-10-batches-bin/test_batch.bin\n"
      "  resnet-cli evaluate resnet50.onnx imagenet/val --job work -o report.json   # on each machine");
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
  for (const std::string& list : {options.dataset.ground_truth, options.dataset.class_map, options.valid_labels}) {
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
  request.valid_labels = options.valid_labels;
  request.report = options.network.report;
  request.activation_maps = options.network.cam;
  const bool alone = request.models.size() == 1 && request.crops.size() == 1;
  if (!request.activation_maps.empty()) check_single_view("--cam", {request.crops.front(), request.scales}, alone ? 1 : 2);
  if (!request.report.empty() && !alone) throw Error(Fault::invalid, "--report is for one model and one way of testing");
  return request;
}

table::Format format_of(const EvaluateOptions& options) {
  const table::Format format = choose_format(options.format, options.output, table_formats);
  check_ending(options.network.report, {FileFormat::html});
  check_ending(options.confusion, {FileFormat::csv});
  return format;
}

// Writes the report, and what is asked for besides. `task`: the run that has a page to write, or null.
void print(const EvaluateResult& result, const EvaluateOptions& options, table::Format format, EvaluateTask* task, Output& output,
           Context& context) {
  const ReportedAs as{.average = options.network.average,
                      .scales = parse_scales(options.network.scales),
                      .top_k = options.topk,
                      .per_class = options.per_class,
                      .against_paper = options.against_paper};
  output.write(report_of(result.rows, format, as));
  if (task != nullptr) task->write_report(result);
  if (!options.confusion.empty()) {
    Output confusion(options.confusion);
    confusion.write(confusion_table(result.rows, as).render(table::Format::csv));
    confusion.commit();
  }
  output.commit();
  std::size_t turned = 0;
  for (const EvaluateRow& row : result.rows) turned = std::max(turned, row.turned);
  tell_orientations(turned, context.messages);
}

int run(const EvaluateOptions& options, Context& context) {
  EvaluateRequest request = request_of(options);
  context.find_models(request.models);
  const WrittenFiles written = written_by(options, request.models);
  TaskContext given = context.task();
  given.before_reading = [&written](const fs::path& file) { written.check(file); };
  Output output(options.output);
  EvaluateTask task(request, given);
  const table::Format format = format_of(options);
  const EvaluateResult result = task.run();
  print(result, options, format, &task, output, context);
  return result.any_failed ? exit_codes::inputs_failed : 0;
}

// How the report looks and where it goes: each process of a job may ask for it in its own way.
constexpr auto report_options =
    std::to_array<std::string_view>({"--format", "--output", "--per-class", "--against-paper", "--confusion"});

bool is_of_report(const std::string& word) {
  return std::any_of(report_options.begin(), report_options.end(), [&](std::string_view option) {
    return word == option || (word.starts_with(option) && word.substr(option.size(), 1) == "=");
  });
}

// `words`: the options that decide the report, kept for others.
int run_job(const EvaluateOptions& options, const JobWords& words, Context& context) {
  refuse_in_job({{"--report", !options.network.report.empty()},
                 {"--cam", !options.network.cam.empty()},
                 {"--fail-fast", options.fail_fast}});
  EvaluateOptions with_data = options;
  if (words.are_of_job) with_data.arguments.emplace_back("-");  // the job has its list: nothing is read
  EvaluateRequest request = request_of(with_data);
  std::vector<std::string> data = {request.dataset.data};
  for (const std::string& list : {request.dataset.ground_truth, request.dataset.class_map}) {
    if (!list.empty()) data.push_back(list);
  }
  const JobRequest job = job_request(options.job, words, request.models, data, false, context);
  context.find_models(request.models);
  refuse_in_folder(options.job.folder, {{"--output", options.output}, {"--confusion", options.confusion}});
  const WrittenFiles written = written_by(options, request.models);
  TaskContext task = context.task();
  task.before_reading = [&written](const fs::path& file) { written.check(file); };
  const table::Format format = format_of(options);
  const auto result = evaluate_job(request, job, task);
  if (!result) return exit_codes::not_whole;
  Output output(options.output);
  print(*result, options, format, nullptr, output, context);
  return 0;
}

int run_with_job(EvaluateOptions options, const CLI::App& app, Context& context) {
  check_job_options(options.job);
  options.job.folder = absolute(options.job.folder);
  for (std::string* file : {&options.output, &options.confusion}) {
    if (*file != "-") *file = absolute(*file);
  }
  if (options.job.status) return tell_status(options.job.folder);
  std::vector<std::string> words = words_of_options(app, {"--model", "--output", "--confusion"});
  if (!options.output.empty()) words.push_back("--output=" + options.output);
  if (!options.confusion.empty()) words.push_back("--confusion=" + options.confusion);
  const bool is_alone = options.arguments.empty() && options.network.models.empty();
  // A process that asks for a report of its own gets that and no other.
  const JobWords all = words_of_process(options.job, "evaluate", is_alone, words, is_of_report, context);
  return run_job(is_alone ? options_of_job(options.job, all, setup) : options, all, context);
}

}  // namespace

Command add_evaluate(CLI::App& program) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* app = program.add_subcommand("evaluate", "How often networks are right, on photos whose class is known.");
  setup(*app, *options);
  return {app, [options, app](Context& context) {
            return options->job.any() ? run_with_job(*options, *app, context) : run(*options, context);
          }};
}

}  // namespace resnet::cli

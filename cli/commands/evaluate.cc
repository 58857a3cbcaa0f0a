// `evaluate MODEL DATA`: how often a network is right, as the paper's Tables 3 to 5 tell it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <chrono>
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
#include "cli/tasks/feed/dataset.h"
#include "cli/tasks/feed/photo_files.h"
#include "cli/tasks/predict/report.h"
#include "cli/tasks/prepare/networks.h"
#include "cli/tasks/progress.h"
#include "cli/terminal/output.h"
#include "formats/labels/labels.h"
#include "formats/table/table.h"
#include "lib/base/error.h"
#include "lib/base/interrupt.h"
#include "lib/base/parse.h"
#include "lib/classify/evaluator.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

struct EvaluateOptions {
  std::vector<std::string> arguments;
  std::string output, format, crops = "center", confusion;
  std::size_t topk = 5;
  bool ensemble = false, per_class = false, fail_fast = false;
  DatasetOptions dataset;
  NetworkOptions network;
};

void setup(CLI::App& app, EvaluateOptions& options) {
  app.add_option(
         "arguments", options.arguments,
         "models (files *.onnx or *.resnet, or architectures' names) and the data: a folder with a folder per class, a CSV of "
         "file and class, a folder with labels.csv, a folder of photos with --ground-truth, or a CIFAR-10 binary batch")
      ->type_name("FILE")
      ->option_text("MODEL... DATA");
  add_network_options(app, options.network);
  app.get_option("--model")->description("a model, whatever its name; may be given several times");
  add_text(
      app, "--crop", options.crops, "center|ten|full",
      "which part of the photo is shown: its centre; four corners and the centre, and their mirror images; all of it and its "
      "mirror image, by a network made fully convolutional. Several, as in center,ten: a row for each")
      ->capture_default_str();
  app.add_flag("--ensemble", options.ensemble, "also all models together, their answers averaged");
  add_integer(app, "-k,--topk", options.topk, 1, 1'000'000,
              "an answer is right where the class is among so many, besides the first")
      ->capture_default_str();
  add_text(app, "--ground-truth", options.dataset.ground_truth, "FILE",
           "the classes of a folder of photos, one a line in the order of the photos' names: ImageNet's validation folder");
  add_text(app, "--class-map", options.dataset.class_map, "FILE",
           "lines of a WordNet id and ILSVRC's own number, by which --ground-truth counts");
  app.add_flag("--per-class", options.per_class, "also each class's own accuracy");
  add_text(app, "--confusion", options.confusion, "FILE", "a CSV for the confusion matrix: true class, answered class, photos");
  app.add_flag("--fail-fast", options.fail_fast, "stop at the first photo that fails");
  add_choice(app, "--format", options.format, "text|json|csv|md",
             "of the report (default: by the ending of --output, else text)");
  add_text(app, "-o,--output", options.output, "FILE", "the file to write, whole or not at all (default: stdout)");
  add_preparation_options(app, options.network);
  app.footer(
      "Intervals hold the true share with 95 % confidence. A photo that fails, and a class folder that is\n"
      "missing, empty or cannot be read, is reported and not counted; the exit code is 5 then. Hidden folders and those of "
      "tools\n"
      "(.git, @eaDir, __MACOSX) are no classes.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli evaluate resnet50.onnx imagenet/val\n"
      "  resnet-cli evaluate resnet50.onnx photos/labels.csv --crop center,ten --format md\n"
      "  resnet-cli evaluate --model a.onnx --model b.onnx --ensemble val --crop full --scales 224,256,384,480,640\n"
      "  resnet-cli evaluate resnet20.onnx cifar-10-batches-bin/test_batch.bin");
}

std::vector<Crop> parse_crops(const std::string& text) {
  std::vector<Crop> crops;
  for (const std::string& word : split(text, ',')) {
    const auto crop = find_crop(word);
    if (!crop) throw Error(Fault::invalid, fmt::format("--crop: expected center, ten or full, got '{}'", text));
    crops.push_back(*crop);
  }
  return crops;
}

// One row: some networks by one way of testing.
struct Row {
  std::string model, crop, preprocessing;
  std::int64_t parameters = 0, macs = 0;
  std::vector<std::string> labels;
  Evaluator evaluator{5};
  double seconds = 0;
  std::size_t turned = 0;  // photos whose orientation was not heeded
};

double percent(std::int64_t right, std::int64_t count) {
  return count == 0 ? 0 : 100.0 * static_cast<double>(right) / static_cast<double>(count);
}

std::string crop_text(Crop crop, const std::vector<int>& scales) {
  return scales.empty() ? name_of(crop) : fmt::format("{} at {}", name_of(crop), fmt::join(scales, ","));
}

void run_row(Row& row, Report& report, const std::vector<Member>& members, const Dataset& dataset, const EvaluateOptions& options,
             const ViewOptions& views, ThreadPool& pool, Context& context) {
  ClassifierOptions classify = classifier_options(options.network, views, context.decode_threads());
  classify.top_k = options.topk;
  classify.load_photos = read_cifar_batch;
  std::atomic<std::size_t> turned = 0;
  classify.unheeded_orientations = &turned;
  Classifier classifier(members, pool, classify);
  std::vector<fs::path> files;
  for (const Sample& sample : dataset.samples) files.push_back(sample.file);
  const auto start = Clock::now();
  {
    Progress progress(context.messages, "photos");
    classifier.classify(files, [&](Result&& result) {
      const Sample& sample = dataset.samples[result.source];
      if (result.error) {
        if (options.fail_fast) throw Error(Fault::unreadable, Frame::file(Role::input), result.input + ": " + *result.error);
        context.messages.error(result.input + ": " + *result.error);
        row.evaluator.add_failure();
        report.add_failure(result.input, *result.error);
      } else if (result.position >= sample.truths.size()) {
        throw Error(Fault::unreadable, Frame::file(Role::input), fmt::format("{}: has changed while it was read", result.input));
      } else {
        row.evaluator.add(sample.truths[result.position], result.predictions);
        report.add(result, row.labels, sample.truths[result.position]);
        if (!options.network.cam.empty())
          write_activation_map(options.network.cam, static_cast<std::size_t>(row.evaluator.count() + row.evaluator.failed()),
                               result);
      }
      progress.update(files.size() == 1 ? result.position + 1 : result.source + 1,
                      files.size() == 1 ? sample.truths.size() : files.size());
    });
  }
  row.turned = turned;
  row.seconds = std::chrono::duration<double>(Clock::now() - start).count();
}

// As timm and torchvision print it.
std::string accuracy_line(const Row& row) {
  const Evaluator& e = row.evaluator;
  const double top1 = percent(e.right_at_1(), e.count()), topk = percent(e.right_at_k(), e.count());
  return fmt::format("Acc@1 {:.3f} ({:.3f}) Acc@{} {:.3f} ({:.3f})", top1, 100 - top1, e.k(), topk, 100 - topk);
}

Json json_of(const Row& row, const EvaluateOptions& options) {
  const Evaluator& e = row.evaluator;
  const double top1 = percent(e.right_at_1(), e.count()), topk = percent(e.right_at_k(), e.count());
  const auto interval = [&](std::int64_t right) {
    const Interval found = confidence_of(right, e.count());
    return Json::array({100 * found.low, 100 * found.high});
  };
  const std::string k = fmt::format("top{}", e.k());
  Json object = {
      {"model", row.model}, {"crop", row.crop}, {"average", options.network.average}, {"preprocessing", row.preprocessing}};
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

table::Table table_of(const std::vector<Row>& rows, std::size_t k) {
  table::Table table({{"model", table::Align::left, {}},
                      {"crop", table::Align::left, {}},
                      {"top-1 err", table::Align::right, 2},
                      {"95 %", table::Align::left, {}},
                      {fmt::format("top-{} err", k), table::Align::right, 2},
                      {"photos", table::Align::right, {}},
                      {"failed", table::Align::right, {}},
                      {"params", table::Align::right, {}},
                      {"macs", table::Align::right, {}},
                      {"images/s", table::Align::right, 1}});
  for (const Row& row : rows) {
    const Evaluator& e = row.evaluator;
    const Interval interval = confidence_of(e.count() - e.right_at_1(), e.count());
    table.add({row.model, row.crop, 100 - percent(e.right_at_1(), e.count()),
               fmt::format("{:.2f}-{:.2f}", 100 * interval.low, 100 * interval.high), 100 - percent(e.right_at_k(), e.count()),
               e.count(), e.failed(), row.parameters, row.macs,
               row.seconds > 0 ? static_cast<double>(e.count()) / row.seconds : 0.0});
  }
  return table;
}

void write_text(const std::vector<Row>& rows, const EvaluateOptions& options, Output& output) {
  if (rows.size() > 1) {
    output.write(table_of(rows, options.topk).render(table::Format::text));
    return;
  }
  const Row& row = rows.front();
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

void write_confusion(const std::vector<Row>& rows, const std::string& file) {
  table::Table table({{"model", table::Align::left, {}},
                      {"crop", table::Align::left, {}},
                      {"true", table::Align::right, {}},
                      {"true_label", table::Align::left, {}},
                      {"answered", table::Align::right, {}},
                      {"answered_label", table::Align::left, {}},
                      {"count", table::Align::right, {}}});
  for (const Row& row : rows) {
    for (const auto& [pair, count] : row.evaluator.confusion()) {
      table.add({row.model, row.crop, pair.first, labels::label_or_number(row.labels, pair.first), pair.second,
                 labels::label_or_number(row.labels, pair.second), count});
    }
  }
  Output output(file);
  output.write(table.render(table::Format::csv));
  output.commit();
}

// The files that this run writes; those that it reads besides the data are checked.
WrittenFiles written_by(const EvaluateOptions& options, const std::vector<std::string>& models) {
  WrittenFiles written;
  written.add("--output", options.output);
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

int run(EvaluateOptions options, Context& context) {
  std::vector<std::string> models = options.network.models, data;
  for (const std::string& argument : options.arguments) {
    (options.network.models.empty() && is_model(argument) ? models : data).push_back(argument);
  }
  if (models.empty()) refuse_without_model(data);
  if (data.size() != 1) throw Error(Fault::invalid, fmt::format("expected one folder or file of data, got {}", data.size()));
  options.dataset.data = data.front();
  const std::vector<Crop> crops = parse_crops(options.crops);
  const std::vector<int> scales = parse_scales(options.network.scales);
  const bool alone = models.size() == 1 && crops.size() == 1;
  if (!options.network.cam.empty()) check_single_view("--cam", {crops.front(), scales}, alone ? 1 : 2);
  if (!options.network.report.empty() && !alone) throw Error(Fault::invalid, "--report is of one model and one way of testing");
  const WrittenFiles written = written_by(options, models);
  Report report(options.network.report.empty() ? nullptr : std::make_unique<Output>(options.network.report));
  Output output(options.output);

  std::vector<Network> networks;
  for (const std::string& name : models) {
    networks.push_back(load_network(name, options.network, context.messages));
    check_data_files(written, networks.back());
    tell_preprocessing(networks.back(), {crops.front(), scales}, models.size() == 1, context.messages);
  }
  const auto classes = networks.front().scores.classes;
  if (!classes) throw Error(Fault::unsupported, fmt::format("{}: its number of classes is not known", models.front()));
  const Dataset dataset = load_dataset(options.dataset, networks.front().labels, *classes);
  if (!dataset.list.empty()) written.check(dataset.list);
  for (const Sample& sample : dataset.samples) written.check(sample.file);
  const std::string format = choose_table_format(options.format, options.output);
  check_ending(options.network.report, {"html"});
  check_ending(options.confusion, {"csv"});
  for (const std::string& note : dataset.notes) context.messages.warning(note);
  if (!dataset.others.empty()) context.messages.note(dataset.others.to_string());
  for (const std::string& failure : dataset.failures) {
    if (options.fail_fast) throw Error(Fault::unreadable, Frame::file(Role::input), failure);
    context.messages.error(failure);
  }

  ThreadPool pool(context.threads(), context.most_threads());
  std::vector<Row> rows;
  const auto add = [&](std::span<const Network> some, Crop crop) {
    Row row;
    row.crop = crop_text(crop, scales);
    row.labels = some.front().labels;
    row.evaluator = Evaluator(options.topk);
    std::vector<Member> members;
    const ViewOptions views{crop, scales};
    for (const Network& network : some) {
      row.model += (row.model.empty() ? "" : " + ") + network.name;
      const std::string prepared = describe(network.preprocessing.preprocessing);
      if (row.preprocessing.find(prepared) == std::string::npos)
        row.preprocessing += (row.preprocessing.empty() ? "" : "; ") + prepared;
      row.parameters += network.parameters;
      row.macs += network.macs;
      members.push_back(make_member(network, network.graph, crop, job_of(network, options.network, views, dataset.photos()), pool,
                                    !options.network.cam.empty()));
    }
    run_row(row, report, members, dataset, options, views, pool, context);
    rows.push_back(std::move(row));
    throw_if_interrupted();
  };
  for (const Crop crop : crops) {
    for (const Network& network : networks) add({&network, 1}, crop);
    if (options.ensemble && networks.size() > 1) add(networks, crop);
  }

  if (format == "json") {
    Json list = Json::array();
    for (const Row& row : rows) list.push_back(json_of(row, options));
    const Json& result = rows.size() == 1 ? list.front() : list;
    output.write(result.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  } else if (format == "text") {
    write_text(rows, options, output);
  } else {
    output.write(table_of(rows, options.topk).render(*table::find_format(format)));
  }
  report.commit(fmt::format("{}: {}", rows.front().model, accuracy_line(rows.front())), {rows.front().preprocessing});
  if (!options.confusion.empty()) write_confusion(rows, options.confusion);
  output.commit();
  tell_orientations(
      std::max_element(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.turned < b.turned; })->turned,
      context.messages);
  const bool failed = !dataset.failures.empty() ||
                      std::any_of(rows.begin(), rows.end(), [](const Row& row) { return row.evaluator.failed() > 0; });
  return failed ? exit_codes::inputs_failed : 0;
}

}  // namespace

Command add_evaluate(CLI::App& program) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* app = program.add_subcommand("evaluate", "How often networks are right, on photos of which the class is known.");
  setup(*app, *options);
  return {app, [options](Context& context) { return run(*options, context); }};
}

}  // namespace resnet::cli

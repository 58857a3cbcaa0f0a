// `curves LOG... -o OUT.svg`: the logs of several runs in one picture.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/options/ending.h"
#include "cli/options/option.h"
#include "cli/options/written_files.h"
#include "cli/tasks/named_file.h"
#include "cli/tasks/train/curves.h"
#include "cli/tasks/train/files.h"
#include "cli/terminal/output.h"
#include "lib/base/error.h"
#include "lib/base/files.h"

namespace resnet::cli {

namespace {

constexpr std::uintmax_t most_log_bytes = std::uintmax_t{256} << 20;

enum class CurvesFormat { svg, json };
constexpr auto words_of(CurvesFormat) {
  return std::to_array<Word<CurvesFormat>>({{CurvesFormat::svg, "svg"}, {CurvesFormat::json, "json"}});
}

struct CurvesOptions {
  std::vector<std::string> logs;
  std::string output, title;
  std::optional<CurvesFormat> format;
};

// The runs of one line of the legend: of one log, or of all that were given the same name.
struct Group {
  std::string name;
  bool takes_more = false;
  std::vector<std::vector<train::Row>> runs;
};

void take_log(const std::string& argument, const std::string& output, std::vector<Group>& groups) {
  const auto [asked, file] = named_file(argument);
  const bool named = asked.has_value();
  check_not_an_input("--output", output, std::span(&file, 1));
  std::string log = read_file(file, Role::input, {.most_bytes = most_log_bytes, .expected = "a log of train"});
  if (log.starts_with("\xef\xbb\xbf")) log.erase(0, 3);  // spreadsheets write a byte order mark
  for (NamedRun& run : parse_log(log, file)) {
    // A log of several networks names them itself.
    const std::string& own = run.first;
    const std::string given = asked ? *asked : own.empty() ? std::filesystem::path(file).stem().string() : "";
    const std::string name = given + (given.empty() || own.empty() ? "" : " ") + own;
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const Group& known) { return named && known.takes_more && known.name == name; });
    if (group == groups.end()) group = groups.insert(group, Group{name, named, {}});
    group->runs.push_back(std::move(run.second));
  }
}

nlohmann::ordered_json json_of(const Curve& curve) {
  nlohmann::ordered_json points = nlohmann::ordered_json::array();
  const auto maybe = [](bool there, double value) { return there ? nlohmann::ordered_json(value) : nlohmann::ordered_json(); };
  for (const Curve::Point& point : curve.points) {
    const MeanError test = point.test.value_or(MeanError{});
    points.push_back({{"iteration", point.iteration},
                      {"training_error", point.training.mean},
                      {"training_error_deviation", point.training.deviation},
                      {"test_error", maybe(point.test.has_value(), test.mean)},
                      {"test_error_deviation", maybe(point.test.has_value(), test.deviation)}});
  }
  return {{"name", curve.name},
          {"runs", curve.runs},
          {"least_test_error", maybe(curve.least_test.has_value(), curve.least_test.value_or(0))},
          {"points", points}};
}

int run(const CurvesOptions& options) {
  check_ending(options.output, {FileFormat::svg, FileFormat::json});
  std::vector<Group> groups;
  for (const std::string& argument : options.logs) take_log(argument, options.output, groups);
  std::vector<Curve> curves;
  for (const Group& group : groups) curves.push_back(curve_of(group.name, group.runs));
  const bool json = options.format ? *options.format == CurvesFormat::json : options.output.ends_with(".json");
  Output output(options.output);
  if (json) {
    nlohmann::ordered_json document = {{"title", options.title}, {"curves", nlohmann::ordered_json::array()}};
    for (const Curve& curve : curves) document["curves"].push_back(json_of(curve));
    output.write(document.dump(2) + "\n");
  } else {
    output.write(error_curves(curves, options.title));
  }
  output.commit();
  return 0;
}

}  // namespace

Command add_curves(CLI::App& program) {
  auto options = std::make_shared<CurvesOptions>();
  CLI::App* app = program.add_subcommand(
      "curves", "Training and test error over iterations of several runs in one picture, from the logs that train --log writes.");
  app->add_option(
         "logs", options->logs,
         "the logs; NAME=FILE names a run in the legend (default: by its file); runs of one name become their mean, with "
         "a band of one standard deviation on each side")
      ->type_name("FILE")
      ->option_text("LOG...")
      ->required();
  add_text(*app, "-o,--output", options->output, "FILE", "the SVG or JSON to write, whole or not at all (default: stdout)");
  add_choice(*app, "--format", options->format, "of the output (default: by its ending, else svg)");
  add_text(*app, "--title", options->title, "TEXT", "title above the picture");
  app->footer(
      "Example:\n"
      "  resnet-cli curves plain-20=plain20.csv plain-56=plain56.csv -o curves.svg\n"
      "  resnet-cli curves ResNet-110=1.csv ResNet-110=2.csv ResNet-110=3.csv -o mean.svg");
  return {app, [options](Context&) { return run(*options); }};
}

}  // namespace resnet::cli

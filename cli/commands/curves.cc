// `curves LOG... -o OUT.svg`: the logs of several runs in one picture.
#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/options/ending.h"
#include "cli/options/option.h"
#include "cli/options/written_files.h"
#include "cli/tasks/train/files.h"
#include "cli/terminal/output.h"
#include "lib/base/error.h"
#include "lib/base/files.h"

namespace resnet::cli {

namespace {

constexpr std::uintmax_t most_log_bytes = std::uintmax_t{256} << 20;

struct CurvesOptions {
  std::vector<std::string> logs;
  std::string output, title;
};

int run(const CurvesOptions& options) {
  check_ending(options.output, {FileFormat::svg});
  std::vector<NamedRun> runs;
  for (const std::string& argument : options.logs) {
    const std::size_t equals = argument.find('=');
    std::error_code ignored;
    const bool named = equals != std::string::npos && !std::filesystem::exists(argument, ignored);
    const std::string file = named ? argument.substr(equals + 1) : argument;
    check_not_an_input("--output", options.output, std::span(&file, 1));
    std::string log = read_file(file, Role::input, {.most_bytes = most_log_bytes, .expected = "a log of train"});
    if (log.starts_with("\xef\xbb\xbf")) log.erase(0, 3);  // spreadsheets write a byte order mark
    for (NamedRun& run : parse_log(log, file)) {
      // A log of several networks names them itself.
      const std::string& own = run.first;
      const std::string given = named         ? argument.substr(0, equals)
                                : own.empty() ? std::filesystem::path(file).stem().string()
                                              : "";
      runs.emplace_back(given + (given.empty() || own.empty() ? "" : " ") + own, std::move(run.second));
    }
  }
  Output output(options.output);
  output.write(error_curves(runs, options.title));
  output.commit();
  return 0;
}

}  // namespace

Command add_curves(CLI::App& program) {
  auto options = std::make_shared<CurvesOptions>();
  CLI::App* app = program.add_subcommand(
      "curves", "Training and test error over iterations of several runs in one picture, from the logs that train --log writes.");
  app->add_option("logs", options->logs, "the logs; NAME=FILE names a run in the legend (default: by its file)")
      ->type_name("FILE")
      ->option_text("LOG...")
      ->required();
  add_text(*app, "-o,--output", options->output, "FILE", "the SVG to write, whole or not at all (default: stdout)");
  add_text(*app, "--title", options->title, "TEXT", "title above the picture");
  app->footer(
      "Example:\n"
      "  resnet-cli curves plain-20=plain20.csv plain-56=plain56.csv -o curves.svg");
  return {app, [options](Context&) { return run(*options); }};
}

}  // namespace resnet::cli

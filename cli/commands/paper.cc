// `paper`: the whole paper on one screen, or as a page, beside what was counted and measured here.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/options/ending.h"
#include "cli/options/option.h"
#include "cli/options/written_files.h"
#include "cli/tasks/paper/paper.h"
#include "cli/terminal/output.h"

namespace resnet::cli {

namespace {

enum class PaperFormat { text, json, csv, markdown, html };
constexpr auto words_of(PaperFormat) {
  return std::to_array<Word<PaperFormat>>({{PaperFormat::text, "text"},
                                           {PaperFormat::json, "json"},
                                           {PaperFormat::csv, "csv"},
                                           {PaperFormat::markdown, "md"},
                                           {PaperFormat::html, "html"}});
}

struct PaperOptions {
  std::vector<std::string> files;
  std::string folder, output;
  std::optional<PaperFormat> format;
};

void setup(CLI::App& app, PaperOptions& options) {
  app.add_option(
         "files", options.files,
         "what was measured: JSON of evaluate and of responses, logs of train; NAME=FILE says whose log it is (default: its "
         "file's name)")
      ->type_name("FILE")
      ->option_text("[FILE...]");
  add_text(app, "--results", options.folder, "FOLDER", "a folder of such files: every .json and .csv in it");
  add_choice(app, "--format", options.format,
             "text: the tables; json, csv and md: a line for each number; html: a page with the figures (default: by the ending "
             "of --output, else text)");
  add_text(app, "-o,--output", options.output, "FILE", "the file to write, whole or not at all (default: stdout)");
  app.footer(
      "Without files it shows what the paper prints, what the networks cost, and the commands that would fill in the rest.\n"
      "Table 1's counts are exact. A result belongs to a row where its network, its shortcuts and its way of testing are the\n"
      "row's; of several, that of the most photos is shown.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli paper\n"
      "  resnet-cli paper --results results -o paper.html\n"
      "  resnet-cli paper resnet20.json resnet20=log.csv --format csv");
}

std::string text_of(const Measured& measured, PaperFormat format, const TaskContext& context) {
  const std::vector<PaperTable> tables = paper_tables(measured);
  const auto flat = [&] { return flat_table(tables, picture_lines(measured)); };
  switch (format) {
    case PaperFormat::text: return paper_text(tables, picture_lines(measured));
    case PaperFormat::json: return flat().render(table::Format::json);
    case PaperFormat::csv: return flat().render(table::Format::csv);
    case PaperFormat::markdown: return flat().render(table::Format::markdown);
    case PaperFormat::html: return paper_page(tables, paper_pictures(measured, context));
  }
  __builtin_unreachable();
}

int run(const PaperOptions& options, Context& context) {
  WrittenFiles written;
  written.add("--output", options.output);
  TaskContext task = context.task();
  task.before_reading = [&written](const std::filesystem::path& file) { written.check(file); };
  const PaperFormat format = choose_format(options.format, options.output, words<PaperFormat>);
  const Measured measured = read_measured(options.files, options.folder, task);
  Output output(options.output);
  output.write(text_of(measured, format, task));
  output.commit();
  return 0;
}

}  // namespace

Command add_paper(CLI::App& program) {
  auto options = std::make_shared<PaperOptions>();
  CLI::App* app = program.add_subcommand(
      "paper", "The whole paper on one screen or as a page: its tables and figures beside what was measured here.");
  setup(*app, *options);
  return {app, [options](Context& context) { return run(*options, context); }};
}

}  // namespace resnet::cli

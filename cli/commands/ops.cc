// `ops`: every operator, and the opsets that are read, written and run.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>

#include "cli/commands/commands.h"
#include "cli/options/ending.h"
#include "cli/options/option.h"
#include "cli/terminal/output.h"
#include "formats/onnx/operators.h"
#include "formats/table/table.h"

namespace resnet::cli {

namespace {

struct OpsOptions {
  std::string output;
  std::optional<table::Format> format;
};

int run(const OpsOptions& options, Context&) {
  table::Table table({{"operator", table::Align::left, {}},
                      {"since", table::Align::right, {}},
                      {"read", table::Align::left, {}},
                      {"written", table::Align::left, {}},
                      {"run", table::Align::left, {}}});
  for (const onnx::SupportedOperator& op : onnx::supported_operators()) {
    table.add({op.type, op.since, fmt::format("{}-{}", op.since, op.newest_read),
               op.is_written ? fmt::format("{}-{}", op.oldest_written, op.newest_written) : "-",
               std::string(op.type == "Constant" ? "folded" : "yes")});
  }
  Output output(options.output);
  output.write(table.render(choose_format(options.format, options.output, table_formats)));
  output.commit();
  return 0;
}

}  // namespace

Command add_ops(CLI::App& program) {
  auto options = std::make_shared<OpsOptions>();
  CLI::App* app =
      program.add_subcommand("ops", "Every ONNX operator that is known here, and the opsets in which it is read and written.");
  add_choice(*app, "--format", options->format, table_formats,
             "format of the table (default: by the ending of --output, else text)");
  add_text(*app, "-o,--output", options->output, "FILE", "the file to write, whole or not at all (default: stdout)");
  app->footer(
      "An operator that is not listed is kept by name, so that a file can be looked at and written again; running it is exit "
      "code 4.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli ops\n"
      "  resnet-cli ops --format md");
  return {app, [options](Context& context) { return run(*options, context); }};
}

}  // namespace resnet::cli

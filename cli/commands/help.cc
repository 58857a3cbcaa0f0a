// `help [COMMAND]`: what --help says, of the program or of one command.
#include <CLI/App.hpp>
#include <memory>
#include <string>

#include "cli/commands/commands.h"
#include "cli/options/option.h"
#include "cli/terminal/help.h"
#include "cli/terminal/output.h"
#include "cli/terminal/suggestions.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace {

struct HelpOptions {
  std::string command;
};

int run(const HelpOptions& options, const CLI::App& program) {
  const CLI::App* found = options.command.empty() ? &program : nullptr;
  for (const CLI::App* command : visible_commands(program)) {
    if (command->get_name() == options.command) found = command;
  }
  if (found == nullptr) {
    throw Error(Fault::invalid, "help: unknown command '" + options.command + "'" + suggest_command(program, options.command) +
                                    " (resnet-cli help lists them all)");
  }
  Output output("");
  output.write(HelpFormatter().make_help(found, "", CLI::AppFormatMode::Normal));
  output.commit();
  return 0;
}

}  // namespace

Command add_help(CLI::App& program) {
  auto options = std::make_shared<HelpOptions>();
  CLI::App* app = program.add_subcommand("help", "What the program does, or what one command does and every option of it.");
  std::string names;
  for (const CLI::App* command : visible_commands(program)) names += (names.empty() ? "" : "|") + command->get_name();
  add_text(*app, "command", options->command, names, "a command; none: the program")->option_text("[COMMAND]");
  app->footer(
      "Examples:\n"
      "  resnet-cli help\n"
      "  resnet-cli help predict");
  return {app, [options, &program](Context&) { return run(*options, program); }};
}

}  // namespace resnet::cli

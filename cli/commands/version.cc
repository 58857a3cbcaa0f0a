// `version`: the program's version, as --version.
#include <CLI/App.hpp>
#include <string_view>

#include "cli/commands/commands.h"
#include "cli/terminal/output.h"

namespace resnet::cli {

Command add_version(CLI::App& program) {
  CLI::App* app = program.add_subcommand("version", "The program's version.");
  app->footer(
      "Example:\n"
      "  resnet-cli version");
  return {app, [](Context&) {
            Output output("");
            output.write(std::string_view("resnet-cli " RESNET_VERSION "\n"));
            output.commit();
            return 0;
          }};
}

}  // namespace resnet::cli

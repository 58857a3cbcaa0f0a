#include "cli/commands/commands.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Option.hpp>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <system_error>

#include "cli/options/hub.h"
#include "cli/options/option.h"
#include "cli/terminal/help.h"
#include "lib/kernels/isa.h"

namespace resnet::cli {

namespace {

// Those that this machine has.
std::vector<Word<kernels::InstructionSet>> instruction_sets() {
  std::vector<Word<kernels::InstructionSet>> sets;
  for (const kernels::InstructionSet set : kernels::available_instruction_sets()) sets.push_back({set, kernels::name_of(set)});
  return sets;
}

// Editors of Windows begin a file with a byte order mark.
class ConfigFile : public CLI::ConfigTOML {
 public:
  std::vector<CLI::ConfigItem> from_config(std::istream& stream) const override {
    std::string text(std::istreambuf_iterator<char>(stream), {});
    if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
    std::istringstream rest(text);
    return CLI::ConfigTOML::from_config(rest);
  }
};

// What is not a small regular file may have no end, or never begin; pipes of a shell are the user's own.
std::string objection_to_config(const std::string& file) {
  constexpr std::uintmax_t most_bytes = std::uintmax_t{16} << 20;
  std::error_code none;
  const auto status = std::filesystem::status(file, none);
  if (!std::filesystem::exists(status) || file.starts_with("/dev/fd/")) return "";  // told by who opens it
  if (!std::filesystem::is_regular_file(status)) return file + ": is not a regular file, expected TOML";
  return std::filesystem::file_size(file, none) > most_bytes ? file + ": is larger than 16 MiB, expected TOML" : "";
}

}  // namespace

std::vector<Command> add_everything(CLI::App& program, CommonOptions& options) {
  program.description(
      "Residual networks from the command line: classify photos, build the networks of 'Deep Residual Learning for Image "
      "Recognition', "
      "read and write ONNX.");
  program.formatter(std::make_shared<HelpFormatter>());
  program.set_help_flag("-h,--help", "this text");
  program.fallthrough();
  program.require_subcommand(1);
  program.allow_config_extras(CLI::config_extras_mode::error);
  add_integer(program, "--threads", options.threads, 1, 1024,
              "how many threads compute (default: the physical cores, or fewer where the job's limits, SLURM_CPUS_PER_TASK or "
              "OMP_NUM_THREADS say so)")
      ->envname("RESNET_CLI_THREADS");
  add_choice(program, "--isa", options.isa, instruction_sets(),
             "use the processor's instructions up to these: machines given the same value compute the same bits (default: the "
             "best)");
  add_hub_options(program, options.hub);
  program.config_formatter(std::make_shared<ConfigFile>());
  program
      .set_config(
          "--config", "",
          "options from a TOML file: 'threads = 2', and 'topk = 3' below a line '[predict]'; the command line takes precedence")
      ->type_name("FILE")
      ->check(CLI::Validator(objection_to_config, ""));
  program.add_flag("-q,--quiet", options.quiet, "only errors on stderr: no warnings, notes or progress");
  program.add_flag("-v,--verbose", options.verbosity, "print more detail on stderr");
  add_choice(program, "--progress", options.progress, "a progress line on stderr; auto: on a terminal")->capture_default_str();
  program.set_version_flag("-V,--version", "resnet-cli " RESNET_VERSION, "the program's version");
  program.footer(
      "Data goes to stdout, everything else to stderr. Exit codes: 0 done, 1 a check failed, 2 usage, 3 a model that cannot be\n"
      "read, 4 a model that cannot run or be written, or not with the memory there is, 5 some inputs failed (the others were\n"
      "done), 6 an output that cannot be written, 70 internal error, 75 a job of several processes that is not whole yet,\n"
      "130 interrupted.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli predict photo.jpg                            # by the built-in network\n"
      "  resnet-cli predict resnet50.onnx photo.jpg\n"
      "  resnet-cli predict resnet50.onnx photos/ --recursive --format csv -o answers.csv\n"
      "  resnet-cli build resnet50 -o resnet50.onnx\n"
      "  resnet-cli COMMAND --help");
  std::vector<Command> commands = {add_predict(program),  add_evaluate(program),   add_merge(program),     add_inspect(program),
                                   add_validate(program), add_build(program),      add_convert(program),   add_quantize(program),
                                   add_compare(program),  add_bench(program),      add_responses(program), add_train(program),
                                   add_curves(program),   add_paper(program),      add_fetch(program),     add_cache(program),
                                   add_ops(program),      add_completion(program), add_man(program),       add_version(program),
                                   add_help(program)};
  for (const Command& command : commands) command.app->set_help_flag("-h,--help", "this text");
  return commands;
}

}  // namespace resnet::cli

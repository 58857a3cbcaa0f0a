// What the program says of itself: help texts, and one line for each mistake on the command line.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Error.hpp>
#include <CLI/FormatterFwd.hpp>
#include <string>
#include <vector>

namespace resnet::cli {

// Help for one command: usage, what it does, its arguments and options, the options of every command, examples (the footer).
class HelpFormatter : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
};

// "how many threads compute (default: 2) (environment: RESNET_CLI_THREADS)"
std::string describe(const CLI::Option& option);

// Those that help lists: a command without a group is for the build alone.
std::vector<const CLI::App*> visible_commands(const CLI::App& program);

// "predict: unknown option '--tpok', did you mean '--topk'? (see resnet-cli predict --help)"
std::string describe_mistake(CLI::App& program, const std::vector<std::string>& command_line, const CLI::ParseError& error);

}  // namespace resnet::cli

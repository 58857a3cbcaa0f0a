// The commands: each file adds its own to the tree of options and keeps the rest to itself.
#pragma once

#include <functional>
#include <vector>

#include "cli/commands/context.h"

namespace CLI {
class App;
}

namespace resnet::cli {

struct Command {
  CLI::App* app = nullptr;
  // The program's exit code; throws Error.
  std::function<int(Context&)> run;
};

Command add_bench(CLI::App& program);
Command add_build(CLI::App& program);
Command add_cache(CLI::App& program);
Command add_compare(CLI::App& program);
Command add_convert(CLI::App& program);
Command add_curves(CLI::App& program);
Command add_man(CLI::App& program);
Command add_merge(CLI::App& program);
Command add_ops(CLI::App& program);
Command add_paper(CLI::App& program);
Command add_predict(CLI::App& program);
Command add_evaluate(CLI::App& program);
Command add_fetch(CLI::App& program);
Command add_inspect(CLI::App& program);
Command add_train(CLI::App& program);
Command add_validate(CLI::App& program);
Command add_quantize(CLI::App& program);
Command add_responses(CLI::App& program);
Command add_completion(CLI::App& program);
Command add_version(CLI::App& program);
// To be added last: it knows the commands that are there by then.
Command add_help(CLI::App& program);

// The whole tree: the program's common options, bound to `options`, and every command.
std::vector<Command> add_everything(CLI::App& program, CommonOptions& options);

}  // namespace resnet::cli

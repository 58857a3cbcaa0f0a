// `merge PARTS...`: the answers of all parts of a list, as one run would have given them.
#include <memory>

#include "cli/commands/commands.h"
#include "cli/options/ending.h"
#include "cli/options/option.h"
#include "cli/options/written_files.h"
#include "cli/tasks/predict/merge.h"

namespace resnet::cli {

namespace {

int run(const MergeRequest& request, Context& context) {
  check_not_an_input("--output", request.output, request.parts);
  check_ending(request.output, {FileFormat::jsonl});
  merge(request, context.task());
  return 0;
}

}  // namespace

Command add_merge(CLI::App& program) {
  auto options = std::make_shared<MergeRequest>();
  CLI::App* app =
      program.add_subcommand("merge", "The answers of all parts of predict --shard, as one run would have given them.");
  app->add_option("parts", options->parts, "the parts' files, in any order")
      ->type_name("FILE")
      ->option_text("PARTS...")
      ->required();
  add_text(*app, "-o,--output", options->output, "FILE", "the file to write, whole or not at all (default: stdout)");
  app->footer(
      "All parts have to be there and complete, made by the same model, labels and settings, from the same list. What is not\n"
      "is named, and nothing is written; no part is ever replaced.\n"
      "\n"
      "Examples:\n"
      "  resnet-cli predict resnet50.onnx photos --shard 1/3 -o part1.jsonl      # and 2/3 and 3/3 elsewhere\n"
      "  resnet-cli merge part1.jsonl part2.jsonl part3.jsonl -o answers.jsonl");
  return {app, [options](Context& context) { return run(*options, context); }};
}

}  // namespace resnet::cli

// `train ARCH|MODEL DATA -o OUT`: the paper's networks learn, and networks that have learnt are fine-tuned.
#include <fmt/format.h>
#include <CLI/App.hpp>

#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/commands/exit_codes.h"
#include "cli/options/ending.h"
#include "cli/options/train.h"
#include "cli/options/written_files.h"
#include "cli/tasks/train/train.h"
#include "cli/terminal/output.h"
#include "lib/train/isa.h"

namespace resnet::cli {

namespace fs = std::filesystem;

namespace {

// What is there may be a picture or the owner of another file, which is told first: `there` says whether to look at it, too.
void check_endings(const TrainOptions& options, bool there) {
  const auto check = [&](const std::string& file, std::initializer_list<FileFormat> formats) {
    std::error_code none;
    if (there || !fs::exists(file, none)) check_ending(file, formats);
  };
  check(options.output, {FileFormat::onnx, FileFormat::resnet});
  if (!options.best.empty())
    check(options.best, {model_format_of(options.output) == ModelFormat::onnx ? FileFormat::onnx : FileFormat::resnet});
  check(options.checkpoint, {FileFormat::resnet});
  check(options.log, {FileFormat::csv, FileFormat::text});
  check(options.curves, {FileFormat::svg});
}

// The files that this run writes. It is told at once where one cannot be written.
WrittenFiles written_by(const TrainOptions& options) {
  const std::string checkpoint = checkpoint_of(options).string();
  WrittenFiles written;
  written.add_with_owner("--output", options.output);
  written.add_with_owner("--checkpoint", checkpoint);
  const std::string best = best_of(options).string();
  written.add("--best", best);
  written.add("--log", options.log);
  written.add("--curves", options.curves);
  for (const std::string& file : {options.output, checkpoint, best, options.log, options.curves}) {
    if (file.empty()) continue;
    const Output reachable(file);
  }
  return written;
}

// A network may be trained further in its own file.
bool is_start(const TrainOptions& options, const fs::path& file) {
  return file == options.init || (options.arguments.size() > 1 && file == options.arguments[0]);
}

// OpenMP's threads that wait for work spin, and take the cores from what decodes pictures and from other programs. How long is
// read from the environment when it is loaded, which is later.
void let_waiting_threads_sleep() {
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) setenv("GOMP_SPINCOUNT", "10000", 0);
}

int run(TrainOptions options, Context& context) {
  let_waiting_threads_sleep();
  if (context.options.isa) train::cap_instruction_set(kernels::name_of(*context.options.isa));
  options.init = context.find_model(options.init);
  if (options.arguments.size() > 1) options.arguments[0] = context.find_model(options.arguments[0]);
  TaskContext task = context.task();
  const WrittenFiles written = written_by(options);
  check_endings(options, false);
  task.before_reading = [&](const fs::path& file) { written.check(file, is_start(options, file) ? "--output" : ""); };
  TrainTask train(options, task);
  check_endings(options, true);
  if (options.dry_run) {
    Output output("");
    for (const auto& [name, value] : train.settings()) output.write(fmt::format("{}: {}\n", name, value));
    output.commit();
    return 0;
  }
  options.onnx = model_format_of(options.output) == ModelFormat::onnx;
  return train.run().broken > 0 ? exit_codes::inputs_failed : 0;
}

}  // namespace

Command add_train(CLI::App& program) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App* app =
      program.add_subcommand("train", "A network learns from pictures of known classes, from scratch or from a trained start.");
  add_train_options(*app, *options);
  return {app, [options](Context& context) { return run(*options, context); }};
}

}  // namespace resnet::cli
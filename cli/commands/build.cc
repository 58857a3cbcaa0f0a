// `build ARCH -o FILE`: one of the paper's networks, initialised from a seed, as ONNX or .resnet.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <numeric>
#include <string>
#include <utility>

#include "cli/commands/commands.h"
#include "cli/options/ending.h"
#include "cli/options/model.h"
#include "cli/options/option.h"
#include "cli/tasks/open/model.h"
#include "cli/terminal/output.h"
#include "formats/native/native.h"
#include "formats/onnx/write.h"
#include "lib/base/error.h"

namespace resnet::cli {

namespace {

struct BuildCommandOptions {
  std::string name, output;
  ArchOptions arch;
  std::optional<int> opset;
  bool fold_batch_norm = false;
};

std::string all_names() {
  std::string result;
  for (const std::string& name : arch::names()) result += (result.empty() ? "" : "|") + name;
  return result;
}

void setup(CLI::App& app, BuildCommandOptions& options) {
  app.add_option("arch", options.name,
                 "the network: resnet18|34|50|101|152, plain18|34, the CIFAR nets resnet20|32|44|56|110, resnet50v2, resnet50d, "
                 "seresnet50, "
                 "resnext50_32x4d, wide_resnet50_2 and their kin")
      ->type_name(all_names())
      ->option_text("ARCH")
      ->required();
  add_text(app, "-o,--output", options.output, "FILE", "the .onnx or .resnet file to write; - is stdout, as ONNX")->required();
  const std::string group = "Options";
  add_arch_options(app, options.arch, words<arch::Init>, group);
  add_text(app, "--input-shape", options.arch.input_shape, "SHAPE",
           "such as 1x3x224x224; a letter for the batch makes it dynamic (default: Nx3x224x224, of the CIFAR nets Nx3x32x32)");
  add_integer(
      app, "--opset", options.opset, 1, 1000,
      fmt::format("ONNX opset (default: {}, or the lowest above it that has the network's operators)", onnx::usual_opset));
  app.add_flag("--fold-batch-norm", options.fold_batch_norm,
               "convolutions with a bias in place of batch norm: the same function, fewer nodes");
  app.footer(
      "Examples:\n"
      "  resnet-cli build resnet50 -o resnet50.onnx\n"
      "  resnet-cli build resnet50 --variant v1 --seed 1 -o paper.onnx    # the stride where the paper has it\n"
      "  resnet-cli build resnet20 --shortcut A -o cifar.onnx             # the paper's CIFAR-10 network\n"
      "  resnet-cli build resnet18 --input-shape 1x3x160x160 --classes 5 -o small.onnx");
}

// A block adds as much as it is given until its batch norms have statistics: the variance doubles, and float32 ends at 2^128.
void warn_of_overflow(const arch::Spec& spec, arch::Init init, Context& context) {
  constexpr int most_blocks = 2 * 128;
  const int blocks = std::accumulate(spec.blocks.begin(), spec.blocks.end(), 0);
  if (init != arch::Init::he || spec.shortcut == arch::Shortcut::none || blocks < most_blocks) return;
  context.messages.warning(fmt::format(
      "{}: its {} blocks double the variance one by one while it is untrained: its scores are not finite before train has given "
      "batch norm its statistics",
      spec.name, blocks));
}

Model build_model(const arch::Spec& spec, const BuildCommandOptions& options, const Context& context) {
  arch::BuildOptions build = build_options(options.arch);
  build.fold_batch_norm = options.fold_batch_norm;
  Model model;
  model.graph = arch::build(spec, build);
  model.spec = spec;
  context.stop.check();
  return model;
}

int run(const BuildCommandOptions& options, Context& context) {
  const auto spec = find_arch(options.name, options.arch);
  if (!spec) throw Error(Fault::invalid, unknown_arch(options.name));
  const ModelFormat format = model_format_of(options.output);
  warn_of_overflow(*spec, options.arch.init, context);
  const auto tell = [&](std::uintmax_t size, const std::string& form) {
    context.messages.detail(
        fmt::format("{}: {} of {} classes, {} bytes, {}", options.output, options.name, spec->classes, size, form));
    return 0;
  };
  if (format == ModelFormat::resnet) {
    native::write(build_model(*spec, options, context), options.output);
    std::error_code ignored;
    return tell(std::filesystem::file_size(options.output, ignored), ".resnet");
  }
  // Before the work: a folder that cannot be written is told at once.
  Output output(options.output);
  if (output.is_terminal())
    throw Error(Fault::invalid, "standard output is a terminal, and an .onnx file is not text; -o FILE writes it");
  const Model model = build_model(*spec, options, context);
  const int opset = onnx::written_opset(model, {.opset = options.opset});
  std::string bytes = onnx::serialize(model, {.opset = opset});
  context.stop.check();
  const std::size_t size = bytes.size();
  output.write(std::move(bytes));
  output.commit();
  return tell(size, fmt::format("opset {}", opset));
}

}  // namespace

Command add_build(CLI::App& program) {
  auto options = std::make_shared<BuildCommandOptions>();
  CLI::App* app = program.add_subcommand(
      "build",
      "One of the paper's networks as an ONNX file, initialised from a seed. It is untrained: its answers mean nothing.");
  setup(*app, *options);
  return {app, [options](Context& context) { return run(*options, context); }};
}

}  // namespace resnet::cli

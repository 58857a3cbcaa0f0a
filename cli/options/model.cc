#include "cli/options/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>

#include "cli/options/option.h"
#include "cli/tasks/open/built_in.h"
#include "cli/tasks/open/foreign_files.h"
#include "formats/table/text.h"
#include "lib/base/error.h"

namespace resnet::cli {

CLI::Option* add_arch_of_weights(CLI::App& app, std::string& arch) {
  return add_text(app, "--arch", arch, "ARCH",
                  "the architecture of weights without a graph (.safetensors, .pth), as timm names it (default: found from their "
                  "names and shapes)");
}

void add_weights_option(CLI::App& app, ArchOptions& options) {
  add_arch_of_weights(app, options.arch);
  app.add_flag("--test-size", options.test_size,
               "of weights with timm's config.json: prepare photos as they were tested, often at a larger size");
}

void add_arch_options(CLI::App& app, ArchOptions& options, std::span<const Word<arch::Init>> inits, const std::string& group) {
  add_choice(app, "--variant", options.variant,
             "where a bottleneck has its stride: in its first 1x1 (v1, the paper) or in its 3x3 (v1.5, torchvision; this is the "
             "default)")
      ->group(group);
  add_choice(app, "--shortcut", options.shortcut,
             "the paper's shortcuts: A zero padding, B projections where the size changes (default), C projections everywhere; "
             "the CIFAR nets have A unless told otherwise")
      ->group(group);
  add_choice(app, "--zero-channels", options.zero_channels,
             "where option A has its zero channels: half before the others and half after (default), or all at the end")
      ->group(group);
  add_integer(app, "--classes", options.classes, 1, 1'000'000, "number of classes (default: 1000, of the CIFAR nets 10)")
      ->group(group);
  add_choice(app, "--init", options.init, inits,
             word_of(inits, arch::Init::none).empty() ? "initial weights"
                                                      : "initial weights; none leaves them out, every parameter is an input")
      ->capture_default_str()
      ->group(group);
  add_integer(app, "--seed", options.seed, 0, std::numeric_limits<std::int64_t>::max(),
              "seed of the initial weights; gives the same bytes on every machine")
      ->capture_default_str()
      ->group(group);
  app.add_flag("--no-verify", options.no_verify, "open a .resnet file without checking its checksum")->group(group);
}

namespace {

bool is_there(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

// "; did you mean 'resnet50' instead of 'renset50'?" of what is not a file; or nothing.
std::string hint_for(std::span<const std::string> arguments) {
  if (arguments.empty() || is_there(arguments.front())) return "";
  const std::string nearest = table::nearest(arguments.front(), arch::names());
  return nearest.empty() ? "" : fmt::format("; did you mean '{}' instead of '{}'?", nearest, arguments.front());
}

}  // namespace

void refuse_without_model(std::span<const std::string> arguments) {
  if (hint_for(arguments).empty()) refuse_foreign(arguments);
  throw Error(Fault::invalid, fmt::format("no model among the arguments, expected {} (--model takes a file of any name){}",
                                          model_forms, hint_for(arguments)));
}

std::string take_model_or_built_in(std::vector<std::string>& arguments, Observer& observer) {
  const auto model = std::find_if(arguments.begin(), arguments.end(), is_model);
  if (model != arguments.end()) {
    std::string name = *model;
    arguments.erase(model);
    return name;
  }
  if (arguments.empty() || !hint_for(arguments).empty()) refuse_without_model(arguments);
  refuse_foreign(arguments);
  refuse_stranger(arguments);
  observer.note(fmt::format(
      "no model is named: using {}, which is built in and knows CIFAR-10's ten classes; override with --model", built_in_name));
  return std::string(built_in_name);
}

std::string one_model(const std::string& given, const std::vector<std::string>& arguments) {
  if (given.empty() && arguments.empty()) {
    throw Error(Fault::invalid, fmt::format("no model, expected {}", model_forms));
  }
  const std::size_t extra = given.empty() ? 1 : 0;
  if (arguments.size() > extra) throw Error(Fault::invalid, fmt::format("unexpected argument '{}'", arguments[extra]));
  return given.empty() ? arguments.front() : given;
}

}  // namespace resnet::cli

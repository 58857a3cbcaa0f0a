// MODEL on the command line: an option or one of the arguments, and what an architecture's name may be given besides.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/tasks/open/model.h"
#include "cli/tasks/task.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace resnet::cli {

// What a MODEL may be, in help and errors.
inline constexpr const char* model_forms =
    "a file *.onnx, *.resnet, *.safetensors or *.pth, a folder with a config.json, a published name such as "
    "timm/resnet50.a1_in1k, or an architecture's such as resnet50";
// What --init may say of a network that is to be run: with weights.
inline constexpr auto inits_with_weights = words_of_these({arch::Init::he, arch::Init::zeros});
// --arch, for files that hold weights without a graph.
CLI::Option* add_arch_of_weights(CLI::App& app, std::string& arch);
// The same, and how published weights are prepared for.
void add_weights_option(CLI::App& app, ArchOptions& options);
// `inits` are those that --init may say: all, or inits_with_weights.
void add_arch_options(CLI::App& app, ArchOptions& options, std::span<const Word<arch::Init>> inits, const std::string& group);

// The first of `arguments` that is_model, which is taken out; where there is none the network that is built in, which is said.
// Throws as refuse_foreign and refuse_stranger do, and Error(invalid) without arguments or where the first looks mistyped.
std::string take_model_or_built_in(std::vector<std::string>& arguments, Observer& observer);
// Throws Error(invalid) that says what would be a model.
[[noreturn]] void refuse_without_model(std::span<const std::string> arguments);

// The only argument, or what --model says. Throws Error(invalid) for none, and for more than one.
std::string one_model(const std::string& given, const std::vector<std::string>& arguments);

}  // namespace resnet::cli

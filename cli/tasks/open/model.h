// A model as it is asked for: a file, or an architecture's name with its options.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/tasks/open/source.h"
#include "cli/tasks/task.h"
#include "lib/arch/build.h"
#include "lib/arch/spec.h"
#include "lib/model/model.h"

namespace resnet::cli {

// --input-shape: "8x3x224x224", "name:8,3,224,224"; a word in place of a number ("Nx3x224x224") is a symbol.
struct InputShape {
  std::string input;  // empty: the first
  std::vector<std::optional<std::int64_t>> dims;
};
// Throws Error(invalid) "--input-shape: ...".
InputShape parse_input_shape(const std::string& text);

// What is asked of a named architecture.
struct ArchOptions {
  std::optional<arch::Variant> variant = {};
  std::optional<arch::Shortcut> shortcut = {};
  std::optional<arch::ZeroChannels> zero_channels = {};
  arch::Init init = arch::Init::he;
  std::string input_shape = {};
  std::string arch;  // of weights without a graph; empty: found from their configuration, or names and shapes
  std::int64_t classes = 0;
  std::uint64_t seed = 0;
  bool no_verify = false;
  bool test_size = false;  // of published weights: the input size with which their authors test
  // Of weights without a graph: zeros in their place, where the network is looked at and not run.
  bool shapes_alone = false;
};
// Whether it is an architecture's name, and no file has it.
bool is_arch(const std::string& name);
// The net that a name and options stand for; nothing where there is none of that name. Throws Error(invalid).
std::optional<arch::Spec> find_arch(const std::string& name, const ArchOptions& options);
arch::BuildOptions build_options(const ArchOptions& options);
// "unknown architecture 'renset18', did you mean 'resnet18'?"
std::string unknown_arch(const std::string& name);

// Whether `text` can only be meant as a model: it ends in .onnx or .resnet, holds weights, is a folder
// of published weights, or is the name of an architecture or of
// the network that is built in, and not an existing path.
bool is_model(const std::string& text);

// A .resnet file; a checksum mismatch mentions --no-verify.
Model read_native_file(const Source& source, bool verify);
// An .onnx, a .resnet or a file of weights, whichever it is by its first bytes; warns of what the reader noticed.
Model read_model_file(const Source& source, const ArchOptions& arch, Observer& observer);
Model read_model_file(const std::string& name, const ArchOptions& arch, Observer& observer);

// Warns of what the reader noticed.
void tell_notes(const Model& model, const std::string& name, Observer& observer);

struct LoadedModel {
  std::string name;  // as it was asked for
  Model model;
  std::optional<arch::Spec> spec;  // of a named architecture: its weights are untrained
};
// Throws Error(invalid) "--variant is for architectures by name, but a.onnx is a file" where such options are given for what is
// there, or is built in.
void refuse_arch_options(const Source& source, const ArchOptions& options);
// The same of --arch and --test-size where `source` holds no weights without a graph.
void refuse_weights_options(const Source& source, const ArchOptions& options);
// The options for `name`, one of several models: for a file without those of architectures, where another of `all` is an
// architecture that they are for.
ArchOptions options_of_one(const std::string& name, const ArchOptions& options, std::span<const std::string> all);
// Reads the file or builds the net; warns of untrained weights and of what the reader noticed.
LoadedModel load_model(const Source& source, const ArchOptions& options, Observer& observer);
LoadedModel load_model(const std::string& name, const ArchOptions& options, Observer& observer);
// To be looked at and not to be run: a named architecture gets its weights only where `weights`, and draws no warning; weights
// without a graph are converted only then.
LoadedModel load_for_examination(const std::string& name, const ArchOptions& options, bool weights, Observer& observer);

}  // namespace resnet::cli

// Weights without a graph, opened as the network that they are of: .safetensors files, in one file or in several by their index,
// and PyTorch's checkpoints.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "cli/tasks/open/model.h"
#include "cli/tasks/open/source.h"

namespace resnet::cli {

// Whether a file whose name is not a photo's holds weights, by its first bytes, or by its ending where these say nothing.
bool is_weights_file(const std::string& path);

// Whether read_weights() is the one to read it, or to say why it cannot be read.
bool holds_weights(const Source& source);

// The network: the one that `options` names, else the one of config.json, else the one found from names and shapes. What was
// assumed is in its notes; files that were read besides are its data files. Throws Error(malformed) for what is not such a file
// or does not fit.
Model read_weights(const Source& source, const ArchOptions& options);

// Of a folder with a configuration alone. Throws Error(malformed), first for what is wrong in the configuration.
[[noreturn]] void refuse_folder_without_weights(const Source& source);

}  // namespace resnet::cli

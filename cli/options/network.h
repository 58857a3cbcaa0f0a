// The options of the commands that show photos to networks.
#pragma once

#include <string>

#include "cli/options/written_files.h"
#include "cli/tasks/prepare/networks.h"

namespace CLI {
class App;
}

namespace resnet::cli {

void add_network_options(CLI::App& app, NetworkOptions& options);
void add_preparation_options(CLI::App& app, NetworkOptions& options);  // after the command's own

// How 3x3 convolutions are computed.
void add_convolution_option(CLI::App& app, xnnpack::Convolutions& convolution);

// Throws as WrittenFiles::check for the file of --labels; for the other files that the network was read from.
void check_labels(const WrittenFiles& written, const NetworkOptions& options);
void check_data_files(const WrittenFiles& written, const Network& network);

}  // namespace resnet::cli

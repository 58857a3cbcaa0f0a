// Published networks by their names, as the environment and the command line say.
#pragma once

#include "cli/tasks/fetch/fetch.h"

namespace CLI {
class App;
}

namespace resnet::cli {

struct HubOptions {
  bool offline = false;  // --offline
  bool update = false;   // --update
};
// For every command: each that takes a model may be given such a name.
void add_hub_options(CLI::App& program, HubOptions& options);

// HF_HOME and its kin, HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE, TORCH_HOME, what names a proxy and certificates.
HubSettings hub_settings(const HubOptions& options);

}  // namespace resnet::cli

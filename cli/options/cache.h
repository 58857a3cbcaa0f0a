// Where networks that were made ready are kept, as the environment says.
#pragma once

#include "cli/tasks/prepare/network_cache.h"

namespace resnet::cli {

// RESNET_CLI_CACHE, else resnet-cli/networks in XDG_CACHE_HOME or ~/.cache; RESNET_CLI_CACHE_MIB, else 2048. Throws
// Error(invalid) for a limit that is not a number.
CacheSettings cache_settings();

}  // namespace resnet::cli

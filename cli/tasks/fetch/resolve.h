// A MODEL argument: a path, or the name of a published network, which becomes a path.
#pragma once

#include <string>

#include "cli/tasks/fetch/fetch.h"

namespace resnet::cli {

// `text` itself where something has this name, or it is not a published network's; else what is in the cache, or is fetched:
// names of the catalogue and those with a prefix only. So a mistyped folder never asks the network. Throws as fetch() does.
std::string find_model(const std::string& text, const HubSettings& settings, bool update, Observer& observer,
                       const Stop& stop = {});

}  // namespace resnet::cli

// Runs a graph as its settings say and reports what is wrong.
#pragma once

#include <optional>
#include <string>

#include "lib/graph/graph.h"
#include "tests/random/settings.h"

namespace resnet::random {

// Nothing, or what is wrong in one line: an answer that judge() does not accept, an error, or other bits with another number of
// threads, in another batch, at another place in it, or after other inputs.
std::optional<std::string> examine(const Graph& graph, const Settings& settings, std::uint64_t seed);

}  // namespace resnet::random

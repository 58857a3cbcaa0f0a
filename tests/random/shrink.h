// Makes a failing graph smaller for as long as it fails.
#pragma once

#include <functional>

#include "lib/graph/graph.h"
#include "tests/random/settings.h"

namespace resnet::random {

struct Failure {
  Graph graph;
  Settings settings;
};
// Whether a graph still fails, in whatever way.
using Fails = std::function<bool(const Failure&)>;

// Drops outputs and nodes, puts inputs in the place of what is computed, makes dims smaller and settings plainer, one after the
// other, until none of it fails any more.
Failure shrink(Failure failure, const Fails& fails);

}  // namespace resnet::random

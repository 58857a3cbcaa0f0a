// The operators of a graph that cannot be run here, and where it could be cut so that they are left out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/graph/graph.h"

namespace resnet::analysis {

struct NotRun {
  struct Kind {
    std::string op;  // "Frobnicate", "org.example.Frobnicate"
    std::int64_t count = 0;
    NodeId first = -1;
  };
  std::vector<Kind> kinds;  // in the order of the first of each
  // Values that the rest of the graph makes: as outputs they leave these operators out, and what follows them. Empty where less
  // than half of the convolutions and products would be left, or a value has no name.
  std::vector<ValueId> cut;
};
NotRun find_not_run(const Graph& graph);
// "Frobnicate x 49, org.example.Bend"; "" where there are none.
std::string to_string(const NotRun& not_run);

}  // namespace resnet::analysis

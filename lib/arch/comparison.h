// Two skeletons side by side: what differs, and which node of the one is which of the other.
#pragma once

#include <vector>

#include "lib/arch/recognize.h"
#include "lib/arch/skeleton.h"
#include "lib/graph/graph.h"

namespace resnet::arch {

struct Compared {
  std::vector<Difference> differences;
  std::vector<Place> places;  // by NodeId of the examined graph
};

// The examined graph with the skeleton that was found in it, and the graph of build() with what is expected.
Compared compare(const Graph& graph, const std::vector<Part>& found, const Graph& built, const std::vector<Part>& expected);

}  // namespace resnet::arch

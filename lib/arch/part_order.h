// The canonical order of a skeleton's parts.
#pragma once

#include <vector>

#include "lib/arch/skeleton.h"

namespace resnet::arch {

// The parts that the last one needs, each after its inputs; the longer way into an addition first. `parts` are in any order in
// which each is after its inputs.
std::vector<Part> in_order(std::vector<Part> parts, int last);

}  // namespace resnet::arch

// Whether two graphs are the same but for where their constants stand.
#pragma once

#include <string>

#include "lib/graph/graph.h"

namespace resnet::test {

// Every node in order (operator, attributes, names, inputs by name, facts), every constant by name with its data, inputs and
// outputs. Empty where the graphs are the same, else the first difference.
std::string difference_of(const Graph& a, const Graph& b);

}  // namespace resnet::test

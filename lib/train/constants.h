// The parameters of a graph, by name.
#pragma once

#include <map>
#include <string>

#include "lib/graph/graph.h"

namespace resnet::train {

// Every float constant of the graph.
std::map<std::string, Tensor> float_constants(const Graph& graph);

// The graph with other values for those constants that `values` names; their shapes are the same.
Graph with_constants(const Graph& graph, const std::map<std::string, Tensor>& values);

// The same by another graph's: every float constant of `graph` takes the value of the one of its name in `source`.
Graph with_parameters_of(const Graph& graph, const Graph& source);

}  // namespace resnet::train

// The parameters of a graph: initialised again, and named as torchvision names them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "lib/arch/recognize.h"
#include "lib/graph/graph.h"

namespace resnet::arch {

// Every input but the first becomes a constant, which `value` gives for its name and shape. Throws Error(unsupported) for an
// input that is not of floats of a known shape.
Graph with_parameters(const Graph& graph, const std::function<Tensor(const std::string& name, const Shape& shape)>& value);

// Every input but the first becomes a constant, initialised as build() does it by what it is to its node: He for the weights of
// convolutions, uniform for those of products and their biases, gamma 1, beta 0, mean 0, variance 1, biases 0. The same bytes as
// build() gives where the names are build()'s. Throws Error(unsupported) for an input that is not such a parameter.
Graph make_weights(const Graph& graph, std::uint64_t seed);

// Nodes by their counterparts' names in the built network, their parameters after them: "layer1.0.conv1.weight",
// "layer1.0.bn1.running_mean", "fc.bias". What several nodes share is named by the first; what has no counterpart keeps its name,
// unless another has taken it. Throws Error(unsupported) where the graph is not the recognised network exactly.
Graph rename_as_built(const Graph& graph, const Recognition& recognition);

}  // namespace resnet::arch

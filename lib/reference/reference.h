// A plain evaluator of every operator, in ONNX's own layout: folds constants, runs what the back end lacks, and is the yardstick.
#pragma once

#include <span>
#include <vector>

#include "lib/graph/graph.h"

namespace resnet::reference {

// The inputs of one node: an optional input that is left out is null.
using Inputs = std::span<const Tensor* const>;

// Writes `outputs`, which have the dtypes and shapes that infer() gives for these inputs; an output that is not wanted may be an
// empty tensor of that dtype and shape all the same. Floats are summed in double.
// Throws Error(unsupported) for an Opaque operator, BatchNormalization or Dropout in training mode, and Error(invalid_model) where
// a value does not fit (a Gather index out of range).
void evaluate(const Op& op, Inputs inputs, std::span<Tensor> outputs);

// The same, outputs allocated.
std::vector<Tensor> evaluate(const Op& op, Inputs inputs, std::size_t outputs = 1);

// The whole graph, node by node. Errors name the node.
std::vector<Tensor> evaluate(const Graph& graph, std::span<const Tensor> inputs);

// Whether evaluate() has code for it: false for Opaque only.
bool can_evaluate(const Op& op);

}  // namespace resnet::reference

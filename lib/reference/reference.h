// A plain evaluator of every operator, in ONNX's own layout: folds constants, runs what the back end lacks, and is the yardstick.
#pragma once

#include <span>
#include <vector>

#include "lib/graph/graph.h"

namespace resnet::reference {

// The inputs of one node: an optional input that is left out is null.
using Inputs = std::span<const Tensor* const>;

// Writes `outputs`, which have the dtypes and shapes that infer() gives for these inputs; an output after the first that is not
// wanted may have no elements instead. Floats are summed in double, integers wrap around. Throws Error(unsupported) for an Opaque
// operator, a dtype that the operator does not have, and BatchNormalization or Dropout in training mode; Error(malformed) where
// the inputs or outputs do not fit, or a value does not (a Gather index out of range,
// an integer divided by zero).
void evaluate(const Op& op, Inputs inputs, std::span<Tensor> outputs);

// The same, outputs allocated. Where only the shape changes, the output shares the input's bytes.
std::vector<Tensor> evaluate(const Op& op, Inputs inputs, std::size_t outputs = 1);

// The whole graph, node by node; facts are inferred again from the tensors, so that shapes may depend on data. An intermediate
// value is let go after its last use. Errors name the node. Throws Error(mismatch) where `inputs` are not what the graph's
// inputs say.
std::vector<Tensor> evaluate(const Graph& graph, std::span<const Tensor> inputs);

// Whether evaluate() has code for it: false for Opaque only.
bool can_evaluate(const Op& op);

}  // namespace resnet::reference

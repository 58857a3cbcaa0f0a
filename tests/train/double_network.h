// The yardstick of training: a network in training mode, in double precision, by the reference evaluator.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "lib/graph/graph.h"

namespace resnet::train {

// The mean cross-entropy of a batch; batch norm takes the batch's own figures. `values`: constants in double, by name.
double loss_in_double(const Graph& graph, const std::map<std::string, Tensor>& values, const Tensor& input,
                      std::span<const std::int64_t> truths, double label_smoothing = 0);

// The graph's float constants in double.
std::map<std::string, Tensor> constants_in_double(const Graph& graph);

}  // namespace resnet::train

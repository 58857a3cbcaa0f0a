// Weights in 8 bits, symmetric, with a scale for each output channel, and biases in 32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "lib/graph/graph.h"

namespace resnet::quantize {

struct IntegerWeights {
  std::size_t axis = 0;        // of the output channels
  Tensor values;               // int8, in the weight's shape, -127 to 127
  Tensor scales;               // float32 (channels)
  std::optional<Tensor> bias;  // int32 (channels), in units of bias_scales
  Tensor bias_scales;          // float32 (channels): the input's scale times the channel's, rounded
  std::size_t enlarged = 0;    // channels with a larger scale than their weights ask for, so that the bias does not overflow
};

// Of a Conv, Gemm or MatMul that Scheme calls weighted. `input_means` as Calibration gives them: what the rounded weights change
// in the mean of an output channel is taken from its bias; empty: the bias stays as it is. A channel whose bias, or the sums that
// it is added to, would overflow int32 gets a larger scale.
IntegerWeights quantize_weights(const Graph& graph, NodeId layer, float input_scale, std::span<const double> input_means);

}  // namespace resnet::quantize

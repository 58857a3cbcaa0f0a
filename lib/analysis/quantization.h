// Which layers of a network are quantized, and how: in pairs of QuantizeLinear and DequantizeLinear, by operators of bytes, or
// with ranges that are found as it runs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/graph/graph.h"

namespace resnet::analysis {

struct QuantizedTensor {
  DType dtype = DType::uint8;
  std::int64_t scales = 0;  // how many: one, or one for each channel or block; 0: computed as the network runs, or not told
  double least_scale = 0, largest_scale = 0;
  std::int64_t least_zero_point = 0, largest_zero_point = 0;
  bool zero_point_known = true;  // it is not computed as the network runs
};

// A node that computes, be it in floats between pairs, and what it reads and gives.
struct QuantizedLayer {
  NodeId node = -1;
  QuantizedTensor x;
  std::optional<QuantizedTensor> weight;  // or a second operand; nothing where it has none, or one in floats
  bool is_weight = false;                 // a constant
  std::optional<QuantizedTensor> y;       // nothing where it stays in floats
};
// In the graph's order. Every layer whose first operand is quantized.
std::vector<QuantizedLayer> quantized_layers(const Graph& graph);

// "21 of 21 convolutions and products; activations uint8, weights int8, one scale a channel"; "" where nothing is quantized.
std::string quantization_text(const Graph& graph, const std::vector<QuantizedLayer>& layers);

}  // namespace resnet::analysis

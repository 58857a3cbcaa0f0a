// The layers of a network as a table lists them: what is computed from the image, with shapes and costs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lib/analysis/cost.h"
#include "lib/graph/graph.h"

namespace resnet::analysis {

struct Layer {
  NodeId node = -1;
  std::string name;  // the node's, or its first output's
  std::string op;
  std::vector<Dims> input_shapes;  // of the inputs that are computed from the image
  std::vector<Dims> output_shapes;
  std::vector<std::int64_t> kernel, stride, pads, dilations;  // of windows, ONNX's defaults filled in
  std::int64_t groups = 1;
  Cost cost;
};

// By NodeId: whether the node is computed from the graph's first input. Sizes (Shape and what follows from it) are not.
std::vector<bool> computed_from_image(const Graph& graph);

// Those nodes, in the graph's order. Parameters that are computed before a layer (a Cast, a DequantizeLinear of constants) count
// where they are used; what depends on sizes that are not known is left out (known_costs_of). Throws Error(malformed) where a
// count does not fit into 64 bits.
std::vector<Layer> layers_of(const Graph& graph);

// Bytes.
struct Memory {
  std::int64_t weights = 0;           // all constants that a layer uses
  std::int64_t peak_activations = 0;  // values that live at once, when each is dropped after its last use
  std::string peak_node;              // where that is
  bool complete = true;               // no: values whose size is not known are left out
};
// Throws Error(malformed) where a size does not fit into 64 bits.
Memory memory_of(const Graph& graph);

// A small file must not fill the memory. Throws Error(unsupported) with the place where, of inputs of these shapes, activations
// take more than 512 MiB at once and more than 1,000 times what the graph is given, inputs and weights: networks of photos take
// some 10 to 200 times as much.
void refuse_growth(const Graph& graph, std::span<const Shape> inputs);

// Figures of one constant of floating-point type.
struct WeightStatistics {
  std::string name;
  DType dtype = DType::float32;
  Shape shape;
  double min = 0, max = 0, mean = 0, deviation = 0;  // of the numbers among the elements
  std::int64_t elements = 0, zeros = 0, not_a_number = 0, infinite = 0;
};
std::vector<WeightStatistics> weight_statistics(const Graph& graph);

// A constant of several elements that holds NaN or infinity. (One infinity alone is a bound, as Clip's are.)
struct NotFinite {
  std::string name;
  std::int64_t count = 0;  // of such elements
};
std::vector<NotFinite> weights_not_finite(const Graph& graph);

}  // namespace resnet::analysis

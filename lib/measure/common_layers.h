// The values that two networks make under one name, as real numbers.
#pragma once

#include <string>
#include <vector>

#include "lib/graph/graph.h"

namespace resnet {

// Two graphs with the same values as their outputs, in the first one's order.
struct CommonLayers {
  std::vector<std::string> names;
  Graph a, b;
};

// Values of floating-point type, and bytes whose scale and zero point are constants, dequantized: they have the name of what was
// quantized, as quantizers name it ("relu" of "relu_quantized" and "relu_QuantizeLinear_Output"). Bytes that end at their zero
// point are what a Relu gives, whichever name the quantizer left it: in the other network they are its Relu's.
CommonLayers common_layers(const Graph& a, const Graph& b);

}  // namespace resnet

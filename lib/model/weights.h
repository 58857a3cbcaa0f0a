// What readers of checkpoints return: named tensors without a graph.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lib/tensor/tensor.h"

namespace resnet {

struct NamedTensor {
  std::string name;  // "layer1.0.conv1.weight", as the file has it
  Tensor tensor;
};

struct Weights {
  std::vector<NamedTensor> tensors;             // in the file's order; no name twice
  std::map<std::string, std::string> metadata;  // the file's own pairs: safetensors' __metadata__
  std::string format;                           // "safetensors", "PyTorch (zip)"
  // What the reader noticed and a user may want to know: which of two state dicts was taken, ... One line each.
  std::vector<std::string> notes;
};

}  // namespace resnet

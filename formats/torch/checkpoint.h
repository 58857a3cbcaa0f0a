// Which tensors of a checkpoint are the network's weights: a state dict, the one of several in a training checkpoint, or those of
// a whole module, whose class is never needed.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "formats/torch/tree.h"

namespace resnet::torch {

struct StateDict {
  std::vector<std::pair<std::string, Id>> tensors;  // by name, each once, in the file's order
  std::vector<std::string> notes;
};

// Throws Error(malformed) where there are no tensors, saying what there is.
StateDict find_state_dict(const Tree& tree, Id top);

}  // namespace resnet::torch

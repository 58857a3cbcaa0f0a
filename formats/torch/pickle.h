// Python's pickles, protocols 0 to 5, read without Python: a tree of values is built, and nothing is called, imported or opened.
#pragma once

#include <cstddef>
#include <string_view>

#include "formats/torch/tree.h"

namespace resnet::torch {

// How much a tree may take whose pickle has `stored` bytes in the file: more than any checkpoint of that size needs, and little
// enough for a small file that says it has millions of objects.
std::size_t budget_of(std::size_t stored);

struct Unpickled {
  Id value;
  std::size_t end;  // after its STOP
};

// The pickle that begins at byte `begin` of the tree's source. Throws Error(malformed) where it is damaged, or needs more than
// the tree's budget.
Unpickled unpickle(Tree& tree, std::size_t begin);

}  // namespace resnet::torch

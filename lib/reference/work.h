// How much evaluate() has to do, for whoever evaluates what a file may ask for without end.
#pragma once

#include "lib/reference/reference.h"

namespace resnet::reference {

// Both are the largest number that there is where they do not fit into 64 bits.
struct Work {
  std::int64_t elements = 0;  // that are read or written one by one, indices counted
  std::int64_t terms = 0;     // multiply-adds, and what takes as long
};

// Of inputs and outputs that infer() accepts; `made` is the number of elements of the first output.
Work work_of(const Op& op, Inputs inputs, std::int64_t made);

}  // namespace resnet::reference

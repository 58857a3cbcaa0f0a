// What a Resize makes each element of, along one axis: for whoever computes it.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/graph/ops/resize.h"

namespace resnet {

// The elements of an axis that one of the output is made of, and their weights.
struct ResizeTaps {
  std::vector<std::int64_t> places;
  std::vector<double> weights;
  bool is_outside = false;  // of the image: extrapolation_value
};
// Of output `i`.
ResizeTaps resize_taps(const Resize& op, const ResizedAxis& axis, std::int64_t i);

}  // namespace resnet

// A window's attributes in numbers.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/graph/fact.h"
#include "lib/graph/ops/window.h"

namespace resnet::arch {

struct ResolvedWindow {
  std::vector<std::int64_t> kernel, strides, dilations, pads;  // pads: all beginnings, then all ends
};

// With auto_pad in numbers where the sizes of `x` are known.
ResolvedWindow resolved(const WindowAttributes& attributes, const Fact& x);

}  // namespace resnet::arch

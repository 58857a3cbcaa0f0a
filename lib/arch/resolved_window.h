// A window's attributes in numbers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/graph/fact.h"
#include "lib/graph/ops/window.h"

namespace resnet::arch {

struct ResolvedWindow {
  std::vector<std::int64_t> kernel, strides, dilations, pads;  // pads: all beginnings, then all ends
};

// With auto_pad in numbers where the sizes of `x` are known.
ResolvedWindow resolved(const WindowAttributes& attributes, const Fact& x);

// As people write them: "2" where all are the same, else "2,1"; "3x3".
std::string short_form(const std::vector<std::int64_t>& list);
std::string square(const std::vector<std::int64_t>& list);

}  // namespace resnet::arch

// Element by element, on whatever layout there is.
#pragma once

#include <cstddef>
#include <memory>

#include "lib/xnnpack/site.h"
#include "lib/xnnpack/step.h"

namespace resnet::xnnpack {

constexpr std::size_t loop_grain = 16384;  // elements of one part of a loop: 64 KiB of float32

// Of a node whose first operand alone has more than one element, by lib/reference.
std::unique_ptr<Step> by_element(const Site& site);

}  // namespace resnet::xnnpack

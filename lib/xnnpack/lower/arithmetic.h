// Additions that a step before them may do as it goes.
#pragma once

#include "lib/xnnpack/site.h"

namespace resnet::xnnpack {

// Whether a node adds two values of equal shape that are both float32.
bool is_addition(const Site& site);

}  // namespace resnet::xnnpack

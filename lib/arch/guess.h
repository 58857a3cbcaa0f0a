// Which network of the family a skeleton looks most like.
#pragma once

#include <vector>

#include "lib/arch/skeleton.h"
#include "lib/arch/spec.h"

namespace resnet::arch {

// The nearest Spec: its blocks, stem, widths and number of classes. Name and input stay as they are in Spec{}.
Spec guess_spec(const std::vector<Part>& parts);

}  // namespace resnet::arch

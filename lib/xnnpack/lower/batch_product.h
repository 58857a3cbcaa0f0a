// Products of stacks of matrices.
#pragma once

#include <memory>

#include "lib/xnnpack/site.h"
#include "lib/xnnpack/step.h"

namespace resnet::xnnpack {

// Of a MatMul whose operands have two axes or more; null for other types than float32, and for vectors.
std::unique_ptr<Step> batch_product(const Site& site);

}  // namespace resnet::xnnpack

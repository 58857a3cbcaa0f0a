// Pools that XNNPACK does not have: windows of any form, over one to three spatial axes.
#pragma once

#include <memory>

#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/site.h"
#include "lib/xnnpack/step.h"

namespace resnet::xnnpack {

// Null for other types than float32, and more axes.
std::unique_ptr<Step> max_pool_of_any_form(const MaxPool& pool, const Site& site);
std::unique_ptr<Step> average_pool_of_any_form(const AveragePool& pool, const Site& site);

// Emits the node's pool, where a step finds too late that XNNPACK does not have it.
void emit_average_pool(Emitter& emitter, const AveragePool& pool, ValueId output);

}  // namespace resnet::xnnpack

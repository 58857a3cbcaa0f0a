// Pools that XNNPACK does not have: windows of any form, over one to three spatial axes.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "lib/kernels/pool.h"
#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/site.h"
#include "lib/xnnpack/step.h"

namespace resnet::xnnpack {

// Null for other types than float32 (a MaxPool may have 8 bits), and more axes.
std::unique_ptr<Step> max_pool_of_any_form(const MaxPool& pool, const Site& site);
std::unique_ptr<Step> average_pool_of_any_form(const AveragePool& pool, const Site& site);

// The outputs [begin, end) of a pool, from x to y.
using PoolRun =
    std::function<void(const kernels::Pool& pool, const std::byte* x, std::byte* y, std::size_t begin, std::size_t end)>;
// Emits a pool of the node's first operand, of up to three spatial axes, which in this order lie between the batch and the
// channels.
void emit_pool(Emitter& emitter, const Window& window, bool counts_padding, const Order& order, PoolRun run, ValueId output);

// Emits the node's pool, where a step finds too late that XNNPACK does not have it.
void emit_average_pool(Emitter& emitter, const AveragePool& pool, ValueId output);

}  // namespace resnet::xnnpack

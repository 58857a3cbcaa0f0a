// QuantizeLinear and DequantizeLinear as functions of a chain (kernels/chain.h), by the letter of int32 and float32 arithmetic.
#pragma once

#include <optional>
#include <vector>

#include "lib/kernels/chain.h"
#include "lib/xnnpack/lower/functions.h"
#include "lib/xnnpack/site.h"

namespace resnet::xnnpack {

// How a chain has elements of this type; nothing where it cannot.
std::optional<kernels::Element> element_of(std::optional<DType> dtype);

// (x - zero_point) * scale, of 8 bits, with constant scales and zero points: one, or one for each place of an axis. Nothing for
// every other node.
std::optional<std::vector<PlannedLink>> dequantizing_links(const Site& site);
// round(x / scale) + zero_point of float32, which is then to be saturated to 8 bits; the same conditions.
std::optional<std::vector<PlannedLink>> quantizing_links(const Site& site);

}  // namespace resnet::xnnpack

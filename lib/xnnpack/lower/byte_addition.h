// QLinearAdd, in the form in which its scales and zero points are gathered.
#pragma once

#include <optional>

#include "lib/kernels/bytes.h"
#include "lib/xnnpack/site.h"

namespace resnet::xnnpack {

// What a QLinearAdd of constant scales and zero points computes of its operands 0 and 3; nothing for every other node.
std::optional<kernels::ByteAddition> byte_addition_of(const Site& site);

}  // namespace resnet::xnnpack

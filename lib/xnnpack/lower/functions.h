// Elementwise nodes as functions of a chain (kernels/chain.h).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "lib/kernels/chain.h"
#include "lib/xnnpack/site.h"

namespace resnet::xnnpack {

struct PlannedLink {
  kernels::Link link;                        // without its operand
  ValueId operand = ValueId::none();         // where the function has one that is a value of the graph
  std::shared_ptr<const void> op = nullptr;  // that link.op points to
  std::optional<Tensor> constant = {};       // or one that is not: float32, and broadcasts
};

// What an elementwise node of float32 does to its operand number `operand`; nothing where a chain cannot do that.
std::optional<std::vector<PlannedLink>> links_of(const Site& site, std::size_t operand);

}  // namespace resnet::xnnpack

#include "lib/xnnpack/lower/arithmetic.h"

namespace resnet::xnnpack {

bool is_addition(const Site& site) {
  const Op& op = site.node().op;
  const bool adds = holds_alternative<Add>(op) || (holds_alternative<Sum>(op) && site.node().inputs.size() == 2);
  if (!adds || !site.is_float()) return false;
  return site.fact(0).has_rank() && site.fact(0).dims == site.fact(1).dims && !site.is_constant(0) && !site.is_constant(1);
}

}  // namespace resnet::xnnpack

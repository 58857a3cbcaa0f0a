// XNNPACK's choice of kernels, made to follow kernels::cap_instruction_set().
#pragma once

namespace resnet::xnnpack {

// To be called before xnn_initialize(), which looks at the processor once. Without a cap, too, nothing is chosen by the
// processor's make: what has the same instructions computes the same bits.
void limit_instruction_set();

}  // namespace resnet::xnnpack

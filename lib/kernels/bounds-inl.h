// An activation's bounds; compiled once per instruction set.
#if defined(RESNET_KERNELS_BOUNDS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef RESNET_KERNELS_BOUNDS_INL_H
#undef RESNET_KERNELS_BOUNDS_INL_H
#else
#define RESNET_KERNELS_BOUNDS_INL_H
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {
namespace {

// x, at least `low` and at most `high`. NaN stays NaN: it is neither less nor greater. x86's minimum and maximum keep it, which
// give the second operand then; elsewhere they may lose it (ARM's, as Highway calls them, give the number).
template <class V>
HWY_INLINE V between(V low, V x, V high) {
  namespace hn = hwy::HWY_NAMESPACE;
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  return hn::Min(high, hn::Max(low, x));
#else
  return hn::IfThenElse(hn::Lt(x, low), low, hn::IfThenElse(hn::Gt(x, high), high, x));
#endif
}

}  // namespace
}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

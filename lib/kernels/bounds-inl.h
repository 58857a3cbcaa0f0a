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

// x, at least `low` and at most `high`. What is no number stays so: it is neither less nor greater. (Minimum and maximum would
// lose it on one machine and keep it on another.)
template <class V>
HWY_INLINE V between(V low, V x, V high) {
  namespace hn = hwy::HWY_NAMESPACE;
  return hn::IfThenElse(hn::Lt(x, low), low, hn::IfThenElse(hn::Gt(x, high), high, x));
}

}  // namespace
}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

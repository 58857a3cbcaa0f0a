// Sums of products of 8-bit integers in lanes of 32 bits: of fours of bytes where the processor has an instruction for that
// (VNNI's vpdpbusd, which does not saturate), else of pairs widened to 16 bits. vpmaddubsw saturates and is not used. Compiled
// once per instruction set.
#if defined(RESNET_KERNELS_INTEGER_DOTS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef RESNET_KERNELS_INTEGER_DOTS_INL_H
#undef RESNET_KERNELS_INTEGER_DOTS_INL_H
#else
#define RESNET_KERNELS_INTEGER_DOTS_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <cstring>

#include "lib/kernels/registers-inl.h"

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {
namespace {

using SumTag = hn::ScalableTag<std::int32_t>;
using Sums = hn::Vec<SumTag>;

// The same 4 bytes in every lane, from memory. (Of integers compilers make a load and a shuffle; of floats, one load.)
HWY_INLINE Sums broadcast(const std::uint8_t* bytes) {
  float value;
  std::memcpy(&value, bytes, sizeof value);
  return hn::BitCast(SumTag(), hn::Set(hn::ScalableTag<float>(), value));
}

// Keeps the compiler from knowing what a vector holds.
HWY_INLINE void forget(Sums& value) {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
  asm volatile("" : "+m"(value.raw));
#elif HWY_TARGET <= HWY_AVX3
  asm volatile("" : "+v"(value.raw));
#elif HWY_ARCH_X86
  asm volatile("" : "+x"(value.raw));
#else
  asm volatile("" : "+w"(value.raw));
#endif
}

// Two 16-bit integers of x for every lane, by two 8-bit ones of the lane's weights.
struct Pairs {
  static constexpr std::int64_t group = 2, bytes = 2;  // bytes: of a lane's weights
#if HWY_TARGET == HWY_SCALAR
  static HWY_INLINE Sums load_weights(const std::uint8_t* weights) {
    std::int8_t pair[2];
    std::memcpy(pair, weights, sizeof pair);
    return hn::Set(SumTag(), pair[1] * 65536 + pair[0]);
  }
  static HWY_INLINE Sums add_products(Sums sums, Sums x, Sums weights) {
    std::int16_t pixel[2];
    std::memcpy(pixel, &x.raw, sizeof pixel);
    const std::int32_t low = static_cast<std::int16_t>(weights.raw & 0xffff), high = (weights.raw - low) / 65536;
    return hn::Add(sums, hn::Set(SumTag(), pixel[0] * low + pixel[1] * high));
  }
#else
  using WordTag = hn::ScalableTag<std::int16_t>;
  using WordVector = hn::Vec<WordTag>;

  static HWY_INLINE WordVector load_weights(const std::uint8_t* weights) {
    const hn::Rebind<std::int8_t, WordTag> narrow;
    return hn::PromoteTo(WordTag(), hn::LoadU(narrow, reinterpret_cast<const std::int8_t*>(weights)));
  }
  static HWY_INLINE Sums add_products(Sums sums, Sums x, WordVector weights) {
    const WordVector pixel = hn::BitCast(WordTag(), x);
#if HWY_TARGET == HWY_EMU128
    Sums odd = hn::Zero(SumTag());
    const Sums even = hn::ReorderWidenMulAccumulate(SumTag(), pixel, weights, sums, odd);
    return hn::Add(even, odd);
#elif HWY_ARCH_X86
    Sums unused = hn::Zero(SumTag());
    return hn::ReorderWidenMulAccumulate(SumTag(), pixel, weights, sums, unused);
#elif HWY_ARCH_ARM_A64
    const int32x4_t low = vmull_s16(vget_low_s16(pixel.raw), vget_low_s16(weights.raw));
    return hn::Add(sums, Sums(vpaddq_s32(low, vmull_high_s16(pixel.raw, weights.raw))));
#else
#error "pairs of products are not written for this processor"
#endif
  }
#endif
};

// The same by two 16-bit weights.
struct Words : Pairs {
  static constexpr std::int64_t bytes = 4;
#if HWY_TARGET == HWY_SCALAR
  static HWY_INLINE Sums load_weights(const std::uint8_t* weights) {
    std::int16_t pair[2];
    std::memcpy(pair, weights, sizeof pair);
    return hn::Set(SumTag(), pair[1] * 65536 + pair[0]);
  }
#else
  static HWY_INLINE WordVector load_weights(const std::uint8_t* weights) {
    return hn::LoadU(WordTag(), reinterpret_cast<const std::int16_t*>(weights));
  }
#endif
};

#undef RESNET_HAS_FOURS
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
#define RESNET_HAS_FOURS 1
// Four unsigned bytes of x for every lane, by four signed ones of the lane's weights. Highway's target does not include the
// instruction, so that compilers take it as assembly only; the caller has asked the processor.
struct Fours {
  static constexpr std::int64_t group = 4, bytes = 4;

  static HWY_INLINE Sums load_weights(const std::uint8_t* weights) {
    return hn::BitCast(SumTag(), hn::LoadU(hn::ScalableTag<std::uint8_t>(), weights));
  }
  static HWY_INLINE Sums add_products(Sums sums, Sums x, Sums weights) {
#if HWY_TARGET == HWY_AVX3
    asm("vpdpbusd %2, %1, %0" : "+v"(sums.raw) : "v"(x.raw), "v"(weights.raw));
#else
    asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sums.raw) : "x"(x.raw), "x"(weights.raw));
#endif
    return sums;
  }
};

// The same of signed bytes of x by unsigned ones of the weights.
struct TurnedFours : Fours {
  static HWY_INLINE Sums add_products(Sums sums, Sums x, Sums weights) { return Fours::add_products(sums, weights, x); }
};
#else
#define RESNET_HAS_FOURS 0
#endif

}  // namespace
}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

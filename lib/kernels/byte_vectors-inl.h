// Vectors of 32-bit lanes from bytes and back; compiled once per instruction set.
#if defined(RESNET_KERNELS_BYTE_VECTORS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef RESNET_KERNELS_BYTE_VECTORS_INL_H
#undef RESNET_KERNELS_BYTE_VECTORS_INL_H
#else
#define RESNET_KERNELS_BYTE_VECTORS_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "lib/kernels/bytes.h"
#include "lib/kernels/registers-inl.h"

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {
namespace {

using IntTag = hn::ScalableTag<std::int32_t>;
using Ints = hn::Vec<IntTag>;

// a * b + c, rounded once.
HWY_INLINE Vector fused(Vector a, Vector b, Vector c) {
#if HWY_TARGET <= HWY_AVX2 || HWY_ARCH_ARM_A64
  return hn::MulAdd(a, b, c);
#else
  constexpr std::size_t lanes = HWY_LANES(float);
  const Tag d;
  HWY_ALIGN float numbers[3][lanes];
  hn::Store(a, d, numbers[0]);
  hn::Store(b, d, numbers[1]);
  hn::Store(c, d, numbers[2]);
  for (std::size_t i = 0; i < lanes; ++i) numbers[0][i] = std::fma(numbers[0][i], numbers[1][i], numbers[2][i]);
  return hn::Load(d, numbers[0]);
#endif
}

// The nearest integers, halves to the even neighbour, plus the zero point, between bounds of at most 16 bits. NaN becomes the
// least.
HWY_INLINE Ints to_bytes(Vector value, std::int32_t zero_point, std::int32_t least, std::int32_t most) {
  const Tag d;
  const IntTag di;
  // Beyond this, every result is saturated. A NaN is neither more nor less.
  const Vector low = hn::Set(d, -131072.0f), high = hn::Set(d, 131072.0f);
  const Vector bounded = hn::IfThenElse(hn::Gt(value, low), hn::Min(value, high), low);
  const Ints rounded = hn::Add(hn::NearestInt(bounded), hn::Set(di, zero_point));
  return hn::Min(hn::Max(rounded, hn::Set(di, least)), hn::Set(di, most));
}

// The lowest byte of the first `count` lanes.
HWY_INLINE void store_bytes(Ints values, std::uint8_t* to, std::int64_t count) {
  const hn::Rebind<std::uint32_t, IntTag> unsigned_ints;
  const hn::Rebind<std::uint8_t, IntTag> narrow;
  const auto bytes = hn::TruncateTo(narrow, hn::BitCast(unsigned_ints, values));
  if (count == static_cast<std::int64_t>(hn::Lanes(IntTag()))) {
    hn::StoreU(bytes, narrow, to);
  } else {
    HWY_ALIGN std::uint8_t lanes[HWY_LANES(std::int32_t)];
    hn::StoreU(bytes, narrow, lanes);
    std::copy_n(lanes, count, to);
  }
}

// The first `count` bytes as numbers; the other lanes are 0.
HWY_INLINE Ints load_bytes(const std::uint8_t* from, std::int64_t count, bool is_signed) {
  const IntTag d;
  const hn::Rebind<std::uint8_t, IntTag> narrow;
  HWY_ALIGN std::uint8_t lanes[HWY_LANES(std::int32_t)] = {};
  if (count != static_cast<std::int64_t>(hn::Lanes(d))) {
    std::copy_n(from, count, lanes);
    from = lanes;
  }
  const Ints values = hn::PromoteTo(d, hn::LoadU(narrow, from));
  // A signed byte is what it is without a sign, flipped, less 128.
  const Ints sign = hn::Set(d, is_signed ? 128 : 0);
  return hn::Sub(hn::Xor(values, sign), sign);
}

// y = addition(a, b) of `count` bytes. y may be a or b.
[[maybe_unused]] void add_row(const ByteAddition& addition, const std::uint8_t* a, const std::uint8_t* b, std::uint8_t* y,
                              std::int64_t count) {
  const Tag d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const Vector a_factor = hn::Set(d, addition.a_factor), b_factor = hn::Set(d, addition.b_factor),
               shift = hn::Set(d, addition.shift);
  const std::int32_t least = addition.y_signed ? -128 : 0;
  for (std::int64_t i = 0; i < count; i += lanes) {
    const std::int64_t here = std::min(lanes, count - i);
    const Vector p = hn::ConvertTo(d, load_bytes(a + i, here, addition.a_signed)),
                 q = hn::ConvertTo(d, load_bytes(b + i, here, addition.b_signed));
    const Vector sum = fused(p, a_factor, fused(q, b_factor, shift));
    store_bytes(to_bytes(sum, 0, least, least + 255), y + i, here);
  }
}

}  // namespace
}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

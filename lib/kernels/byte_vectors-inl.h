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
#include <type_traits>

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
template <bool is_signed>
HWY_INLINE Ints load_bytes(const std::uint8_t* from, std::int64_t count) {
  using Byte = std::conditional_t<is_signed, std::int8_t, std::uint8_t>;
  const IntTag d;
  const hn::Rebind<Byte, IntTag> narrow;
  HWY_ALIGN std::uint8_t lanes[HWY_LANES(std::int32_t)];
  if (count != static_cast<std::int64_t>(hn::Lanes(d))) {
    std::fill_n(lanes, HWY_LANES(std::int32_t), std::uint8_t{0});
    std::copy_n(from, count, lanes);
    from = lanes;
  }
  return hn::PromoteTo(d, hn::LoadU(narrow, reinterpret_cast<const Byte*>(from)));
}

template <bool is_signed>
HWY_INLINE Vector load_numbers(const std::uint8_t* from, std::int64_t count) {
  return hn::ConvertTo(Tag(), load_bytes<is_signed>(from, count));
}

#if HWY_TARGET == HWY_AVX3
// 64 bytes from 4 vectors of integers, which saturate: in 16 bits, then without a sign in 8.
HWY_INLINE __m512i saturated(const __m512i* values, __m512i zero_point) {
  const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(values[0], values[1]), zero_point);
  const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(values[2], values[3]), zero_point);
  const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
  return _mm512_permutexvar_epi32(order, _mm512_packus_epi16(low, high));
}
#endif

// y = addition(a, b) of `count` bytes. y may be a or b.
template <bool a_signed, bool b_signed>
void add_row(const ByteAddition& addition, const std::uint8_t* a, const std::uint8_t* b, std::uint8_t* y, std::int64_t count) {
  const Tag d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const Vector a_factor = hn::Set(d, addition.a_factor), b_factor = hn::Set(d, addition.b_factor),
               shift = hn::Set(d, addition.shift);
  std::int64_t i = 0;
#if HWY_TARGET == HWY_AVX3
  if (fits_in_integers(addition)) {
    const __m512i sign = _mm512_set1_epi8(static_cast<char>(addition.y_signed ? 128 : 0));
    const __m512i zero_point = _mm512_set1_epi16(addition.y_signed ? 128 : 0);
    for (; i + 4 * lanes <= count; i += 4 * lanes) {
      __m512i rounded[4];
      RESNET_UNROLL for (int v = 0; v < 4; ++v) {
        const Vector p = load_numbers<a_signed>(a + i + v * lanes, lanes), q = load_numbers<b_signed>(b + i + v * lanes, lanes);
        rounded[v] = _mm512_cvtps_epi32(fused(p, a_factor, fused(q, b_factor, shift)).raw);
      }
      _mm512_storeu_si512(y + i, _mm512_xor_si512(saturated(rounded, zero_point), sign));
    }
  }
#endif
  const std::int32_t least = addition.y_signed ? -128 : 0;
  for (; i < count; i += lanes) {
    const std::int64_t here = std::min(lanes, count - i);
    const Vector p = load_numbers<a_signed>(a + i, here), q = load_numbers<b_signed>(b + i, here);
    const Vector sum = fused(p, a_factor, fused(q, b_factor, shift));
    store_bytes(to_bytes(sum, 0, least, least + 255), y + i, here);
  }
}

[[maybe_unused]] void add_any_row(const ByteAddition& addition, const std::uint8_t* a, const std::uint8_t* b, std::uint8_t* y,
                                  std::int64_t count) {
  if (addition.a_signed) {
    addition.b_signed ? add_row<true, true>(addition, a, b, y, count) : add_row<true, false>(addition, a, b, y, count);
  } else {
    addition.b_signed ? add_row<false, true>(addition, a, b, y, count) : add_row<false, false>(addition, a, b, y, count);
  }
}

}  // namespace
}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

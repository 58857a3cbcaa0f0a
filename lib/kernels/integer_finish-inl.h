// What becomes of a tile's sums; compiled once per instruction set.
#if defined(RESNET_KERNELS_INTEGER_FINISH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef RESNET_KERNELS_INTEGER_FINISH_INL_H
#undef RESNET_KERNELS_INTEGER_FINISH_INL_H
#else
#define RESNET_KERNELS_INTEGER_FINISH_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

#include "lib/kernels/bounds-inl.h"
#include "lib/kernels/byte_vectors-inl.h"
#include "lib/kernels/integer_dots-inl.h"
#include "lib/kernels/integer_tiles.h"

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {
namespace {

constexpr auto lanes_of_sums = static_cast<std::int64_t>(HWY_LANES(std::int32_t));

void add(const ByteAddition& addition, const std::uint8_t* a, const std::uint8_t* b, std::uint8_t* y, std::int64_t rows,
         std::int64_t step, std::int64_t count) {
  for (std::int64_t r = 0; r < rows; ++r, a += step, b += step, y += step) add_any_row(addition, a, b, y, count);
}

// Where the addend of the pixel at y lies.
HWY_INLINE const std::uint8_t* addend_at(const IntegerPanel& p, const std::uint8_t* y) { return p.addend + (y - p.map_of_y); }

// Sums that are not written as they are, whole vectors of `rows` rows, to y.
HWY_NOINLINE void finish(const IntegerPanel& p, const std::int32_t* sums, std::int64_t rows, void* y) {
  const SumTag d;
  const Tag df;
  const std::int64_t lanes = lanes_of_sums;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t v = 0; v < p.vectors; ++v, sums += lanes) {
      const std::int64_t at = r * p.outputs + v * lanes, count = std::min(lanes, p.count - v * lanes);
      const Sums sum = hn::Load(d, sums);
      switch (p.output) {
        case IntegerOutput::sums:
          if (count == lanes) {
            hn::StoreU(sum, d, static_cast<std::int32_t*>(y) + at);
          } else {
            std::copy_n(sums, count, static_cast<std::int32_t*>(y) + at);
          }
          break;
        case IntegerOutput::bytes: {
          const Vector scaled = hn::Mul(hn::ConvertTo(df, sum), hn::Load(df, p.factors + v * lanes));
          const Sums bytes = to_bytes(scaled, p.zero_point, p.least_byte, p.most_byte);
          store_bytes(hn::Xor(bytes, hn::Set(d, p.sign)), static_cast<std::uint8_t*>(y) + at, count);
          break;
        }
        case IntegerOutput::floats: {
          Vector value = hn::Mul(hn::ConvertTo(df, sum), hn::Load(df, p.factors + v * lanes));
          if (p.shifts != nullptr) value = hn::Add(value, hn::Load(df, p.shifts + v * lanes));
          store_first(between(hn::Set(df, p.least), value, hn::Set(df, p.most)), df, static_cast<float*>(y) + at, count);
          break;
        }
      }
    }
  }
  if (p.output != IntegerOutput::bytes || p.addition == nullptr) return;
  auto* bytes = static_cast<std::uint8_t*>(y);
  const std::uint8_t *addend = addend_at(p, bytes), *a = p.addition->addend_first ? addend : bytes,
                     *b = p.addition->addend_first ? bytes : addend;
  add(p.addition->addition, a, b, bytes, rows, p.outputs, p.count);
}

#if HWY_TARGET == HWY_AVX3
// Bytes from 4 vectors of scaled and rounded sums.
class Narrow {
 public:
  explicit Narrow(const IntegerPanel& p)
      : zero_point_(_mm512_set1_epi16(static_cast<short>(p.zero_point))),
        least_(_mm512_set1_epi8(static_cast<char>(p.least_byte))),
        most_(_mm512_set1_epi8(static_cast<char>(p.most_byte))),
        sign_(_mm512_set1_epi8(static_cast<char>(p.sign))) {}
  static constexpr bool adds = false;
  HWY_INLINE __m512i of(__m512i rounded, __m128i) const { return rounded; }
  HWY_INLINE __m512i bytes(const __m512i* rounded) const {
    return _mm512_xor_si512(_mm512_min_epu8(_mm512_max_epu8(saturated(rounded, zero_point_), least_), most_), sign_);
  }

 private:
  __m512i zero_point_, least_, most_, sign_;
};

// The same where bytes are added to them.
class NarrowAndAdd {
 public:
  explicit NarrowAndAdd(const IntegerPanel& p)
      : zero_point_(_mm512_set1_epi32(p.zero_point - p.sign)),
        least_(_mm512_set1_epi32(p.least_byte - p.zero_point)),
        most_(_mm512_set1_epi32(p.most_byte - p.zero_point)),
        own_factor_(_mm512_set1_ps(first(p) ? addition(p).b_factor : addition(p).a_factor)),
        factor_(_mm512_set1_ps(first(p) ? addition(p).a_factor : addition(p).b_factor)),
        shift_(_mm512_set1_ps(addition(p).shift)),
        is_first_(first(p)),
        is_signed_(first(p) ? addition(p).a_signed : addition(p).b_signed),
        y_zero_point_(_mm512_set1_epi16(addition(p).y_signed ? 128 : 0)),
        sign_(_mm512_set1_epi8(static_cast<char>(addition(p).y_signed ? 128 : 0))) {}
  // Whether no sum leaves 32 bits, and the bytes that it is added to are read as they would be written.
  static bool fits(const IntegerPanel& p) {
    const bool own_is_signed = first(p) ? addition(p).b_signed : addition(p).a_signed;
    return fits_in_integers(addition(p)) && own_is_signed == (p.sign != 0);
  }
  static constexpr bool adds = true;
  HWY_INLINE __m512i of(__m512i rounded, __m128i addend) const {
    const __m512i own = _mm512_add_epi32(_mm512_min_epi32(_mm512_max_epi32(rounded, least_), most_), zero_point_);
    const __m512 x = _mm512_cvtepi32_ps(own);
    const __m512 y = _mm512_cvtepi32_ps(is_signed_ ? _mm512_cvtepi8_epi32(addend) : _mm512_cvtepu8_epi32(addend));
    const __m512 sum = is_first_ ? _mm512_fmadd_ps(y, factor_, _mm512_fmadd_ps(x, own_factor_, shift_))
                                 : _mm512_fmadd_ps(x, own_factor_, _mm512_fmadd_ps(y, factor_, shift_));
    return _mm512_cvtps_epi32(sum);
  }
  HWY_INLINE __m512i bytes(const __m512i* rounded) const { return _mm512_xor_si512(saturated(rounded, y_zero_point_), sign_); }

 private:
  static const ByteAddition& addition(const IntegerPanel& p) { return p.addition->addition; }
  static bool first(const IntegerPanel& p) { return p.addition->addend_first; }

  __m512i zero_point_, least_, most_;  // least and most before the zero point is added
  __m512 own_factor_, factor_, shift_;
  bool is_first_, is_signed_;  // the addend
  __m512i y_zero_point_, sign_;
};

// 64 bytes at a time from 4 vectors, without a detour through memory.
template <int rows, int vectors, class Narrowing>
HWY_INLINE void finish_bytes(const IntegerPanel& p, const Sums* sums, std::uint8_t* y) {
  const Narrowing narrow(p);
  const std::uint8_t* addend = Narrowing::adds ? addend_at(p, y) : nullptr;
  const std::int64_t in_last = p.count - (vectors - 1) * lanes_of_sums;
  const auto last = static_cast<__mmask16>((1U << in_last) - 1);
  RESNET_UNROLL for (int first = 0; first < rows * vectors; first += 4) {
    __m512i rounded[4];
    RESNET_UNROLL for (int i = 0; i < 4; ++i) {
      const int at = std::min(first + i, rows * vectors - 1);
      // Halves to the even neighbour, as the processor is set.
      const __m512 factors = _mm512_load_ps(p.factors + at % vectors * lanes_of_sums);
      rounded[i] = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(sums[at].raw), factors));
      __m128i added = _mm_setzero_si128();
      if constexpr (Narrowing::adds) {
        const std::uint8_t* from = addend + at / vectors * p.outputs + at % vectors * lanes_of_sums;
        added = _mm_maskz_loadu_epi8(at % vectors == vectors - 1 ? last : static_cast<__mmask16>(0xffff), from);
      }
      rounded[i] = narrow.of(rounded[i], added);
    }
    const __m512i bytes = narrow.bytes(rounded);
    if (vectors == 4 && in_last == lanes_of_sums) {
      _mm512_storeu_si512(y + first / 4 * p.outputs, bytes);
      continue;
    }
    const __m128i quarters[] = {_mm512_castsi512_si128(bytes), _mm512_extracti32x4_epi32(bytes, 1),
                                _mm512_extracti32x4_epi32(bytes, 2), _mm512_extracti32x4_epi32(bytes, 3)};
    RESNET_UNROLL for (int i = 0; i < 4; ++i) {
      if (first + i >= rows * vectors) continue;
      std::uint8_t* to = y + (first + i) / vectors * p.outputs + (first + i) % vectors * lanes_of_sums;
      const bool is_last = (first + i) % vectors == vectors - 1;
      _mm_mask_storeu_epi8(to, is_last ? last : static_cast<__mmask16>(0xffff), quarters[i]);
    }
  }
}
#endif

}  // namespace
}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

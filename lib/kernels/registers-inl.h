// What the matrix products of lib/kernels keep in registers; compiled once per instruction set.
#if defined(RESNET_KERNELS_REGISTERS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef RESNET_KERNELS_REGISTERS_INL_H
#undef RESNET_KERNELS_REGISTERS_INL_H
#else
#define RESNET_KERNELS_REGISTERS_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

// A tile's loops must vanish, else the compiler keeps its sums in memory.
#ifndef RESNET_UNROLL
#if defined(__clang__)
#define RESNET_UNROLL _Pragma("clang loop unroll(full)")
#else
#define RESNET_UNROLL _Pragma("GCC unroll 16")
#endif
#endif

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::ScalableTag<float>;
using Vector = hn::Vec<Tag>;

// A tile is up to `most_rows` rows (output pixels, ...) by two vectors of output channels.
#if HWY_TARGET <= HWY_AVX3
constexpr int most_rows = 12;
#elif HWY_TARGET == HWY_AVX2
constexpr int most_rows = 6;
#else
constexpr int most_rows = 8;
#endif

// Output channels of a tile, and of a panel of a packed filter.
[[maybe_unused]] std::size_t panel_width() { return 2 * hn::Lanes(Tag()); }

// The first `count` lanes, and nothing beyond them, for that may be nobody's memory; the other lanes are 0.
[[maybe_unused]] HWY_INLINE Vector load_first(const Tag d, const float* from, std::int64_t count) {
  if (count == static_cast<std::int64_t>(hn::Lanes(d))) return hn::LoadU(d, from);
#if HWY_TARGET <= HWY_AVX2
  return hn::MaskedLoad(hn::FirstN(d, static_cast<std::size_t>(count)), d, from);
#else
  HWY_ALIGN float lanes[HWY_LANES(float)] = {};
  std::copy_n(from, count, lanes);
  return hn::Load(d, lanes);
#endif
}

[[maybe_unused]] HWY_INLINE void store_first(Vector value, const Tag d, float* to, std::int64_t count) {
  if (count == static_cast<std::int64_t>(hn::Lanes(d))) return hn::StoreU(value, d, to);
#if HWY_TARGET <= HWY_AVX2
  hn::BlendedStore(value, hn::FirstN(d, static_cast<std::size_t>(count)), d, to);
#else
  HWY_ALIGN float lanes[HWY_LANES(float)];
  hn::Store(value, d, lanes);
  std::copy_n(lanes, count, to);
#endif
}

// The row of a panel that is worked on soon, from the second-level cache.
HWY_INLINE void prefetch_row(const float* row) {
  constexpr std::size_t rows_ahead = 32;
  const std::size_t lanes = hn::Lanes(Tag());
  const float* ahead = row + rows_ahead * 2 * lanes;
  __builtin_prefetch(ahead);
  if (lanes >= 16) __builtin_prefetch(ahead + lanes);
}

// What is worked on next, from memory.
class Prefetch {
 public:
  static constexpr std::int64_t most_runs = 12;

  // What follows `size` floats of a packed filter: a share of it in each of `runs` passes over those. A pass begins `from` floats
  // after the first. With many passes, asking costs more than waiting.
  Prefetch(const float* block, std::int64_t size, std::int64_t run, std::int64_t runs, std::int64_t from = 0)
      : step_(static_cast<std::int64_t>(panel_width()) / runs), behind_(block + size + (size * run + from) / runs) {}

  // Line after line.
  explicit Prefetch(const float* line) : step_(16), behind_(line) {}

  HWY_INLINE void next() {
    __builtin_prefetch(behind_, 0, 2);
    behind_ += step_;
  }

 private:
  std::int64_t step_;
  const float* behind_;
};

}  // namespace
}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

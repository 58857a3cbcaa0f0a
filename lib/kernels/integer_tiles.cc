#include "lib/kernels/integer_tiles.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <type_traits>

#include "lib/kernels/isa.h"
#include "lib/kernels/targets.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/integer_tiles.cc"
#include <hwy/foreach_target.h>
#include "lib/kernels/bounds-inl.h"
#include "lib/kernels/byte_vectors-inl.h"
#include "lib/kernels/integer_dots-inl.h"
#include "lib/kernels/integer_finish-inl.h"

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {

namespace {

#if HWY_TARGET <= HWY_AVX3
constexpr std::int64_t panel_vectors = 4;
constexpr std::int64_t rows_by_vectors[] = {0, 10, 12, 8, 6};
#elif HWY_TARGET == HWY_AVX2
constexpr std::int64_t panel_vectors = 2;
constexpr std::int64_t rows_by_vectors[] = {0, 6, 6, 0, 0};
#elif HWY_ARCH_X86
constexpr std::int64_t panel_vectors = 2;
constexpr std::int64_t rows_by_vectors[] = {0, 4, 4, 0, 0};
#else
constexpr std::int64_t panel_vectors = 2;
constexpr std::int64_t rows_by_vectors[] = {0, 8, 8, 0, 0};
#endif

// In one piece, so that the compiler keeps the sums in registers.
template <class Dot, int rows, int vectors>
HWY_NOINLINE void multiply(const IntegerPanel& p, const IntegerWindow* windows, const std::int32_t* start,
                           std::int64_t start_step, void* y) {
  const SumTag d;
  constexpr std::int64_t lanes = lanes_of_sums;
  constexpr std::int64_t step_bytes = lanes * vectors * Dot::bytes;
  const IntegerMap& map = p.map;
  Sums sums[rows * vectors];
  RESNET_UNROLL for (int r = 0; r < rows; ++r) {
    RESNET_UNROLL for (int v = 0; v < vectors; ++v) sums[r * vectors + v] = hn::Load(d, start + r * start_step + v * lanes);
  }
  bool inside = true;
  RESNET_UNROLL for (int r = 0; r < rows; ++r) inside &= windows[r].inside;
  const std::uint8_t* x[rows];
  const std::uint8_t* weights = p.weights;
  const std::uint8_t* next = p.next;
  const std::int64_t next_step = p.next_step;
  for (std::int64_t i = 0; i < map.taps_high; ++i) {
    for (std::int64_t j = 0; j < map.taps_wide; ++j) {
      const std::int64_t down = i * map.down, across = j * map.across, tap = down * map.row + across * map.pixel + p.offset;
      RESNET_UNROLL for (int r = 0; r < rows; ++r) x[r] = windows[r].first + tap;
      if (!inside) {
        RESNET_UNROLL for (int r = 0; r < rows; ++r) {
          const std::int64_t row = windows[r].top + down, column = windows[r].left + across;
          const bool there = row >= 0 && row < windows[r].height && column >= 0 && column < map.width;
          x[r] = there ? x[r] : map.background;
        }
      }
      const std::uint8_t* end = weights + map.steps * step_bytes;
      std::int64_t at = 0;
      for (; weights < end; weights += step_bytes, at += 4) {
        constexpr std::int64_t ahead = 2048;
        RESNET_UNROLL for (std::int64_t b = 0; b < step_bytes; b += 64) __builtin_prefetch(weights + ahead + b);
        __builtin_prefetch(next, 0, 2);
        next += next_step;
        decltype(Dot::load_weights(weights)) w[vectors];
        RESNET_UNROLL for (int v = 0; v < vectors; ++v) w[v] = Dot::load_weights(weights + v * lanes * Dot::bytes);
        RESNET_UNROLL for (int r = 0; r < rows; ++r) {
          const Sums pixel = broadcast(x[r] + at);
          RESNET_UNROLL for (int v = 0; v < vectors; ++v) {
            sums[r * vectors + v] = Dot::add_products(sums[r * vectors + v], pixel, w[v]);
          }
        }
      }
    }
  }
#if HWY_TARGET == HWY_AVX3
  if (p.output == IntegerOutput::bytes && p.factors_below_one) {
    auto* bytes = static_cast<std::uint8_t*>(y);
    if (p.addition == nullptr) return finish_bytes<rows, vectors, Narrow>(p, sums, bytes);
    if (NarrowAndAdd::fits(p)) return finish_bytes<rows, vectors, NarrowAndAdd>(p, sums, bytes);
  }
#endif
  HWY_ALIGN std::int32_t stored[rows * vectors * lanes];
  RESNET_UNROLL for (int r = 0; r < rows; ++r) {
    RESNET_UNROLL for (int v = 0; v < vectors; ++v) hn::Store(sums[r * vectors + v], d, stored + (r * vectors + v) * lanes);
  }
  finish(p, stored, rows, y);
}

template <class Dot, int rows, int vectors>
constexpr void fill(MultiplyTile* table) {
  table[rows] = multiply<Dot, rows, vectors>;
  if constexpr (rows > 1) fill<Dot, rows - 1, vectors>(table);
}

template <class Dot, int vectors>
constexpr void fill_all(IntegerTiles& tiles) {
  tiles.rows[vectors] = rows_by_vectors[vectors];
  fill<Dot, rows_by_vectors[vectors], vectors>(tiles.multiply[vectors]);
  if constexpr (Dot::group == 2) fill<Words, rows_by_vectors[vectors], vectors>(tiles.multiply_words[vectors]);
#if RESNET_HAS_FOURS
  if constexpr (Dot::group == 4) fill<TurnedFours, rows_by_vectors[vectors], vectors>(tiles.multiply_turned[vectors]);
#endif
  if constexpr (vectors > 1) fill_all<Dot, vectors - 1>(tiles);
}

// A vector of bytes, flipped, to where they are without a sign or of 16 bits.
template <std::int64_t group, class D>
HWY_INLINE void copy_vector(D d, const std::uint8_t* from, std::uint8_t sign, std::uint8_t* to, std::size_t at) {
  const auto bytes = hn::Xor(hn::LoadU(d, from + at), hn::Set(d, sign));
  if constexpr (group == 4) {
    hn::StoreU(bytes, d, to + at);
  } else {
    const hn::Rebind<std::uint16_t, D> wide;
    hn::StoreU(hn::PromoteTo(wide, bytes), wide, reinterpret_cast<std::uint16_t*>(to) + at);
  }
}

template <std::int64_t group>
HWY_INLINE void copy_piece(const std::uint8_t* from, std::uint8_t sign, std::size_t count, std::uint8_t* to) {
  const hn::Rebind<std::uint8_t, hn::ScalableTag<std::uint16_t>> d;  // half as long as vectors are
  const hn::CappedTag<std::uint8_t, 8> few;
  const hn::CappedTag<std::uint8_t, 1> one;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) copy_vector<group>(d, from, sign, to, i);
  for (; i + hn::Lanes(few) <= count; i += hn::Lanes(few)) copy_vector<group>(few, from, sign, to, i);
  for (; i < count; ++i) copy_vector<group>(one, from, sign, to, i);
}

template <std::int64_t group>
void copy(const std::uint8_t* from, bool flip, std::size_t count, std::uint8_t* to) {
  copy_piece<group>(from, flip ? 0x80 : 0, count, to);
}

template <std::int64_t group>
void copy_apart(const std::uint8_t* from, std::int64_t step, bool flip, std::int64_t pieces, std::size_t count,
                std::uint8_t* to) {
  const std::size_t bytes = count * (4 / group);
  for (std::int64_t i = 0; i < pieces; ++i, from += step, to += bytes) copy_piece<group>(from, flip ? 0x80 : 0, count, to);
}

template <typename Element>
std::int32_t sum_of(const std::uint8_t* from, std::size_t count) {
  const SumTag d;
  const hn::Rebind<Element, SumTag> narrow;
  const std::size_t lanes = hn::Lanes(d);
  const auto* x = reinterpret_cast<const Element*>(from);
  Sums sums = hn::Zero(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) sums = hn::Add(sums, hn::PromoteTo(d, hn::LoadU(narrow, x + i)));
#if HWY_TARGET <= HWY_AVX3
  if (i < count) {
    const auto rest = hn::MaskedLoad(hn::FirstN(narrow, count - i), narrow, x + i);
    sums = hn::Add(sums, hn::PromoteTo(d, rest));
    i = count;
  }
#endif
  std::int32_t all = hn::GetLane(hn::SumOfLanes(d, sums));
  for (; i < count; ++i) all += x[i];
  return all;
}

template <std::int64_t group>
std::int32_t sum(const std::uint8_t* from, bool turned, std::size_t count) {
  if constexpr (group == 2) return sum_of<std::uint16_t>(from, count);
  return turned ? sum_of<std::int8_t>(from, count) : sum_of<std::uint8_t>(from, count);
}

void start(const std::int32_t* biases, const std::int32_t* zero_points, const std::int32_t* sums, std::int64_t rows,
           std::int64_t count, std::int32_t* to) {
  const SumTag d;
  for (std::int64_t r = 0; r < rows; ++r) {
    const Sums sum = hn::Set(d, sums[r]);
    for (std::int64_t i = 0; i < count; i += lanes_of_sums, to += lanes_of_sums) {
      hn::Store(hn::Sub(hn::Load(d, biases + i), hn::Mul(hn::Load(d, zero_points + i), sum)), d, to);
    }
  }
}

template <class Dot>
double multiply_add(std::size_t rounds, std::int32_t* sink) {
  const SumTag d;
  constexpr int count = 12;  // more than a product takes cycles, times two a cycle
  HWY_ALIGN static constexpr std::uint8_t ones[64 * 2] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  Sums sums[count];
  RESNET_UNROLL for (int i = 0; i < count; ++i) sums[i] = hn::Zero(d);
  Sums x = broadcast(ones);
  const auto weights = Dot::load_weights(ones);
  for (std::size_t round = 0; round < rounds; ++round) {
    RESNET_UNROLL for (int i = 0; i < count; ++i) {
      forget(x);  // or the products of pairs would be made only once
      sums[i] = Dot::add_products(sums[i], x, weights);
    }
  }
  Sums all = sums[0];
  RESNET_UNROLL for (int i = 1; i < count; ++i) all = hn::Add(all, sums[i]);
  *sink = hn::GetLane(all);
  return static_cast<double>(count * Dot::group) * static_cast<double>(hn::Lanes(d)) * static_cast<double>(rounds);
}

template <class Dot>
IntegerTiles made_of() {
  IntegerTiles tiles{};
  tiles.lanes = lanes_of_sums;
  tiles.vectors = panel_vectors;
  tiles.group = Dot::group;
  fill_all<Dot, panel_vectors>(tiles);
  tiles.finish = finish;
  tiles.copy = copy<Dot::group>;
  tiles.copy_apart = copy_apart<Dot::group>;
  tiles.sum = sum<Dot::group>;
  tiles.start = start;
  tiles.add = add;
  tiles.multiply_add = multiply_add<Dot>;
  return tiles;
}

// `fours`: a bit for each kind of vpdpbusd that may be used, of 64 bytes and of 32.
const IntegerTiles* tiles(int fours) {
#if RESNET_HAS_FOURS
  if ((fours & (HWY_TARGET == HWY_AVX3 ? 1 : 2)) != 0) {
    static const IntegerTiles by_fours = made_of<Fours>();
    return &by_fours;
  }
#endif
  static_cast<void>(fours);
  static const IntegerTiles by_pairs = made_of<Pairs>();
  return &by_pairs;
}

}  // namespace
}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace resnet::kernels {

HWY_EXPORT(tiles);

namespace {

std::atomic<bool> byte_products_allowed = true;

int byte_products() {
#if defined(__x86_64__)
  static const int found = [] {
    unsigned a = 0, b = 0, c = 0, d = 0, a1 = 0, b1 = 0, c1 = 0, d1 = 0;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return 0;
    if (a == 0 || __get_cpuid_count(7, 1, &a1, &b1, &c1, &d1) == 0) a1 = 0;
    // AVX512_VNNI, AVX_VNNI. Whether the system saves the registers is known of the target that is in use.
    return static_cast<int>(((c >> 11) & 1) | ((a1 >> 4) & 1) << 1);
  }();
  return found;
#else
  return 0;
#endif
}

}  // namespace

const IntegerTiles& integer_tiles() {
  int fours = byte_products_allowed ? byte_products() : 0;
  // That of 32 bytes is not AVX2's.
  if (instruction_set_cap()) fours &= 1;
  return *HWY_DYNAMIC_DISPATCH(tiles)(fours);
}

void allow_byte_products(bool allowed) { byte_products_allowed = allowed; }

}  // namespace resnet::kernels
#endif

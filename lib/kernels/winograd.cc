#include "lib/kernels/winograd.h"

#include <algorithm>

#include "lib/kernels/caches.h"
#include "lib/kernels/targets.h"
#include "lib/kernels/winograd_block.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/winograd.cc"
#include <hwy/foreach_target.h>
#include "lib/kernels/registers-inl.h"
#include "lib/kernels/winograd_tiles-inl.h"
#include "lib/kernels/winograd_transforms-inl.h"

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {

namespace {

constexpr std::int64_t most_depth = 256;  // channels of a panel of the filter that stay in the first-level cache

// Where the parts of a packed filter are: places x panels x channels x panel_width, the bias, zeros for pixels that are outside.
struct Sizes {
  std::int64_t panels, panel, place;  // count; floats of a panel and of a place
};
Sizes sizes_of(const WinogradFilter& f) {
  const auto width = static_cast<std::int64_t>(panel_width());
  const std::int64_t panels = (f.outputs + width - 1) / width, panel = f.channels * width;
  return {panels, panel, panels * panel};
}

struct Packed : Sizes {
  const float *filter, *bias, *zeros;
};
Packed parts_of(const WinogradFilter& f, const float* packed) {
  Packed p{sizes_of(f), packed, nullptr, nullptr};
  p.bias = packed + f.places() * p.place;
  p.zeros = p.bias + p.panels * static_cast<std::int64_t>(panel_width());
  return p;
}

std::size_t packed_floats(const WinogradFilter& f) {
  const Sizes s = sizes_of(f);
  return static_cast<std::size_t>(f.places() * s.place + s.panels * static_cast<std::int64_t>(panel_width()) + f.channels);
}

template <int tile, int stride>
void pack_panels(const WinogradFilter& f, const float* weights, float* packed) {
  constexpr int side = tile + 2;
  const Tag d;
  const std::size_t lanes = hn::Lanes(d);
  const auto width = static_cast<std::int64_t>(2 * lanes);
  const Packed p = parts_of(f, packed);
  HWY_ALIGN float taps[9 * HWY_LANES(float)];
  for (std::int64_t panel = 0; panel < p.panels; ++panel) {
    for (std::int64_t c = 0; c < f.channels; ++c) {
      for (std::size_t half = 0; half < 2; ++half) {
        const std::int64_t first = panel * width + static_cast<std::int64_t>(half * lanes);
        for (std::size_t lane = 0; lane < lanes; ++lane) {
          const std::int64_t o = first + static_cast<std::int64_t>(lane);
          for (std::int64_t k = 0; k < 9; ++k)
            taps[static_cast<std::size_t>(k) * lanes + lane] = o < f.outputs ? weights[(o * 9 + k) * f.channels + c] : 0.0f;
        }
        Vector columns[3][side];  // the transformed columns
        RESNET_UNROLL for (int j = 0; j < 3; ++j) {
          Vector g[3];
          RESNET_UNROLL for (int i = 0; i < 3; ++i) g[i] = hn::Load(d, taps + static_cast<std::size_t>(i * 3 + j) * lanes);
          Taps<tile, stride>::transform(g, columns[j]);
        }
        float* to = packed + panel * p.panel + c * width + static_cast<std::int64_t>(half * lanes);
        RESNET_UNROLL for (int i = 0; i < side; ++i) {
          const Vector g[3] = {columns[0][i], columns[1][i], columns[2][i]};
          Vector row[side];
          Taps<tile, stride>::transform(g, row);
          RESNET_UNROLL for (int j = 0; j < side; ++j) hn::StoreU(row[j], d, to + (i * side + j) * p.place);
        }
      }
    }
  }
}

void pack(const WinogradFilter& f, const float* weights, float* packed) {
  if (f.tile == 2) return pack_panels<2, 1>(f, weights, packed);
  f.stride == 2 ? pack_panels<4, 2>(f, weights, packed) : pack_panels<4, 1>(f, weights, packed);
}

void block_input(const Winograd& w, const WinogradBlock& block, const float* x, const float* packed, float* input,
                 std::size_t begin, std::size_t end) {
  input_tiles(w, block, x, parts_of(w.filter, packed).zeros, input, begin, end);
}

// `rows` values of a place by a panel of outputs, on top of what the sums hold already where this is not the first run of
// channels.
template <int rows, bool ahead>
HWY_NOINLINE void multiply(const float* input, std::int64_t input_row, const float* panel, std::int64_t depth, float* sums,
                           std::int64_t sums_row, bool is_first, Prefetch prefetch) {
  const Tag d;
  const std::size_t lanes = hn::Lanes(d);
  Vector low[rows], high[rows];
  RESNET_UNROLL for (int r = 0; r < rows; ++r) {
    low[r] = is_first ? hn::Zero(d) : hn::LoadU(d, sums + r * sums_row);
    high[r] = is_first ? hn::Zero(d) : hn::LoadU(d, sums + r * sums_row + lanes);
  }
  const float* a[rows];
  RESNET_UNROLL for (int r = 0; r < rows; ++r) a[r] = input + r * input_row;
  for (std::int64_t k = 0; k < depth; ++k, panel += 2 * lanes) {
    prefetch_row(panel);
    if (ahead) prefetch.next();
    const Vector b_low = hn::LoadU(d, panel), b_high = hn::LoadU(d, panel + lanes);
    RESNET_UNROLL for (int r = 0; r < rows; ++r) {
      const Vector value = hn::Set(d, a[r][k]);
      low[r] = hn::MulAdd(value, b_low, low[r]);
      high[r] = hn::MulAdd(value, b_high, high[r]);
    }
  }
  RESNET_UNROLL for (int r = 0; r < rows; ++r) {
    hn::StoreU(low[r], d, sums + r * sums_row);
    hn::StoreU(high[r], d, sums + r * sums_row + lanes);
  }
}

using Multiply = void (*)(const float*, std::int64_t, const float*, std::int64_t, float*, std::int64_t, bool, Prefetch);
template <int rows>
constexpr void fill(Multiply (*table)[2]) {
  table[rows][0] = multiply<rows, false>;
  table[rows][1] = multiply<rows, true>;
  if constexpr (rows > 1) fill<rows - 1>(table);
}

// Products [begin, end) of a block: of each place, one per panel.
void multiply_panels(const Winograd& w, const WinogradBlock& block, const float* packed, const float* input, float* products,
                     std::size_t begin, std::size_t end) {
  Multiply table[most_rows + 1][2] = {};
  fill<most_rows>(table);
  const auto width = static_cast<std::int64_t>(panel_width());
  const Packed p = parts_of(w.filter, packed);
  const std::int64_t channels = w.filter.channels, row = block.layout.output_row;
  for (auto item = static_cast<std::int64_t>(begin); item < static_cast<std::int64_t>(end); ++item) {
    const std::int64_t place = item / p.panels, index = item % p.panels;
    const std::int64_t rows = block.rows[place], runs = (rows + most_rows - 1) / most_rows;
    const float* panel = p.filter + place * p.place + index * p.panel;
    const float* from = input + block.layout.input[static_cast<std::size_t>(place)];
    float* to = products + block.layout.output[static_cast<std::size_t>(place)] + index * width;
    for (std::int64_t k = 0; k < channels; k += most_depth) {
      const std::int64_t depth = std::min(most_depth, channels - k);
      for (std::int64_t run = 0; run < runs; ++run) {  // of nearly equal height
        const std::int64_t first = rows * run / runs, last = rows * (run + 1) / runs;
        table[last - first][runs <= Prefetch::most_runs](from + first * channels + k, channels, panel + k * width, depth,
                                                         to + first * row, row, k == 0,
                                                         Prefetch(panel + k * width, depth * width, run, runs));
      }
    }
  }
}

void block_output(const Winograd& w, const WinogradBlock& block, const float* packed, const float* products, const float* addend,
                  float* y, std::size_t begin, std::size_t end) {
  output_tiles(w, block, parts_of(w.filter, packed).bias, products, addend, y, begin, end);
}

}  // namespace
}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace resnet::kernels {

HWY_EXPORT(panel_width);
HWY_EXPORT(packed_floats);
HWY_EXPORT(pack);
HWY_EXPORT(block_input);
HWY_EXPORT(multiply_panels);
HWY_EXPORT(block_output);

namespace {

constexpr std::int64_t shared_bytes = 8 << 20;  // of the scratch of a block that all threads share
constexpr std::int64_t fewest_tiles = 12;       // of a block
// A filter that each thread reads from beyond its own caches, for each of its blocks of so many tiles: less would wait for
// memory.
constexpr std::int64_t streamed_filter_bytes = 3 << 20, fewest_tiles_of_stream = 28;
// What threads may read of a filter more than once, all together, and still be ready before they had waited for each other.
constexpr std::int64_t bytes_for_a_barrier = 3 << 18;

std::int64_t width_of_panel() { return static_cast<std::int64_t>(HWY_DYNAMIC_DISPATCH(panel_width)()); }
std::int64_t panels_of(const WinogradFilter& filter) { return (filter.outputs + width_of_panel() - 1) / width_of_panel(); }

// Of a block of so many tiles, none of which is smaller than the others.
WinogradLayout largest_layout(const WinogradFilter& filter, std::int64_t tiles) {
  WinogradRows rows(filter);
  rows.add(filter.tile, filter.tile, tiles);
  return {filter, rows, width_of_panel()};
}

// One run of a convolution: what its loops share.
struct Job {
  const Winograd& w;
  const WinogradCut& cut;
  const float *x, *packed, *addend;
  float *y, *scratch;
  WinogradLayout largest = largest_layout(w.filter, cut.tiles_of_block);
  std::size_t products = static_cast<std::size_t>(w.filter.places() * panels_of(w.filter));

  float* input_of(std::size_t thread) const {
    return scratch + static_cast<std::int64_t>(thread) * (largest.input_size + largest.output_size);
  }
  float* products_of(std::size_t thread) const { return input_of(thread) + largest.input_size; }
  WinogradBlock block_at(std::int64_t index) const {
    const std::int64_t tiles = w.tiles(), first = tiles * index / cut.blocks;
    return {w, first, tiles * (index + 1) / cut.blocks - first, width_of_panel()};
  }

  // The three steps of a block: of its tiles, of its products, and of its tiles again.
  void input(const WinogradBlock& block, std::size_t thread, std::size_t begin, std::size_t end) const {
    HWY_DYNAMIC_DISPATCH(block_input)(w, block, x, packed, input_of(thread), begin, end);
  }
  void multiply(const WinogradBlock& block, std::size_t thread, std::size_t begin, std::size_t end) const {
    HWY_DYNAMIC_DISPATCH(multiply_panels)(w, block, packed, input_of(thread), products_of(thread), begin, end);
  }
  void output(const WinogradBlock& block, std::size_t thread, std::size_t begin, std::size_t end) const {
    HWY_DYNAMIC_DISPATCH(block_output)(w, block, packed, products_of(thread), addend, y, begin, end);
  }

  void by_one_thread(std::int64_t index, std::size_t thread) const {
    const WinogradBlock block = block_at(index);
    const auto tiles = static_cast<std::size_t>(block.tiles);
    input(block, thread, 0, tiles);
    multiply(block, thread, 0, products);
    output(block, thread, 0, tiles);
  }

  void by_all_threads(std::int64_t index, ThreadPool& pool) const {
    const WinogradBlock block = block_at(index);
    const auto tiles = static_cast<std::size_t>(block.tiles);
    const std::size_t grain = std::max<std::size_t>(tiles / (4 * pool.threads()), 1);
    pool.parallel_for(tiles, grain, [&](std::size_t begin, std::size_t end) { input(block, 0, begin, end); });
    pool.parallel_for(products, 1, [&](std::size_t begin, std::size_t end) { multiply(block, 0, begin, end); });
    pool.parallel_for(tiles, grain, [&](std::size_t begin, std::size_t end) { output(block, 0, begin, end); });
  }
};

}  // namespace

std::size_t packed_size(const WinogradFilter& filter) { return HWY_DYNAMIC_DISPATCH(packed_floats)(filter); }

void pack_winograd(const WinogradFilter& filter, const float* weights, const float* bias, float* packed) {
  const auto width = static_cast<std::int64_t>(HWY_DYNAMIC_DISPATCH(panel_width)());
  const std::int64_t panels = panels_of(filter), padded_outputs = panels * width;
  HWY_DYNAMIC_DISPATCH(pack)(filter, weights, packed);
  float* rest = packed + filter.places() * panels * width * filter.channels;
  for (std::int64_t o = 0; o < padded_outputs; ++o) *rest++ = bias != nullptr && o < filter.outputs ? bias[o] : 0.0f;
  std::fill_n(rest, filter.channels, 0.0f);
}

WinogradCut cut(const Winograd& w, std::size_t threads) {
  const std::int64_t tiles = std::max<std::int64_t>(w.tiles(), 1);
  const std::int64_t filter_bytes = w.filter.places() * w.filter.channels * w.filter.outputs * 4;
  const std::int64_t tile_bytes = std::max<std::int64_t>(w.values() / tiles, 1) * (w.filter.channels + w.filter.outputs) * 4;
  WinogradCut cut;
  const auto all = static_cast<std::int64_t>(threads);
  const bool stays = filter_bytes <= second_level_cache() * 3 / 2 &&
                     (tiles >= all * fewest_tiles || (all - 1) * filter_bytes <= bytes_for_a_barrier);
  cut.alone = stays || (filter_bytes <= streamed_filter_bytes && tiles >= all * fewest_tiles_of_stream);
  const std::int64_t fitting = (cut.alone ? second_level_cache() / 2 : shared_bytes) / tile_bytes;
  const std::int64_t most = std::max(fitting, cut.alone && !stays ? fewest_tiles_of_stream : fewest_tiles);
  cut.blocks = (tiles + most - 1) / most;
  if (cut.alone) cut.blocks = std::min((cut.blocks + all - 1) / all * all, tiles);  // as many for each thread
  cut.tiles_of_block = (tiles + cut.blocks - 1) / cut.blocks;
  const WinogradLayout layout = largest_layout(w.filter, cut.tiles_of_block);
  cut.scratch = static_cast<std::size_t>(layout.input_size + layout.output_size) * (cut.alone ? threads : 1);
  return cut;
}

void convolve(const Winograd& winograd, const WinogradCut& cut, const float* x, const float* packed, const float* addend,
              float* y, float* scratch, ThreadPool& pool) {
  if (winograd.tiles() == 0) return;
  const Job job{winograd, cut, x, packed, addend, y, scratch};
  if (cut.alone) {
    pool.parallel_for_each(static_cast<std::size_t>(cut.blocks), [&job](std::size_t block, std::size_t thread) {
      job.by_one_thread(static_cast<std::int64_t>(block), thread);
    });
    return;
  }
  for (std::int64_t block = 0; block < cut.blocks; ++block) job.by_all_threads(block, pool);
}

}  // namespace resnet::kernels
#endif

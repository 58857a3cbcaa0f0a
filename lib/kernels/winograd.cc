#include "lib/kernels/winograd.h"

#include <algorithm>
#include <cstring>

#include "lib/kernels/caches.h"
#include "lib/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/winograd.cc"
#include <hwy/foreach_target.h>
#include "lib/kernels/bounds-inl.h"
#include "lib/kernels/registers-inl.h"
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

template <int tile>
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
          Transform<tile>::filter(g, columns[j]);
        }
        float* to = packed + panel * p.panel + c * width + static_cast<std::int64_t>(half * lanes);
        RESNET_UNROLL for (int i = 0; i < side; ++i) {
          const Vector g[3] = {columns[0][i], columns[1][i], columns[2][i]};
          Vector row[side];
          Transform<tile>::filter(g, row);
          RESNET_UNROLL for (int j = 0; j < side; ++j) hn::StoreU(row[j], d, to + (i * side + j) * p.place);
        }
      }
    }
  }
}

void pack(const WinogradFilter& f, const float* weights, float* packed) {
  f.tile == 2 ? pack_panels<2>(f, weights, packed) : pack_panels<4>(f, weights, packed);
}

// The places of a block stand far enough apart that they do not all fall on the same lines of a cache.
std::int64_t padded(std::int64_t floats) {
  const std::int64_t line = 16, lines = (floats + line - 1) / line;
  return (lines | 1) * line;
}

// What a block of tiles is worked on in: the transformed input, places x tiles x channels, and the products, places x tiles x
// outputs (of whole panels).
struct Scratch {
  std::int64_t input_place, row, output_place;
};
Scratch scratch_of(const Winograd& w, std::int64_t tiles) {
  const auto width = static_cast<std::int64_t>(panel_width());
  const std::int64_t row = (w.filter.outputs + width - 1) / width * width;
  return {padded(tiles * w.filter.channels), row, padded(tiles * row)};
}

struct TileAt {
  std::int64_t image, down, across;  // its place among the image's tiles
};
TileAt tile_at(const Winograd& w, std::int64_t index) {
  const std::int64_t wide = w.tiles_wide(), per_image = w.tiles_high() * wide;
  return {index / per_image, index % per_image / wide, index % wide};
}

// Tiles [begin, end) of the block that begins with tile `first`.
template <int tile>
void transform_input(const Winograd& w, const float* x, const float* zeros, std::int64_t first, std::int64_t tiles, float* input,
                     std::size_t begin, std::size_t end) {
  constexpr int side = tile + 2;
  const Tag d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const std::int64_t channels = w.filter.channels, place = scratch_of(w, tiles).input_place;
  for (auto t = static_cast<std::int64_t>(begin); t < static_cast<std::int64_t>(end); ++t) {
    const TileAt at = tile_at(w, first + t);
    const std::int64_t top = at.down * tile - w.pad_top, left = at.across * tile - w.pad_left;
    const float* image = x + at.image * w.height * w.width * channels;
    const float* pixels[side][side];
    for (int i = 0; i < side; ++i) {
      const bool in_rows = top + i >= 0 && top + i < w.height;
      for (int j = 0; j < side; ++j) {
        const bool inside = in_rows && left + j >= 0 && left + j < w.width;
        pixels[i][j] = inside ? image + ((top + i) * w.width + left + j) * channels : zeros;
      }
    }
    float* to = input + t * channels;
    for (std::int64_t c = 0; c < channels; c += lanes) {
      const auto count = static_cast<std::size_t>(std::min(lanes, channels - c));
      Vector columns[side][side];  // of the transformed columns
      RESNET_UNROLL for (int j = 0; j < side; ++j) {
        Vector pixel[side];
        RESNET_UNROLL for (int i = 0; i < side; ++i) pixel[i] = load(pixels[i][j] + c, count);
        Transform<tile>::input(pixel, columns[j]);
      }
      RESNET_UNROLL for (int i = 0; i < side; ++i) {
        Vector line[side], row[side];
        RESNET_UNROLL for (int j = 0; j < side; ++j) line[j] = columns[j][i];
        Transform<tile>::input(line, row);
        RESNET_UNROLL for (int j = 0; j < side; ++j) store(row[j], to + (i * side + j) * place + c, count);
      }
    }
  }
}

void input_tiles(const Winograd& w, const float* x, const float* packed, std::int64_t first, std::int64_t tiles, float* input,
                 std::size_t begin, std::size_t end) {
  const float* zeros = parts_of(w.filter, packed).zeros;
  w.filter.tile == 2 ? transform_input<2>(w, x, zeros, first, tiles, input, begin, end)
                     : transform_input<4>(w, x, zeros, first, tiles, input, begin, end);
}

// `rows` tiles by a panel of outputs, on top of what the sums hold already where this is not the first run of channels.
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
void multiply_panels(const Winograd& w, const float* packed, std::int64_t tiles, const float* input, float* sums,
                     std::size_t begin, std::size_t end) {
  Multiply table[most_rows + 1][2] = {};
  fill<most_rows>(table);
  const auto width = static_cast<std::int64_t>(panel_width());
  const Packed p = parts_of(w.filter, packed);
  const Scratch s = scratch_of(w, tiles);
  const std::int64_t channels = w.filter.channels, runs = (tiles + most_rows - 1) / most_rows;
  for (auto item = static_cast<std::int64_t>(begin); item < static_cast<std::int64_t>(end); ++item) {
    const std::int64_t place = item / p.panels, index = item % p.panels;
    const float* panel = p.filter + place * p.place + index * p.panel;
    const float* from = input + place * s.input_place;
    float* to = sums + place * s.output_place + index * width;
    for (std::int64_t k = 0; k < channels; k += most_depth) {
      const std::int64_t depth = std::min(most_depth, channels - k);
      for (std::int64_t run = 0; run < runs; ++run) {  // of nearly equal height
        const std::int64_t row = tiles * run / runs, last = tiles * (run + 1) / runs;
        table[last - row][runs <= Prefetch::most_runs](from + row * channels + k, channels, panel + k * width, depth,
                                                       to + row * s.row, s.row, k == 0,
                                                       Prefetch(panel + k * width, depth * width, run, runs));
      }
    }
  }
}

// Tiles [begin, end) of the block.
template <int tile>
void transform_output(const Winograd& w, const float* bias, std::int64_t first, std::int64_t tiles, const float* sums,
                      const float* addend, float* y, std::size_t begin, std::size_t end) {
  constexpr int side = tile + 2;
  const Tag d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const std::int64_t outputs = w.filter.outputs;
  const Scratch s = scratch_of(w, tiles);
  const Vector least = hn::Set(d, w.least), most = hn::Set(d, w.most);
  for (auto t = static_cast<std::int64_t>(begin); t < static_cast<std::int64_t>(end); ++t) {
    const TileAt at = tile_at(w, first + t);
    const std::int64_t top = at.down * tile, left = at.across * tile;
    const std::int64_t high = std::min<std::int64_t>(tile, w.out_height - top),
                       wide = std::min<std::int64_t>(tile, w.out_width - left);
    const std::int64_t corner = ((at.image * w.out_height + top) * w.out_width + left) * outputs;
    const float* from = sums + t * s.row;
    for (std::int64_t o = 0; o < outputs; o += lanes) {
      const auto count = static_cast<std::size_t>(std::min(lanes, outputs - o));
      Vector columns[side][tile];
      RESNET_UNROLL for (int j = 0; j < side; ++j) {
        Vector sum[side];
        RESNET_UNROLL for (int i = 0; i < side; ++i) sum[i] = hn::LoadU(d, from + (i * side + j) * s.output_place + o);
        Transform<tile>::output(sum, columns[j]);
      }
      const Vector shift = hn::LoadU(d, bias + o);
      RESNET_UNROLL for (int i = 0; i < tile; ++i) {
        if (i >= high) continue;
        Vector line[side], row[tile];
        RESNET_UNROLL for (int j = 0; j < side; ++j) line[j] = columns[j][i];
        Transform<tile>::output(line, row);
        RESNET_UNROLL for (int j = 0; j < tile; ++j) {
          if (j >= wide) continue;
          const std::int64_t target = corner + (i * w.out_width + j) * outputs + o;
          Vector value = hn::Add(row[j], shift);
          if (addend != nullptr) value = hn::Add(value, load(addend + target, count));
          store(between(least, value, most), y + target, count);
        }
      }
    }
    for (std::int64_t i = 0; i < high && w.finish; ++i) {
      const auto row = static_cast<std::size_t>(corner + i * w.out_width * outputs);
      w.finish.apply(y, row, row + static_cast<std::size_t>(wide * outputs));
    }
  }
}

void output_tiles(const Winograd& w, const float* packed, std::int64_t first, std::int64_t tiles, const float* sums,
                  const float* addend, float* y, std::size_t begin, std::size_t end) {
  const float* bias = parts_of(w.filter, packed).bias;
  w.filter.tile == 2 ? transform_output<2>(w, bias, first, tiles, sums, addend, y, begin, end)
                     : transform_output<4>(w, bias, first, tiles, sums, addend, y, begin, end);
}

std::size_t input_floats(const Winograd& w, std::int64_t tiles) {
  return static_cast<std::size_t>(w.filter.places() * scratch_of(w, tiles).input_place);
}
std::size_t sums_floats(const Winograd& w, std::int64_t tiles) {
  return static_cast<std::size_t>(w.filter.places() * scratch_of(w, tiles).output_place);
}

}  // namespace
}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace resnet::kernels {

HWY_EXPORT(panel_width);
HWY_EXPORT(packed_floats);
HWY_EXPORT(pack);
HWY_EXPORT(input_tiles);
HWY_EXPORT(multiply_panels);
HWY_EXPORT(output_tiles);
HWY_EXPORT(input_floats);
HWY_EXPORT(sums_floats);

namespace {

constexpr std::int64_t shared_bytes = 8 << 20;  // of the scratch of a block that all threads share
constexpr std::int64_t fewest_tiles = 12;       // of a block
// A filter that each thread reads from beyond its own caches, for each of its blocks of so many tiles: less would wait for
// memory.
constexpr std::int64_t streamed_filter_bytes = 3 << 20, fewest_tiles_of_stream = 28;
// What threads may read of a filter more than once, all together, and still be ready before they had waited for each other.
constexpr std::int64_t bytes_for_a_barrier = 3 << 18;

std::int64_t panels_of(const WinogradFilter& filter) {
  const auto width = static_cast<std::int64_t>(HWY_DYNAMIC_DISPATCH(panel_width)());
  return (filter.outputs + width - 1) / width;
}

// One run of a convolution: what its loops share.
struct Job {
  const Winograd& w;
  const WinogradCut& cut;
  const float *x, *packed, *addend;
  float *y, *scratch;
  std::int64_t tiles = w.tiles();
  std::size_t input_size = HWY_DYNAMIC_DISPATCH(input_floats)(w, cut.tiles_of_block),
              sums_size = HWY_DYNAMIC_DISPATCH(sums_floats)(w, cut.tiles_of_block);
  std::size_t products = static_cast<std::size_t>(w.filter.places() * panels_of(w.filter));
  std::int64_t first = 0, count = 0;  // of the block that all threads share

  float* input(std::size_t thread) const { return scratch + thread * (input_size + sums_size); }
  float* sums(std::size_t thread) const { return input(thread) + input_size; }

  void block_alone(std::int64_t block, std::size_t thread) const {
    const std::int64_t begin = tiles * block / cut.blocks, size = tiles * (block + 1) / cut.blocks - begin;
    const auto n = static_cast<std::size_t>(size);
    HWY_DYNAMIC_DISPATCH(input_tiles)(w, x, packed, begin, size, input(thread), 0, n);
    HWY_DYNAMIC_DISPATCH(multiply_panels)(w, packed, size, input(thread), sums(thread), 0, products);
    HWY_DYNAMIC_DISPATCH(output_tiles)(w, packed, begin, size, sums(thread), addend, y, 0, n);
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
  const std::int64_t tile_bytes = w.filter.places() * (w.filter.channels + w.filter.outputs) * 4;
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
  const std::size_t one =
      HWY_DYNAMIC_DISPATCH(input_floats)(w, cut.tiles_of_block) + HWY_DYNAMIC_DISPATCH(sums_floats)(w, cut.tiles_of_block);
  cut.scratch = one * (cut.alone ? threads : 1);
  return cut;
}

void convolve(const Winograd& winograd, const WinogradCut& cut, const float* x, const float* packed, const float* addend,
              float* y, float* scratch, ThreadPool& pool) {
  Job job{winograd, cut, x, packed, addend, y, scratch};
  if (job.tiles == 0) return;
  if (cut.alone) {
    pool.parallel_for_each(static_cast<std::size_t>(cut.blocks), [&job](std::size_t block, std::size_t thread) {
      job.block_alone(static_cast<std::int64_t>(block), thread);
    });
    return;
  }
  for (std::int64_t block = 0; block < cut.blocks; ++block) {
    job.first = job.tiles * block / cut.blocks;
    job.count = job.tiles * (block + 1) / cut.blocks - job.first;
    const auto count = static_cast<std::size_t>(job.count);
    const std::size_t grain = std::max<std::size_t>(count / (4 * pool.threads()), 1);
    pool.parallel_for(count, grain, [&job](std::size_t begin, std::size_t end) {
      HWY_DYNAMIC_DISPATCH(input_tiles)(job.w, job.x, job.packed, job.first, job.count, job.input(0), begin, end);
    });
    pool.parallel_for(job.products, 1, [&job](std::size_t begin, std::size_t end) {
      HWY_DYNAMIC_DISPATCH(multiply_panels)(job.w, job.packed, job.count, job.input(0), job.sums(0), begin, end);
    });
    pool.parallel_for(count, grain, [&job](std::size_t begin, std::size_t end) {
      HWY_DYNAMIC_DISPATCH(output_tiles)(job.w, job.packed, job.first, job.count, job.sums(0), job.addend, job.y, begin, end);
    });
  }
}

}  // namespace resnet::kernels
#endif

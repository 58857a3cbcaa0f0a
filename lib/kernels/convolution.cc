#include "lib/kernels/convolution.h"

#include <algorithm>
#include <cstring>

#include "lib/kernels/caches.h"
#include "lib/kernels/grouped_convolution.h"
#include "lib/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/convolution.cc"
#include <hwy/foreach_target.h>
#include "lib/kernels/bounds-inl.h"
#include "lib/kernels/registers-inl.h"
#include "lib/kernels/windows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {

namespace {

// Bytes of a panel's block, where a panel is cut: with the pixels beside it, less than the first-level cache of any machine.
constexpr std::int64_t block_bytes = 32 * 1024;
// Bytes of the input's pixels that a part works on.
constexpr std::int64_t part_bytes = 1024 * 1024;
constexpr std::int64_t most_rows_of_a_part = 256;

// A run of the filter's taps (all channels), or of one tap's channels.
struct Block {
  std::int64_t first_tap, last_tap, first_channel, last_channel;
};

struct Panel {
  const float* weights;       // of the panel: a bias, then taps x channels rows
  std::int64_t first, count;  // its output channels
};

// Rows of the tile times the block, on top of what y holds already (or the bias). In one piece, so that the compiler keeps the
// sums in registers from the first line to the last.
template <int rows, bool ahead>
HWY_NOINLINE void multiply(const Convolution& c, const Window* windows, const Panel& panel, const Block& block,
                           const float* zeros, const float* addend, float* y, bool is_first, bool is_last, Prefetch prefetch) {
  const Tag d;
  const std::size_t lanes = hn::Lanes(d);
  const std::int64_t outputs = c.filter.outputs, width = static_cast<std::int64_t>(2 * lanes);
  const bool whole = panel.count == width;
  HWY_ALIGN float edge[2 * HWY_LANES(float)];
  Vector low[rows], high[rows];
  if (is_first) {
    const Vector bias_low = hn::Load(d, panel.weights), bias_high = hn::Load(d, panel.weights + lanes);
    RESNET_UNROLL for (int r = 0; r < rows; ++r) {
      low[r] = bias_low;
      high[r] = bias_high;
    }
  } else {
    RESNET_UNROLL for (int r = 0; r < rows; ++r) {
      const float* from = y + r * outputs;
      if (!whole) {
        std::memcpy(edge, from, static_cast<std::size_t>(panel.count) * sizeof(float));
        from = edge;
      }
      low[r] = hn::LoadU(d, from);
      high[r] = hn::LoadU(d, from + lanes);
    }
  }
  const std::int64_t count = block.last_channel - block.first_channel;
  const float* b = panel.weights + width + (block.first_tap * c.filter.channels + block.first_channel) * width;
  // Where no window leaves the image, every tap is as far from a window's beginning in all of them.
  bool inside = true;
  RESNET_UNROLL for (int r = 0; r < rows; ++r) inside &= windows[r].inside;
  const float* a[rows] = {};
  if (inside) {
    RESNET_UNROLL for (int r = 0; r < rows; ++r) {
      a[r] = windows[r].image + (windows[r].top * c.width + windows[r].left) * c.pixel_stride + block.first_channel;
    }
  }
  for (std::int64_t tap = block.first_tap; tap < block.last_tap; ++tap) {
    const std::int64_t down = tap / c.filter.taps_wide * c.dilation_high, across = tap % c.filter.taps_wide * c.dilation_wide;
    if (!inside) {
      RESNET_UNROLL for (int r = 0; r < rows; ++r) {
        const std::int64_t i = windows[r].top + down, j = windows[r].left + across;
        const bool there = i >= 0 && i < c.height && j >= 0 && j < c.width;
        a[r] = there ? windows[r].image + (i * c.width + j) * c.pixel_stride + block.first_channel : zeros;
      }
    }
    std::int64_t k = inside ? (down * c.width + across) * c.pixel_stride : 0;
    const std::int64_t end = k + count;
    const auto step = [&]() HWY_ATTR {
      prefetch_row(b);
      if (ahead) prefetch.next();
      const Vector b_low = hn::Load(d, b), b_high = hn::Load(d, b + lanes);
      RESNET_UNROLL for (int r = 0; r < rows; ++r) {
        const Vector pixel = hn::Set(d, a[r][k]);
        low[r] = hn::MulAdd(pixel, b_low, low[r]);
        high[r] = hn::MulAdd(pixel, b_high, high[r]);
      }
      ++k;
      b += width;
    };
    if (is_last && tap + 1 == block.last_tap) {
      // What the last lines below need comes from memory meanwhile: a row at a time, for few lines can be waited for at once.
      for (int r = 0; r < rows && k < end; ++r) {
        __builtin_prefetch(y + r * outputs, 1);
        __builtin_prefetch(y + r * outputs + lanes, 1);
        if (addend != nullptr) {
          __builtin_prefetch(addend + r * outputs);
          __builtin_prefetch(addend + r * outputs + lanes);
        }
        step();
      }
    }
    while (k < end) step();
  }
  const Vector least = hn::Set(d, c.least), most = hn::Set(d, c.most);
  RESNET_UNROLL for (int r = 0; r < rows; ++r) {
    float* to = y + r * outputs;
    if (is_last) {
      if (addend != nullptr) {
        const float* other = addend + r * outputs;
        if (!whole) {
          std::memcpy(edge, other, static_cast<std::size_t>(panel.count) * sizeof(float));
          other = edge;
        }
        low[r] = hn::Add(low[r], hn::LoadU(d, other));
        high[r] = hn::Add(high[r], hn::LoadU(d, other + lanes));
      }
      low[r] = between(least, low[r], most);
      high[r] = between(least, high[r], most);
    }
    if (whole) {
      hn::StoreU(low[r], d, to);
      hn::StoreU(high[r], d, to + lanes);
    } else {
      hn::Store(low[r], d, edge);
      hn::Store(high[r], d, edge + lanes);
      std::memcpy(to, edge, static_cast<std::size_t>(panel.count) * sizeof(float));
    }
  }
}

using Multiply = void (*)(const Convolution&, const Window*, const Panel&, const Block&, const float*, const float*, float*, bool,
                          bool, Prefetch);

template <int rows>
constexpr void fill(Multiply (*table)[2]) {
  table[rows][0] = multiply<rows, false>;
  table[rows][1] = multiply<rows, true>;
  if constexpr (rows > 1) fill<rows - 1>(table);
}

std::int64_t panels_of(const Convolution& c) { return divide_up(c.filter.outputs, static_cast<std::int64_t>(panel_width())); }

// How many output pixels a part has; parts of one panel each follow one another, so that a thread keeps its pixels. Where a part
// of those that fit in the caches by each panel would not be enough for the threads, fewer.
std::int64_t rows_of_part(const Convolution& c) {
  // Of the pixels that a stride skips only those that the taps see.
  const std::int64_t seen = std::min(c.stride_high, c.filter.taps_high) * std::min(c.stride_wide, c.filter.taps_wide);
  const std::int64_t pixel = std::max<std::int64_t>(c.filter.channels * seen * 4, 1);
  const std::int64_t fitting = std::clamp<std::int64_t>(part_bytes / pixel, most_rows, most_rows_of_a_part);
  const std::int64_t rows = std::max<std::int64_t>(c.batch * c.out_height * c.out_width, 1);
  const std::int64_t for_threads = std::min(divide_up(rows, most_rows), divide_up(fewest_parts(c), panels_of(c)));
  return divide_up(rows, std::max(divide_up(rows, fitting), for_threads));  // no part much smaller than the others
}

// Whether a panel is cut into blocks that stay in the first-level cache while all of a part's pixels pass by: it would not stay
// in the second-level cache, which it can be read from fast enough.
bool is_cut(const Convolution& c) {
  return (1 + c.filter.taps() * c.filter.channels) * static_cast<std::int64_t>(panel_width()) * 4 > second_level_cache() / 3;
}

// How many panels a part takes: those that stay in the second-level cache while the part's pixels pass by, a tile after the
// other.
std::int64_t panels_of_part(const Convolution& c) {
  if (is_cut(c)) return 1;
  const std::int64_t panel = (1 + c.filter.taps() * c.filter.channels) * static_cast<std::int64_t>(panel_width()) * 4;
  const std::int64_t fitting = std::max<std::int64_t>(second_level_cache() / 2 / panel, 1), panels = panels_of(c);
  const std::int64_t rows = divide_up(std::max<std::int64_t>(c.batch * c.out_height * c.out_width, 1), rows_of_part(c));
  return std::min(fitting, divide_up(panels, divide_up(fewest_parts(c), rows)));
}

std::size_t parts(const Convolution& c) {
  const std::int64_t rows = c.batch * c.out_height * c.out_width;
  return static_cast<std::size_t>(divide_up(rows, rows_of_part(c)) * divide_up(panels_of(c), panels_of_part(c)));
}

// What the multiplications of a part share: some rows (output pixels) by some panels, in tiles of nearly equal height.
struct Part {
  const Convolution& c;
  const float *x, *packed, *zeros, *addend;
  float* y;
  const Multiply (*table)[2];
  std::int64_t width, panel_size, panels;  // of a panel: its outputs, its floats; of the filter: how many
  std::int64_t first_row, rows, tiles;     // of the part
  std::int64_t first_panel, last_panel;    // of the part
  const Window* windows;                   // by row of the part

  Panel panel_at(std::int64_t index) const {
    return {packed + index * panel_size, index * width, std::min(width, c.filter.outputs - index * width)};
  }
  std::int64_t begin_of(std::int64_t tile) const { return rows * tile / tiles; }

  // Rows of a tile by a block of a panel, on top of what y holds already where it is not the first.
  void multiply_tile(std::int64_t tile, const Panel& panel, const Block& block, bool is_first, bool is_last, bool ahead,
                     Prefetch prefetch) const {
    const std::int64_t from = begin_of(tile), at = (first_row + from) * c.filter.outputs + panel.first;
    table[begin_of(tile + 1) - from][ahead](c, windows + from, panel, block, zeros, addend == nullptr ? nullptr : addend + at,
                                            y + at, is_first, is_last, prefetch);
  }
};

// A tile's outputs are written one beside the other, which memory likes.
void convolve_whole_panels(const Part& part) {
  const Convolution& c = part.c;
  // Whether the pixels of a tile follow those of the tile before it: they are asked for while that one is multiplied.
  const bool adjacent = c.filter.taps() == 1 && c.stride_high == 1 && c.stride_wide == 1 && c.pad_top == 0 && c.pad_left == 0 &&
                        c.height == c.out_height && c.width == c.out_width;
  // Where few tiles pass by, what follows of the filter comes from memory meanwhile.
  const bool next_panels = part.tiles <= Prefetch::most_runs && part.last_panel < part.panels;
  const float* weights = part.packed + part.first_panel * part.panel_size;
  const Block all{0, c.filter.taps(), 0, c.filter.channels};
  for (std::int64_t tile = 0; tile < part.tiles; ++tile) {
    for (std::int64_t index = part.first_panel; index < part.last_panel; ++index) {
      const bool next_pixels = adjacent && index == part.first_panel && tile + 1 < part.tiles;
      const Prefetch prefetch = next_panels ? Prefetch(weights, (part.last_panel - part.first_panel) * part.panel_size, tile,
                                                       part.tiles, (index - part.first_panel) * part.panel_size)
                                            : Prefetch(part.x + (part.first_row + part.begin_of(tile + 1)) * c.pixel_stride);
      part.multiply_tile(tile, part.panel_at(index), all, true, true, next_panels || next_pixels, prefetch);
    }
  }
}

// A panel in blocks, each over all tiles.
void convolve_in_blocks(const Part& part, const Panel& panel) {
  const Filter& filter = part.c.filter;
  const auto run = [&](const Block& block, bool is_first, bool is_last) {
    const std::int64_t size = (block.last_tap - block.first_tap) * (block.last_channel - block.first_channel) * part.width;
    const float* weights = panel.weights + part.width + (block.first_tap * filter.channels + block.first_channel) * part.width;
    for (std::int64_t tile = 0; tile < part.tiles; ++tile) {
      part.multiply_tile(tile, panel, block, is_first, is_last, part.tiles <= Prefetch::most_runs,
                         Prefetch(weights, size, tile, part.tiles));
    }
  };
  const std::int64_t per_block = std::max<std::int64_t>(block_bytes / (part.width * 4), 1);  // rows of a panel
  const std::int64_t channels = filter.channels, taps = filter.taps();
  if (channels <= per_block) {
    // As many blocks as needed, of nearly as many taps each.
    const std::int64_t blocks = divide_up(taps, per_block / channels);
    for (std::int64_t i = 0; i < blocks; ++i)
      run({taps * i / blocks, taps * (i + 1) / blocks, 0, channels}, i == 0, i + 1 == blocks);
    return;
  }
  const std::int64_t blocks = divide_up(channels, per_block);
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    for (std::int64_t i = 0; i < blocks; ++i) {
      run({tap, tap + 1, channels * i / blocks, channels * (i + 1) / blocks}, tap == 0 && i == 0,
          tap + 1 == taps && i + 1 == blocks);
    }
  }
}

void convolve_parts(const Convolution& c, const float* x, const float* packed, const float* addend, float* y, std::size_t begin,
                    std::size_t end) {
  Multiply table[most_rows + 1][2] = {};
  fill<most_rows>(table);
  const auto width = static_cast<std::int64_t>(panel_width());
  const std::int64_t panels = panels_of(c), per_group = panels_of_part(c), groups = divide_up(panels, per_group);
  const std::int64_t panel_size = width * (1 + c.filter.taps() * c.filter.channels);
  const std::int64_t all_rows = c.batch * c.out_height * c.out_width, per_part = rows_of_part(c);
  const bool cut = is_cut(c);
  for (std::size_t index = begin; index < end; ++index) {
    const std::int64_t group = static_cast<std::int64_t>(index) % groups,
                       first_row = static_cast<std::int64_t>(index) / groups * per_part;
    const std::int64_t rows = std::min(per_part, all_rows - first_row), first_panel = group * per_group;
    Window windows[most_rows_of_a_part];
    find_windows(c, x, first_row, rows, windows);
    const Part part{.c = c,
                    .x = x,
                    .packed = packed,
                    .zeros = packed + panels * panel_size,
                    .addend = addend,
                    .y = y,
                    .table = table,
                    .width = width,
                    .panel_size = panel_size,
                    .panels = panels,
                    .first_row = first_row,
                    .rows = rows,
                    .tiles = divide_up(rows, most_rows),
                    .first_panel = first_panel,
                    .last_panel = std::min(panels, first_panel + per_group),
                    .windows = windows};
    if (!cut) convolve_whole_panels(part);
    for (std::int64_t panel = part.first_panel; cut && panel < part.last_panel; ++panel)
      convolve_in_blocks(part, part.panel_at(panel));
    finish_rows(c, y, first_row, rows, part.first_panel * width,
                std::min(part.last_panel * width, c.filter.outputs) - part.first_panel * width);
  }
}

bool is_fast() { return HWY_TARGET <= HWY_AVX3; }

}  // namespace
}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace resnet::kernels {

HWY_EXPORT(panel_width);
HWY_EXPORT(parts);
HWY_EXPORT(convolve_parts);
HWY_EXPORT(is_fast);

std::size_t packed_size(const Filter& filter) {
  if (filter.groups > 1) return grouped::packed_size(filter);
  const std::size_t width = HWY_DYNAMIC_DISPATCH(panel_width)();
  const std::size_t panels = (static_cast<std::size_t>(filter.outputs) + width - 1) / width;
  const std::size_t depth = static_cast<std::size_t>(filter.taps() * filter.channels);
  // After the panels, the zeros that stand for pixels outside the image.
  return panels * width * (1 + depth) + static_cast<std::size_t>(filter.channels);
}

void pack_filter(const Filter& filter, const float* weights, const float* bias, float* packed) {
  if (filter.groups > 1) return grouped::pack_filter(filter, weights, bias, packed);
  const auto width = static_cast<std::int64_t>(HWY_DYNAMIC_DISPATCH(panel_width)());
  const std::int64_t depth = filter.taps() * filter.channels;
  for (std::int64_t first = 0; first < filter.outputs; first += width) {
    const std::int64_t count = std::min(width, filter.outputs - first);
    for (std::int64_t o = 0; o < width; ++o) packed[o] = bias != nullptr && o < count ? bias[first + o] : 0.0f;
    packed += width;
    for (std::int64_t o = 0; o < width; ++o) {
      const float* row = weights + (first + o) * depth;
      for (std::int64_t k = 0; k < depth; ++k) packed[k * width + o] = o < count ? row[k] : 0.0f;
    }
    packed += depth * width;
  }
  std::fill_n(packed, filter.channels, 0.0f);
}

std::size_t convolution_parts(const Convolution& convolution) {
  return convolution.filter.groups > 1 ? grouped::parts(convolution) : HWY_DYNAMIC_DISPATCH(parts)(convolution);
}

void convolve(const Convolution& convolution, const float* x, const float* packed, const float* addend, float* y,
              std::size_t begin, std::size_t end) {
  if (convolution.filter.groups > 1) return grouped::convolve(convolution, x, packed, addend, y, begin, end);
  HWY_DYNAMIC_DISPATCH(convolve_parts)(convolution, x, packed, addend, y, begin, end);
}

std::size_t vector_lanes() { return HWY_DYNAMIC_DISPATCH(panel_width)() / 2; }

bool convolution_is_fast() { return HWY_DYNAMIC_DISPATCH(is_fast)(); }

}  // namespace resnet::kernels
#endif

// A block of Winograd's tiles: the input's into the rows of each place, and the products back into the output's; compiled once
// per instruction set.
#if defined(RESNET_KERNELS_WINOGRAD_TILES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef RESNET_KERNELS_WINOGRAD_TILES_INL_H
#undef RESNET_KERNELS_WINOGRAD_TILES_INL_H
#else
#define RESNET_KERNELS_WINOGRAD_TILES_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>

#include "lib/kernels/bounds-inl.h"
#include "lib/kernels/registers-inl.h"
#include "lib/kernels/winograd_block.h"
#include "lib/kernels/winograd_transforms-inl.h"

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {
namespace {

constexpr std::int64_t most_span = most_winograd_span;

// A pointer for each value of a tile.
template <typename T>
using Grid = T* [most_span][most_span];

// A vector of channels of a tile's values, between the transforms down and across.
template <int rows, int columns>
using Half = float[rows][columns][HWY_LANES(float)];
// In which tiles these loops vanish: those that there are most of, where it gains some 5 %. All of them would be a megabyte.
template <class Down, class Across>
constexpr bool is_unrolled = Down::span <= 6 && Down::span == Across::span&& Down::outputs % 2 == 0;

template <bool whole>
HWY_INLINE Vector load(const float* from, std::int64_t count) {
  return whole ? hn::LoadU(Tag(), from) : load_first(Tag(), from, count);
}
template <bool whole>
HWY_INLINE void store(Vector value, float* to, std::int64_t count) {
  whole ? hn::StoreU(value, Tag(), to) : store_first(value, Tag(), to, count);
}

// Column j of the pixels; that of the next tile, `ahead` floats from it, is asked for.
template <class Down, bool whole, int columns>
HWY_INLINE void input_column(const Grid<const float>& pixels, int j, std::int64_t ahead, std::int64_t c, std::int64_t count,
                             Half<Down::span, columns>& half) {
  Vector pixel[Down::span], value[Down::span];
  RESNET_UNROLL for (int i = 0; i < Down::span; ++i) {
    pixel[i] = load<whole>(pixels[i][j] + c, count);
    __builtin_prefetch(pixels[i][j] + c + ahead, 0, 2);
  }
  Down::input(pixel, value);
  RESNET_UNROLL for (int i = 0; i < Down::span; ++i) hn::Store(value[i], Tag(), half[i][j]);
}

template <class Across, bool whole>
HWY_INLINE void input_row(const float (&half)[Across::span][HWY_LANES(float)], float* const* values, std::int64_t c,
                          std::int64_t count) {
  Vector line[Across::span], value[Across::span];
  RESNET_UNROLL for (int j = 0; j < Across::span; ++j) line[j] = hn::Load(Tag(), half[j]);
  Across::input(line, value);
  RESNET_UNROLL for (int j = 0; j < Across::span; ++j) store<whole>(value[j], values[j] + c, count);
}

// A vector of channels of a tile's pixels into its values.
template <class Down, class Across, bool whole>
HWY_INLINE void input_vector(const Grid<const float>& pixels, const Grid<float>& values, std::int64_t ahead, std::int64_t c,
                             std::int64_t count) {
  HWY_ALIGN Half<Down::span, Across::span> half;
  if constexpr (is_unrolled<Down, Across>) {
    RESNET_UNROLL for (int j = 0; j < Across::span; ++j) input_column<Down, whole>(pixels, j, ahead, c, count, half);
    RESNET_UNROLL for (int i = 0; i < Down::span; ++i) input_row<Across, whole>(half[i], values[i], c, count);
  } else {
    for (int j = 0; j < Across::span; ++j) input_column<Down, whole>(pixels, j, ahead, c, count, half);
    for (int i = 0; i < Down::span; ++i) input_row<Across, whole>(half[i], values[i], c, count);
  }
}

template <class Down, class Across>
HWY_NOINLINE void input_tile(const Grid<const float>& pixels, const Grid<float>& values, std::int64_t ahead,
                             std::int64_t channels) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(Tag()));
  std::int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) input_vector<Down, Across, true>(pixels, values, ahead, c, lanes);
  if (c < channels) input_vector<Down, Across, false>(pixels, values, ahead, c, channels - c);
}

// What a tile's outputs share.
struct Target {
  const float *bias, *addend;
  float* y;
  std::int64_t outputs, row;  // floats from one output to the next across and down
  std::int64_t corner;        // the first output
  std::int64_t high, wide;    // outputs within the map
  float least, most;
};

template <class Down, int columns>
HWY_INLINE void output_column(const Grid<const float>& products, int j, std::int64_t c, Half<Down::outputs, columns>& half) {
  Vector product[Down::span], sum[Down::outputs];
  RESNET_UNROLL for (int i = 0; i < Down::span; ++i) product[i] = hn::LoadU(Tag(), products[i][j] + c);
  Down::output(product, sum);
  RESNET_UNROLL for (int i = 0; i < Down::outputs; ++i) hn::Store(sum[i], Tag(), half[i][j]);
}

template <class Across, bool whole>
HWY_INLINE void output_row(const float (&half)[Across::span][HWY_LANES(float)], const Target& target, int i, std::int64_t c,
                           std::int64_t count) {
  const Tag d;
  const Vector least = hn::Set(d, target.least), most = hn::Set(d, target.most), bias = hn::LoadU(d, target.bias + c);
  Vector line[Across::span], row[Across::outputs];
  RESNET_UNROLL for (int j = 0; j < Across::span; ++j) line[j] = hn::Load(d, half[j]);
  Across::output(line, row);
  RESNET_UNROLL for (int j = 0; j < Across::outputs; ++j) {
    if (j >= target.wide) continue;
    const std::int64_t at = target.corner + i * target.row + j * target.outputs + c;
    Vector value = hn::Add(row[j], bias);
    if (target.addend != nullptr) value = hn::Add(value, load<whole>(target.addend + at, count));
    store<whole>(between(least, value, most), target.y + at, count);
  }
}

// A vector of channels of a tile's products into its outputs.
template <class Down, class Across, bool whole>
HWY_INLINE void output_vector(const Grid<const float>& products, const Target& target, std::int64_t c, std::int64_t count) {
  HWY_ALIGN Half<Down::outputs, Across::span> half;
  if constexpr (is_unrolled<Down, Across>) {
    RESNET_UNROLL for (int j = 0; j < Across::span; ++j) output_column<Down>(products, j, c, half);
    RESNET_UNROLL for (int i = 0; i < Down::outputs; ++i) {
      if (i < target.high) output_row<Across, whole>(half[i], target, i, c, count);
    }
  } else {
    for (int j = 0; j < Across::span; ++j) output_column<Down>(products, j, c, half);
    for (int i = 0; i < target.high; ++i) output_row<Across, whole>(half[i], target, i, c, count);
  }
}

template <class Down, class Across>
HWY_NOINLINE void output_tile(const Grid<const float>& products, const Target& target) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(Tag()));
  std::int64_t c = 0;
  for (; c + lanes <= target.outputs; c += lanes) output_vector<Down, Across, true>(products, target, c, lanes);
  if (c < target.outputs) output_vector<Down, Across, false>(products, target, c, target.outputs - c);
}

// What to do with a tile, by how many outputs it is transformed for.
struct Transforms {
  decltype(&input_tile<Line<2, 1, 2>, Line<2, 1, 2>>) input;
  decltype(&output_tile<Line<2, 1, 2>, Line<2, 1, 2>>) output;
};
template <int tile, int stride, int high, int wide>
constexpr Transforms transforms = {input_tile<Line<tile, stride, high>, Line<tile, stride, wide>>,
                                   output_tile<Line<tile, stride, high>, Line<tile, stride, wide>>};
template <int stride, int high>
Transforms transforms_of(std::int64_t wide) {
  if (wide == 4) return transforms<4, stride, high, 4>;
  return wide == 3 ? transforms<4, stride, high, 3> : transforms<4, stride, high, 2>;
}
template <int stride>
Transforms transforms_of(std::int64_t high, std::int64_t wide) {
  if (high == 4) return transforms_of<stride, 4>(wide);
  return high == 3 ? transforms_of<stride, 3>(wide) : transforms_of<stride, 2>(wide);
}
Transforms transforms_of(const WinogradFilter& f, const WinogradTile& tile) {
  if (f.tile == 2) return transforms<2, 1, 2, 2>;
  return f.stride == 2 ? transforms_of<2>(tile.high, tile.wide) : transforms_of<1>(tile.high, tile.wide);
}

// Where values lie: at each place a row of `row` floats for one after the other, tile after tile.
template <typename T>
class Values {
 public:
  Values(const Winograd& w, std::int64_t first_tile, std::int64_t tiles_before, const std::int64_t* offsets, std::int64_t row,
         T* from)
      : side_(w.filter.side()), row_(row) {
    WinogradRows rows(w.filter);
    rows.add(w, first_tile, tiles_before);
    for (std::int64_t place = 0; place < w.filter.places(); ++place) at_[place] = from + offsets[place] + rows[place] * row;
  }

  // Of the next tile.
  void take(const WinogradLine& down, const WinogradLine& across, Grid<T>& values) {
    for (std::int64_t i = 0; i < down.span; ++i) {
      T** const places = at_ + down.place[i] * side_;
      for (std::int64_t j = 0; j < across.span; ++j) {
        T*& at = places[across.place[j]];
        values[i][j] = at;
        at += row_;
      }
    }
  }

 private:
  std::int64_t side_, row_;
  T* at_[most_winograd_side * most_winograd_side];  // by place, the next row
};

// The lines of a map's tiles, those in the middle and the last.
struct Lines {
  WinogradLine middle, last;

  Lines(const WinogradFilter& f, std::int64_t outputs_of_side)
      : middle(f, f.tile), last(f, f.extent(outputs_of_side - (outputs_of_side - 1) / f.tile * f.tile)) {}
  const WinogradLine& of(std::int64_t extent) const { return extent == middle.outputs ? middle : last; }
};

// Tiles [begin, end) of the block.
void input_tiles(const Winograd& w, const WinogradBlock& block, const float* x, const float* zeros, float* input,
                 std::size_t begin, std::size_t end) {
  const WinogradFilter& f = w.filter;
  const Lines rows(f, w.out_height), columns(f, w.out_width);
  Values<float> all(w, block.first, static_cast<std::int64_t>(begin), block.layout.input.data(), f.channels, input);
  for (auto t = static_cast<std::int64_t>(begin); t < static_cast<std::int64_t>(end); ++t) {
    const WinogradTile tile = tile_at(w, block.first + t);
    const WinogradLine &down = rows.of(tile.high), &across = columns.of(tile.wide);
    const std::int64_t top = tile.top * f.stride - w.pad_top, left = tile.left * f.stride - w.pad_left;
    const float* image = x + tile.image * w.height * w.width * f.channels;
    Grid<const float> pixels;
    for (std::int64_t i = 0; i < down.span; ++i) {
      const bool in_rows = top + i >= 0 && top + i < w.height;
      for (std::int64_t j = 0; j < across.span; ++j) {
        const bool inside = in_rows && left + j >= 0 && left + j < w.width;
        pixels[i][j] = inside ? image + ((top + i) * w.width + left + j) * f.channels : zeros;
      }
    }
    Grid<float> values;
    all.take(down, across, values);
    transforms_of(f, tile).input(pixels, values, f.tile * f.stride * f.channels, f.channels);
  }
}

// Tiles [begin, end) of the block.
void output_tiles(const Winograd& w, const WinogradBlock& block, const float* bias, const float* products, const float* addend,
                  float* y, std::size_t begin, std::size_t end) {
  const WinogradFilter& f = w.filter;
  const Lines rows(f, w.out_height), columns(f, w.out_width);
  Values<const float> all(w, block.first, static_cast<std::int64_t>(begin), block.layout.output.data(), block.layout.output_row,
                          products);
  for (auto t = static_cast<std::int64_t>(begin); t < static_cast<std::int64_t>(end); ++t) {
    const WinogradTile tile = tile_at(w, block.first + t);
    const Target target{.bias = bias,
                        .addend = addend,
                        .y = y,
                        .outputs = f.outputs,
                        .row = w.out_width * f.outputs,
                        .corner = ((tile.image * w.out_height + tile.top) * w.out_width + tile.left) * f.outputs,
                        .high = std::min(tile.high, w.out_height - tile.top),
                        .wide = std::min(tile.wide, w.out_width - tile.left),
                        .least = w.least,
                        .most = w.most};
    Grid<const float> values;
    all.take(rows.of(tile.high), columns.of(tile.wide), values);
    transforms_of(f, tile).output(values, target);
    for (std::int64_t i = 0; i < target.high && w.finish; ++i) {
      const auto row = static_cast<std::size_t>(target.corner + i * target.row);
      w.finish.apply(y, row, row + static_cast<std::size_t>(target.wide * f.outputs));
    }
  }
}

}  // namespace
}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

#include "lib/kernels/winograd_block.h"

#include <algorithm>

namespace resnet::kernels {

namespace {

// The places of a block stand far enough apart that they do not all fall on the same lines of a cache.
std::int64_t padded(std::int64_t floats) {
  const std::int64_t line = 16, lines = (floats + line - 1) / line;
  return (lines | 1) * line;
}

// How many of the first tiles are in their map's last row, in its last column, and in both.
struct TilesBefore {
  std::int64_t last_row, last_column, both;

  TilesBefore(const Winograd& w, std::int64_t tiles) {
    const std::int64_t high = w.tiles_high(), wide = w.tiles_wide(), images = tiles / (high * wide), rest = tiles % (high * wide);
    const std::int64_t rows = rest / wide;
    last_row = images * wide + (rows + 1 == high ? rest % wide : 0);
    last_column = images * high + rows;
    both = images;
  }
};

}  // namespace

WinogradTile tile_at(const Winograd& w, std::int64_t index) {
  const WinogradFilter& f = w.filter;
  const std::int64_t wide = w.tiles_wide(), per_image = w.tiles_high() * wide;
  const std::int64_t top = index % per_image / wide * f.tile, left = index % wide * f.tile;
  return {index / per_image, top, left, f.extent(w.out_height - top), f.extent(w.out_width - left)};
}

void WinogradRows::add(std::int64_t high, std::int64_t wide, std::int64_t tiles) {
  const std::int64_t side = filter_->side();
  std::size_t place = 0;
  for (std::int64_t i = 0; i < side; ++i) {
    const std::int64_t down = tiles * filter_->copies(i, high);
    for (std::int64_t j = 0; j < side; ++j) rows_[place++] += down * filter_->copies(j, wide);
  }
}

void WinogradRows::add(const Winograd& w, std::int64_t first_tile, std::int64_t tiles) {
  const WinogradFilter& f = w.filter;
  const TilesBefore from(w, first_tile), to(w, first_tile + tiles);
  const std::int64_t both = to.both - from.both, row = to.last_row - from.last_row - both,
                     column = to.last_column - from.last_column - both;
  const std::int64_t high = f.extent(w.out_height - (w.tiles_high() - 1) * f.tile),
                     wide = f.extent(w.out_width - (w.tiles_wide() - 1) * f.tile);
  add(f.tile, f.tile, tiles - row - column - both);
  add(f.tile, wide, column);
  add(high, f.tile, row);
  add(high, wide, both);
}

WinogradLayout::WinogradLayout(const WinogradFilter& filter, const WinogradRows& rows, std::int64_t panel_width)
    : output_row((filter.outputs + panel_width - 1) / panel_width * panel_width) {
  for (std::int64_t place = 0; place < filter.places(); ++place) {
    input[static_cast<std::size_t>(place)] = input_size;
    output[static_cast<std::size_t>(place)] = output_size;
    input_size += padded(rows[place] * filter.channels);
    output_size += padded(rows[place] * output_row);
  }
}

WinogradBlock::WinogradBlock(const Winograd& winograd, std::int64_t first_tile, std::int64_t tile_count, std::int64_t panel_width)
    : first(first_tile),
      tiles(tile_count),
      rows([&] {
        WinogradRows counted(winograd.filter);
        counted.add(winograd, first_tile, tile_count);
        return counted;
      }()),
      layout(winograd.filter, rows, panel_width) {}

// The middle tap's values come first, then the points in their order; the last one, infinity, is the filter's last place.
WinogradLine::WinogradLine(const WinogradFilter& filter, std::int64_t extent) : outputs(extent), span(filter.span(extent)) {
  const std::int64_t middle = filter.stride == 2 ? extent - 1 : 0;
  for (std::int64_t v = 0; v < span; ++v) place[v] = std::max<std::int64_t>(v - middle, 0);
  place[span - 1] = filter.side() - 1;
}

}  // namespace resnet::kernels

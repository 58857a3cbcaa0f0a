// Where the values of a block of Winograd's tiles lie: a matrix for each place of the filter, with a row for each value there.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lib/kernels/winograd.h"

namespace resnet::kernels {

constexpr std::int64_t most_winograd_side = 6, most_winograd_span = 9;

// A tile's place in the batch, and what it gives.
struct WinogradTile {
  std::int64_t image, top, left;  // its first output
  std::int64_t high, wide;        // outputs that it is transformed for; those beyond the map's edge are not written
};
WinogradTile tile_at(const Winograd& winograd, std::int64_t index);

// How many rows each place has.
class WinogradRows {
 public:
  explicit WinogradRows(const WinogradFilter& filter) : filter_(&filter) {}
  void add(std::int64_t high, std::int64_t wide, std::int64_t tiles = 1);
  void add(const Winograd& winograd, std::int64_t first_tile, std::int64_t tiles);
  std::int64_t operator[](std::int64_t place) const { return rows_[static_cast<std::size_t>(place)]; }

 private:
  const WinogradFilter* filter_;
  std::array<std::int64_t, most_winograd_side * most_winograd_side> rows_{};
};

// Offsets of each place's matrices: of the transformed input (rows x channels), and of the products (rows x outputs, those of
// whole panels).
struct WinogradLayout {
  WinogradLayout(const WinogradFilter& filter, const WinogradRows& rows, std::int64_t panel_width);

  std::int64_t output_row;  // floats of a row of the products
  std::array<std::int64_t, most_winograd_side * most_winograd_side> input{}, output{};
  std::int64_t input_size = 0, output_size = 0;  // floats in all
};

// Tiles that are worked on together.
struct WinogradBlock {
  WinogradBlock(const Winograd& winograd, std::int64_t first_tile, std::int64_t tile_count, std::int64_t panel_width);

  std::int64_t first, tiles;
  WinogradRows rows;
  WinogradLayout layout;
};

// Which places the values along a side of a tile meet.
struct WinogradLine {
  WinogradLine(const WinogradFilter& filter, std::int64_t extent);

  std::int64_t outputs, span;
  std::int64_t place[most_winograd_span];  // by value
};

}  // namespace resnet::kernels

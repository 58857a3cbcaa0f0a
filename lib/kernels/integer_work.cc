#include "lib/kernels/integer_work.h"

#include <algorithm>

#include "lib/kernels/caches.h"

namespace resnet::kernels {

namespace {

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
std::int64_t aligned(std::int64_t bytes) { return divide_up(bytes, 64) * 64; }

constexpr std::int64_t most_rows_of_a_part = 1024, fewest_rows_of_a_part = 24;
constexpr std::int64_t parts_of_a_thread = 4;

}  // namespace

IntegerWork::IntegerWork(const IntegerConvolution& convolution, std::size_t threads)
    : c(convolution), layout(convolution.filter) {
  batch = c.batch, height = c.height, width = c.width, out_height = c.out_height, out_width = c.out_width;
  stride_high = c.stride_high, stride_wide = c.stride_wide, pad_top = c.pad_top, pad_left = c.pad_left;
  channels = c.filter.channels * c.filter.groups;
  const bool one_tap = c.filter.taps() == 1;
  flat = one_tap && stride_high == 1 && stride_wide == 1 && pad_top == 0 && pad_left == 0 && height == out_height &&
         width == out_width;
  if (flat) {
    height = out_height = batch * height * width;
    batch = width = out_width = 1;
  }
  reach_down = (c.filter.taps_high - 1) * c.filter.dilation_high;
  reach_across = layout.whole_rows ? 0 : (c.filter.taps_wide - 1) * c.filter.dilation_wide;
  element = layout.tiles.group == 4 ? 1 : 2;
  flips = c.filter.x_signed && !layout.turned;
  pixel = (layout.whole_rows ? layout.unit_channels : channels) * element;
  row_pixels = layout.whole_rows ? (out_width - 1) * stride_wide + c.filter.taps_wide : width;
  row = row_pixels * pixel;
  // What is rounded up to whole steps may end beyond the image.
  const bool direct = element == 1 && !flips && !layout.whole_rows && layout.run % layout.tiles.group == 0;
  const bool all_inside =
      pad_top == 0 && pad_left == 0 && (out_height - 1) * stride_high < height && (out_width - 1) * stride_wide < width;
  reading = direct ? IntegerReading::in_place : one_tap && all_inside ? IntegerReading::pixels : IntegerReading::rows;
  cut(threads);
  place();
}

void IntegerWork::cut(std::size_t threads) {
  lines = batch * out_height;
  // Pixels that a stride skips are not seen.
  const std::int64_t seen = std::min(stride_high, c.filter.taps_high) * std::min(stride_wide, c.filter.taps_wide);
  const std::int64_t bytes = std::max<std::int64_t>(channels * seen * element, 1);
  const std::int64_t rows =
      std::clamp<std::int64_t>(second_level_cache() / 4 / bytes, fewest_rows_of_a_part, most_rows_of_a_part);
  const auto cut_lines = [&](std::int64_t parts) {
    lines_of_part = std::max<std::int64_t>(divide_up(lines, std::max<std::int64_t>(parts, 1)), 1);
    parts_of_lines = divide_up(lines, lines_of_part);
  };
  cut_lines(divide_up(lines * out_width, rows));
  const std::int64_t wanted = threads > 1 ? static_cast<std::int64_t>(threads) * parts_of_a_thread : 1;
  const std::int64_t panels = layout.panels();
  const std::int64_t most_parts = std::max<std::int64_t>(lines * out_width / fewest_rows_of_a_part, 1);
  if (parts_of_lines * panels < wanted)
    cut_lines(std::clamp(divide_up(wanted, panels), parts_of_lines, std::max(most_parts, parts_of_lines)));
  panels_of_part = divide_up(panels, std::min(panels, divide_up(wanted, std::max<std::int64_t>(parts_of_lines, 1))));
  parts_of_panels = divide_up(panels, panels_of_part);
}

void IntegerWork::place() {
  // A part's lines are of so many images at most, and of each some rows are needed.
  const std::int64_t images =
      lines_of_part == 1 ? 1 : std::min((lines_of_part - 2) / out_height + 2, std::max<std::int64_t>(batch, 1));
  const std::int64_t rows = std::min(images * height, lines_of_part * stride_high + images * (reach_down + 1));
  std::int64_t at = 0;
  const auto take = [&](std::int64_t bytes) {
    const std::int64_t begin = at;
    at += aligned(bytes);
    return begin;
  };
  constexpr std::int64_t tail = 64;
  background = take(layout.run * element + tail);
  switch (reading) {
    case IntegerReading::in_place: copied = at; break;
    case IntegerReading::rows: copied = take(rows * row * (layout.whole_rows ? layout.units : 1) + tail); break;
    case IntegerReading::pixels: copied = take(rows_of_part() * channels * element + tail); break;
  }
  // Of whole rows each unit has its own; else its channels are beside the others'.
  unit = layout.whole_rows ? rows * row : layout.unit_channels * element;
  windows = take(rows_of_part() * static_cast<std::int64_t>(sizeof(IntegerWindow)));
  sums = take(rows_of_part() * 4);
  pixel_sums = take(rows * (layout.whole_rows ? out_width : width) * 4);
  scratch = at;
}

}  // namespace resnet::kernels

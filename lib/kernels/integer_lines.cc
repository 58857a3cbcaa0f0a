#include "lib/kernels/integer_lines.h"

#include <algorithm>
#include <cstring>

namespace resnet::kernels {

IntegerLines::IntegerLines(const IntegerWork& work, const IntegerOperands& operands, bool with_sums, std::uint8_t* scratch)
    : work_(work),
      operands_(operands),
      with_sums_(with_sums && work.c.filter.groups == 1),
      zero_point_(operands.x_zero_point + (work.flips ? 128 : 0)),
      scratch_(scratch) {}

void IntegerLines::fill(std::uint8_t* to, std::int64_t count) const {
  if (work_.element == 1) {
    std::memset(to, zero_point_, static_cast<std::size_t>(count));
  } else {
    std::fill_n(reinterpret_cast<std::uint16_t*>(to), count, zero_point_);
  }
}

std::int32_t IntegerLines::sum(const std::uint8_t* from, std::int64_t count) const {
  return work_.layout.tiles.sum(from, work_.layout.turned, static_cast<std::size_t>(count));
}

void IntegerLines::prepare(std::int64_t index) {
  if (ready_ == index) return;
  const IntegerWork& w = work_;
  if (ready_ < 0) fill(scratch_ + w.background, w.layout.run + 16);
  ready_ = index;
  const std::int64_t first_line = index * w.lines_of_part, count = std::min(w.lines_of_part, w.lines - first_line);
  rows_ = count * w.out_width;
  if (w.flat || w.reading == IntegerReading::pixels) {
    prepare_pixels(first_line, count);
    return;
  }
  auto* window = reinterpret_cast<IntegerWindow*>(scratch_ + w.windows);
  std::uint8_t* to = scratch_ + w.copied;
  for (std::int64_t line = first_line, end = first_line + count; line < end;) {
    const std::int64_t image = line / w.out_height, down = line % w.out_height, here = std::min(end - line, w.out_height - down);
    const std::int64_t top = down * w.stride_high - w.pad_top, bottom = top + (here - 1) * w.stride_high + w.reach_down + 1;
    const std::int64_t first = std::clamp<std::int64_t>(top, 0, w.height), last = std::clamp(bottom, first, w.height);
    const std::uint8_t* rows = read_rows(image, first, last, to);
    window = find_windows(rows, top - first, last - first, here, window);
    if (with_sums_) {
      auto* sums = reinterpret_cast<std::int32_t*>(scratch_ + w.sums);
      add_up(rows, top - first, last - first, here, sums + (line - first_line) * w.out_width);
    }
    line += here;
  }
}

// Of some lines whose first window begins at the row `top` of `height` ones.
IntegerWindow* IntegerLines::find_windows(const std::uint8_t* rows, std::int64_t top, std::int64_t height, std::int64_t lines,
                                          IntegerWindow* to) const {
  const IntegerWork& w = work_;
  const std::int64_t first_left = w.layout.whole_rows ? 0 : -w.pad_left;
  for (std::int64_t i = 0; i < lines; ++i, top += w.stride_high) {
    const bool rows_inside = top >= 0 && top + w.reach_down < height;
    std::int64_t left = first_left;
    const std::uint8_t* first = rows + top * w.row + left * w.pixel;
    for (std::int64_t j = 0; j < w.out_width; ++j, left += w.stride_wide, first += w.stride_wide * w.pixel) {
      *to++ = {first, static_cast<std::int32_t>(top), static_cast<std::int32_t>(left), static_cast<std::int32_t>(height),
               rows_inside && left >= 0 && left + w.reach_across < w.row_pixels};
    }
  }
  return to;
}

// Rows [first, last) of an image, as tiles read them.
const std::uint8_t* IntegerLines::read_rows(std::int64_t image, std::int64_t first, std::int64_t last, std::uint8_t*& to) const {
  const IntegerWork& w = work_;
  const std::int64_t row = w.width * w.channels;
  const std::uint8_t* from = static_cast<const std::uint8_t*>(operands_.x) + (image * w.height + first) * row;
  if (w.reading == IntegerReading::in_place) return from;
  const std::uint8_t* begin = to;
  if (!w.layout.whole_rows) {
    w.layout.tiles.copy(from, w.flips, static_cast<std::size_t>((last - first) * row), to);
    to += (last - first) * w.row;
    return begin;
  }
  const std::int64_t units = w.layout.units, channels = w.layout.unit_channels;
  const std::int64_t left = std::min(w.pad_left, w.row_pixels), there = std::min(w.width, w.row_pixels - left);
  for (std::int64_t i = first; i < last; ++i, from += row, to += w.row) {
    for (std::int64_t unit = 0; unit < units; ++unit) {
      std::uint8_t* at = to + unit * w.unit;
      fill(at, left * channels);
      fill(at + (left + there) * w.pixel, (w.row_pixels - left - there) * channels);
      at += left * w.pixel;
      // Pixels of one unit lie side by side.
      const std::int64_t pieces = units == 1 ? 1 : there, piece = units == 1 ? there * channels : channels;
      w.layout.tiles.copy_apart(from + unit * channels, w.channels, w.flips, pieces, static_cast<std::size_t>(piece), at);
    }
  }
  return begin;
}

const std::uint8_t* IntegerLines::read_pixels(std::int64_t first_line, std::int64_t count) const {
  const IntegerWork& w = work_;
  const auto* x = static_cast<const std::uint8_t*>(operands_.x);
  if (w.reading == IntegerReading::in_place) return x + first_line * w.channels;
  std::uint8_t* to = scratch_ + w.copied;
  const bool flip = w.flips;
  if (w.flat) {
    w.layout.tiles.copy(x + first_line * w.channels, flip, static_cast<std::size_t>(count * w.channels), to);
    return to;
  }
  for (std::int64_t line = first_line; line < first_line + count; ++line, to += w.out_width * w.pixel) {
    const std::int64_t row = line / w.out_height * w.height + line % w.out_height * w.stride_high;
    w.layout.tiles.copy_apart(x + row * w.width * w.channels, w.stride_wide * w.channels, flip, w.out_width,
                              static_cast<std::size_t>(w.channels), to);
  }
  return scratch_ + w.copied;
}

// Of filters of one tap that never leave the image.
void IntegerLines::prepare_pixels(std::int64_t first_line, std::int64_t count) const {
  const IntegerWork& w = work_;
  const std::uint8_t* pixel = read_pixels(first_line, count);
  auto* windows = reinterpret_cast<IntegerWindow*>(scratch_ + w.windows);
  auto* sums = reinterpret_cast<std::int32_t*>(scratch_ + w.sums);
  for (std::int64_t r = 0; r < rows_; ++r, pixel += w.pixel) {
    windows[r] = {pixel, 0, 0, 1, true};
    if (with_sums_) sums[r] = sum(pixel, w.layout.run);
  }
}

// The sums of the windows of some lines of one image, `top` the row of the first ones: of what each tap may meet once, then of
// each window's taps.
void IntegerLines::add_up(const std::uint8_t* image, std::int64_t top, std::int64_t height, std::int64_t lines,
                          std::int32_t* sums) const {
  const IntegerWork& w = work_;
  const IntegerFilter& filter = w.c.filter;
  const bool whole_rows = w.layout.whole_rows;
  if (filter.taps() == 1) {  // of which a stride skips some
    const IntegerWindow* window = windows() + (sums - this->sums());
    for (std::int64_t i = 0; i < lines * w.out_width; ++i) sums[i] = sum_of_window(window[i], 0);
    return;
  }
  auto* taps = reinterpret_cast<std::int32_t*>(scratch_ + w.pixel_sums);
  const std::int64_t places = whole_rows ? w.out_width : w.width, step = whole_rows ? 1 : w.stride_wide;
  const std::int64_t from_place = (whole_rows ? w.stride_wide : 1) * w.pixel;
  for (std::int64_t i = 0; i < height; ++i) {
    const std::uint8_t* from = image + i * w.row;
    for (std::int64_t j = 0; j < places; ++j, from += from_place) {
      taps[i * places + j] = sum(from, w.layout.run);
    }
  }
  const std::int32_t beside = zero_point_ * static_cast<std::int32_t>(w.layout.run);
  for (std::int64_t i = 0; i < lines; ++i, top += w.stride_high, sums += w.out_width) {
    std::fill_n(sums, w.out_width, 0);
    for (std::int64_t tap = 0; tap < w.layout.taps; ++tap) {
      const std::int64_t wide = whole_rows ? 1 : filter.taps_wide;
      const std::int64_t row = top + tap / wide * filter.dilation_high;
      const std::int64_t left = whole_rows ? 0 : tap % wide * filter.dilation_wide - w.pad_left;
      // The windows whose tap is in the row: from the first at a place that is not negative to the last before its end.
      const std::int64_t first = std::min(left < 0 ? (-left + step - 1) / step : 0, w.out_width);
      const std::int64_t end = left < places ? std::clamp((places - left + step - 1) / step, first, w.out_width) : first;
      const bool there = row >= 0 && row < height;
      const std::int32_t* tap_sums = taps + row * places + left;
      for (std::int64_t j = 0; j < first; ++j) sums[j] += beside;
      for (std::int64_t j = first; j < end; ++j) sums[j] += there ? tap_sums[j * step] : beside;
      for (std::int64_t j = end; j < w.out_width; ++j) sums[j] += beside;
    }
  }
}

std::int32_t IntegerLines::sum_of_window(const IntegerWindow& window, std::int64_t group) const {
  const IntegerWork& w = work_;
  const IntegerFilter& filter = w.c.filter;
  const std::int64_t unit = group / w.layout.joined, within = group % w.layout.joined * filter.channels * w.element;
  std::int32_t all = 0;
  for (std::int64_t a = 0; a < filter.taps_high; ++a) {
    for (std::int64_t b = 0; b < filter.taps_wide; ++b) {
      const std::int64_t down = a * filter.dilation_high, across = b * filter.dilation_wide;
      const std::int64_t row = window.top + down, column = window.left + across;
      const bool there = window.inside || (row >= 0 && row < window.height && column >= 0 && column < w.row_pixels);
      all += there ? sum(window.first + down * w.row + across * w.pixel + unit * w.unit + within, filter.channels)
                   : zero_point_ * static_cast<std::int32_t>(filter.channels);
    }
  }
  return all;
}

}  // namespace resnet::kernels

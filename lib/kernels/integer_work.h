// How a convolution of 8-bit integers is cut into parts, and what each thread keeps beside. Private to lib/kernels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/kernels/integer_layout.h"

namespace resnet::kernels {

// How x gets to the tiles.
enum class IntegerReading : std::uint8_t {
  in_place,
  rows,    // the rows of the image that a part needs are copied, so that they have no sign, or 16 bits, or pads beside them
  pixels,  // of filters of one tap: one pixel for each of y
};

// What is the same for all parts: the map's form (of a filter of one tap without strides a row of pixels is as good as any),
// how it is cut into lines (rows of y) by panels, and what lies where in a thread's scratch.
struct IntegerWork {
  IntegerWork(const IntegerConvolution& convolution, std::size_t threads);

  const IntegerConvolution& c;
  IntegerLayout layout;
  std::int64_t batch, height, width, out_height, out_width;
  std::int64_t stride_high, stride_wide, pad_top, pad_left;
  bool flat;              // of filters of one tap: x and y are rows of pixels, each of y's made of its own of x's
  std::int64_t channels;  // of all groups
  IntegerReading reading;
  std::int64_t element;                   // bytes of one, as tiles read it
  bool flips;                             // x has a sign, and tiles read it without
  std::int64_t row_pixels;                // of an image as tiles read it
  std::int64_t pixel, row, unit;          // bytes from one to the next, as tiles read them
  std::int64_t reach_down, reach_across;  // from a window's first tap to its last

  std::int64_t lines, lines_of_part, parts_of_lines, panels_of_part, parts_of_panels;
  // Bytes of scratch before each, and in all.
  std::int64_t background, copied, windows, sums, pixel_sums, scratch;

  std::int64_t parts() const { return parts_of_lines * parts_of_panels; }
  std::int64_t rows_of_part() const { return lines_of_part * out_width; }

 private:
  void cut(std::size_t threads);
  void place();
};

}  // namespace resnet::kernels

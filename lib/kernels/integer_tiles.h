// What convolutions of 8-bit integers are made of, by the processor's instructions: tiles of some output pixels by some vectors
// of output channels, kept in registers. Private to lib/kernels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/kernels/integer_convolution.h"

namespace resnet::kernels {

// Where the taps of an output pixel lie.
struct IntegerWindow {
  const std::uint8_t* first;       // the first tap, be it in the image or beside it
  std::int32_t top, left, height;  // its row and column; rows of the image, or of what was copied of it
  bool inside;                     // no tap is beside the image
};

// Of x as the tiles read it: bytes without a sign, or 16 bits each; strides are in bytes.
struct IntegerMap {
  std::int64_t pixel, row;  // from one pixel, from one row to the next
  std::int64_t width;       // pixels of a row
  std::int64_t taps_high, taps_wide;
  std::int64_t down, across;       // from one tap to the next, in rows and pixels
  std::int64_t steps;              // of 4 bytes that a tap has
  const std::uint8_t* background;  // a tap beside the image
};

// What all tiles of a panel share. The arrays are whole vectors long.
struct IntegerPanel {
  IntegerMap map;
  std::int64_t offset;          // of the panel's first channel within a pixel, in bytes
  const std::uint8_t* weights;  // tap by tap, step by step
  std::int64_t vectors, count;  // of output channels
  const std::uint8_t* next;     // weights that are needed soon: `next_step` bytes of them are asked for at each step, or null
  std::int64_t next_step;

  IntegerOutput output;
  const float* factors;
  const float* shifts;     // or null
  bool factors_below_one;  // none is 1 or more: a scaled sum fits in 32 bits
  std::int32_t sign;       // of bytes: 128 where they are signed. What follows is of bytes + sign
  std::int32_t zero_point, least_byte, most_byte;
  float least, most;
  std::int64_t outputs;  // from one pixel of y to the next

  // What is added to bytes before they are written, or null; `addend` is a map of the shape of the one that begins at `map_of_y`.
  const ByteStage* addition;
  const std::uint8_t *addend, *map_of_y;
};

// The sums begin with start[row * start_step + channel].
using MultiplyTile = void (*)(const IntegerPanel& panel, const IntegerWindow* windows, const std::int32_t* start,
                              std::int64_t start_step, void* y);

struct IntegerTiles {
  static constexpr std::int64_t most_vectors = 4, most_rows = 12;

  std::int64_t lanes, vectors;  // output channels of a vector; vectors of a panel
  std::int64_t group;           // how many inputs' weights lie side by side: 4 bytes, or 2 of which x is widened to 16 bits
  std::int64_t rows[most_vectors + 1];  // of the highest tile, by its vectors
  MultiplyTile multiply[most_vectors + 1][most_rows + 1];
  // Signed bytes of x by unsigned ones of the weights; where group is 4.
  MultiplyTile multiply_turned[most_vectors + 1][most_rows + 1];
  // By weights of 16 bits; where group is 2.
  MultiplyTile multiply_words[most_vectors + 1][most_rows + 1];
  // Sums that are not written as they are, whole vectors of `rows` pixels, to y.
  void (*finish)(const IntegerPanel& panel, const std::int32_t* sums, std::int64_t rows, void* y);

  // Bytes as tiles read them: with `flip` 128 added to each, widened where group is 2.
  void (*copy)(const std::uint8_t* from, bool flip, std::size_t count, std::uint8_t* to);
  // The same of `pieces` of `count` bytes, `step` bytes apart: one after the other.
  void (*copy_apart)(const std::uint8_t* from, std::int64_t step, bool flip, std::int64_t pieces, std::size_t count,
                     std::uint8_t* to);
  // Their sum, of `count` elements; `turned`: of bytes with a sign.
  std::int32_t (*sum)(const std::uint8_t* from, bool turned, std::size_t count);
  // to[row][i] = biases[i] - zero_points[i] * sums[row], for whole vectors.
  void (*start)(const std::int32_t* biases, const std::int32_t* zero_points, const std::int32_t* sums, std::int64_t rows,
                std::int64_t count, std::int32_t* to);
  // y = addition(a, b) over rows of `count` bytes, `step` bytes apart. y may be a or b.
  void (*add)(const ByteAddition& addition, const std::uint8_t* a, const std::uint8_t* b, std::uint8_t* y, std::int64_t rows,
              std::int64_t step, std::int64_t count);
  // Multiply-adds done, on numbers in registers; `sink` keeps them from being left out.
  double (*multiply_add)(std::size_t rounds, std::int32_t* sink);
};

// Those of the instruction set in use.
const IntegerTiles& integer_tiles();

// Whether instructions for products of bytes may be used where the processor has them: as it is at first. For tests.
void allow_byte_products(bool allowed);

}  // namespace resnet::kernels

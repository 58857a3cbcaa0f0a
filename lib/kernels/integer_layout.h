// In which order convolutions of 8-bit integers keep their weights. Private to lib/kernels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/kernels/integer_tiles.h"

namespace resnet::kernels {

// Output channels are cut into units: a group, or as many groups as fill a vector, whose weights for each other's channels are 0.
// A unit is cut into panels of a few vectors. A tap is a run of consecutive bytes of the input: the unit's channels of a pixel,
// or for few channels all of a row of the filter, of pixels of the unit's channels alone.
struct IntegerLayout {
  explicit IntegerLayout(const IntegerFilter& filter);

  const IntegerTiles& tiles;
  const IntegerFilter& filter;
  bool turned;          // x has a sign and weights have none, where else it is the other way round
  bool whole_rows;      // a tap is a row of the filter
  std::int64_t joined;  // groups of a unit
  std::int64_t units;
  std::int64_t taps, run;  // taps, and bytes of each
  std::int64_t steps;      // of 4 bytes as tiles read them
  std::int64_t unit_outputs, unit_channels;
  std::int64_t panels_of_unit, unit_lanes;  // unit_lanes: whole vectors
  std::int64_t unit_bytes;                  // of packed weights

  std::int64_t panels() const { return units * panels_of_unit; }
  std::int64_t width() const { return tiles.lanes * tiles.vectors; }
  std::int64_t lanes() const { return units * unit_lanes; }
  std::size_t size() const;
};

struct IntegerPanelPlace {
  std::int64_t unit, first_output, count, vectors;  // first_output: of all
  std::int64_t lane;                                // the first of all lanes
  const std::uint8_t* weights;
};

// A packed filter, memory-mapped or not.
class PackedIntegers {
 public:
  PackedIntegers(const IntegerLayout& layout, const std::uint8_t* packed) : layout_(layout), packed_(packed) {}

  // Whether a weight's zero point is not 0, once weights are as tiles read them.
  bool has_zero_points() const { return *array(0) != 0; }
  // By lane: sums of the weights less their zero points; those zero points; biases.
  const std::int32_t* sums() const { return array(16); }
  const std::int32_t* zero_points() const { return sums() + layout_.lanes(); }
  const std::int32_t* biases() const { return zero_points() + layout_.lanes(); }
  IntegerPanelPlace panel(std::int64_t index) const;

 private:
  const std::int32_t* array(std::int64_t at) const { return reinterpret_cast<const std::int32_t*>(packed_) + at; }

  const IntegerLayout& layout_;
  const std::uint8_t* packed_;
};

}  // namespace resnet::kernels

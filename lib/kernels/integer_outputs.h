// What becomes of the sums of 8-bit integers, a panel of output channels at a time. Private to lib/kernels.
#pragma once

#include <cstdint>

#include "lib/kernels/integer_tiles.h"

namespace resnet::kernels {

class IntegerOutputs {
 public:
  static constexpr std::int64_t most_width = IntegerTiles::most_vectors * 16;  // lanes of a panel, of any instruction set

  // What is given for a panel's outputs, in whole vectors.
  struct Given {
    alignas(64) std::int32_t start[most_width] = {};  // sums begin there: left to the caller
    alignas(64) float factors[most_width] = {}, shifts[most_width] = {};
    bool below_one = true;  // all factors
  };

  // All outlive it.
  IntegerOutputs(const IntegerConvolution& convolution, const IntegerOperands& operands, const IntegerTiles& tiles)
      : c_(convolution), operands_(operands), tiles_(tiles) {}

  // Factors and shifts of `count` outputs.
  void gather(std::int64_t first_output, std::int64_t count, Given& given) const;
  // What a panel says of its output; `given` outlives it.
  void set(const Given& given, IntegerPanel& panel) const;
  // Where y has the output `first_output` of a pixel.
  void* place(std::int64_t row, std::int64_t first_output) const;
  // What follows of what the tiles have not done, where `rows` pixels of y have been written from `row` on.
  void finish(std::int64_t first_output, std::int64_t count, std::int64_t row, std::int64_t rows) const;

 private:
  // Which the tiles do; null where no stage or a table comes first.
  const ByteStage* first_addition() const;

  const IntegerConvolution& c_;
  const IntegerOperands& operands_;
  const IntegerTiles& tiles_;
};

}  // namespace resnet::kernels

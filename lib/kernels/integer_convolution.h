// Convolutions of NHWC maps of 8-bit integers with sums of 32 bits, and matrix products, which are the same with filters of one
// tap. By the processor's best instructions for products of bytes; exact, with the same bits on all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "lib/base/threads.h"
#include "lib/kernels/bytes.h"
#include "lib/kernels/chain.h"

namespace resnet::kernels {

// With several groups the first outputs / groups outputs see the first `channels` of a pixel, the next ones the next.
struct IntegerFilter {
  std::int64_t taps_high = 1, taps_wide = 1, channels = 1;  // channels: of a group
  std::int64_t outputs = 1;                                 // of all groups
  std::int64_t groups = 1;
  std::int64_t dilation_high = 1, dilation_wide = 1;
  bool x_signed = false;  // the type of what it is applied to
  bool winograd = false;  // by Winograd's F(2x2,3x3), as exact; of what integer_winograd_fits()

  std::int64_t taps() const { return taps_high * taps_wide; }
};

struct IntegerWeights {
  const void* values = nullptr;  // outputs x taps_high x taps_wide x channels, bytes
  bool is_signed = true;
  std::span<const std::int32_t> zero_points = {};  // in the type's range: one for all, or one for each output; none: 0
  const std::int32_t* bias = nullptr;              // one for each output, or null (zeros)
};

// Whether a filter that moves by one pixel may be computed by Winograd's F(2x2,3x3), and on this kind of machine is faster so:
// where products of bytes are products of pairs of 16 bits.
bool integer_winograd_fits(const IntegerFilter& filter);

// How filters are packed here: one and the same where packed filters may be exchanged. Machines with one instruction set may
// differ in it.
std::string integer_packing();
// Bytes that pack_filter() writes. They depend on integer_packing(), and begin where 64 divides the address.
std::size_t packed_size(const IntegerFilter& filter);
void pack_filter(const IntegerFilter& filter, const IntegerWeights& weights, std::uint8_t* packed);

enum class IntegerOutput : std::uint8_t {
  sums,    // int32: sum of (x - zx)(w - zw) + bias; wraps around
  bytes,   // clamp(round(f(f(sum) * factor)) + y_zero_point, least_byte, most_byte): halves to the even neighbour
  floats,  // clamp(f(f(f(sum) * f(multiplier * factor)) + shift), least, most), then `finish`
};
// Above, f() rounds to float32; factors and shifts are those of the output channel.

// What is done to bytes where they lie in the first-level cache, just computed.
struct ByteStage {
  // A table for all channels, or one for each: `outputs` x 256 entries, indexed by the unsigned byte; or null, and then
  const std::uint8_t* table = nullptr;
  bool table_per_channel = false;
  // y = addition(y, addends[addend]), of a map of y's shape; addition(addends[addend], y) with `addend_first`.
  std::size_t addend = 0;
  bool addend_first = false;
  ByteAddition addition = {};
};

struct IntegerConvolution {
  IntegerFilter filter;
  std::int64_t batch = 1, height = 1, width = 1;  // of the input, in pixels of groups x channels bytes
  std::int64_t out_height = 1, out_width = 1;
  std::int64_t stride_high = 1, stride_wide = 1, pad_top = 0, pad_left = 0;
  IntegerOutput output = IntegerOutput::sums;
  // Of bytes:
  bool y_signed = false;
  std::int32_t y_zero_point = 0;
  std::int32_t least_byte = -128, most_byte = 255;  // clamped to the type's range
  const std::vector<ByteStage>* stages = nullptr;   // one after the other; null: none
  // Of floats:
  float least = -std::numeric_limits<float>::infinity(), most = std::numeric_limits<float>::infinity();
  Finish finish = {};
};

// What may be known only when it runs.
struct IntegerOperands {
  const void* x = nullptr;
  std::int32_t x_zero_point = 0;  // in x's type's range; also what pads stand for
  const std::uint8_t* packed = nullptr;
  const float* factors = nullptr;        // one for each output; of bytes and floats
  float multiplier = 1;                  // of floats
  const float* shifts = nullptr;         // of floats: one for each output, or null (zeros; -0 stays -0)
  const void* const* addends = nullptr;  // of the stages
  void* y = nullptr;                     // batch x out_height x out_width x outputs
};

// Bytes of scratch memory for all of `threads` together. It begins where 64 divides the address.
std::size_t integer_scratch(const IntegerConvolution& convolution, std::size_t threads);
// On all of the pool's threads; y may be no operand. The bits depend neither on the threads nor on what shares the batch.
void convolve(const IntegerConvolution& convolution, const IntegerOperands& operands, std::uint8_t* scratch, ThreadPool& pool);

}  // namespace resnet::kernels

#include "lib/kernels/integer_convolution.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace resnet::kernels {

namespace {

std::int32_t byte_at(const void* bytes, bool is_signed, std::int64_t at) {
  return is_signed ? static_cast<const std::int8_t*>(bytes)[at] : static_cast<const std::uint8_t*>(bytes)[at];
}

}  // namespace

// Zero points, biases, then the weights as 32-bit integers.
std::size_t packed_size(const IntegerFilter& filter) {
  return static_cast<std::size_t>(filter.outputs * (2 + filter.taps() * filter.channels)) * 4;
}

void pack_filter(const IntegerFilter& filter, const IntegerWeights& weights, std::uint8_t* packed) {
  auto* to = reinterpret_cast<std::int32_t*>(packed);
  const auto outputs = static_cast<std::size_t>(filter.outputs);
  const std::int64_t depth = filter.taps() * filter.channels;
  for (std::size_t m = 0; m < outputs; ++m) {
    const auto& z = weights.zero_points;
    to[m] = z.empty() ? 0 : z.size() == 1 ? z[0] : z[m];
    to[outputs + m] = weights.bias == nullptr ? 0 : weights.bias[m];
    for (std::int64_t k = 0; k < depth; ++k) {
      const std::int64_t at = static_cast<std::int64_t>(m) * depth + k;
      to[2 * filter.outputs + at] = byte_at(weights.values, weights.is_signed, at) - to[m];
    }
  }
}

std::size_t integer_scratch(const IntegerConvolution&, std::size_t) { return 64; }

void convolve(const IntegerConvolution& c, const IntegerOperands& o, std::uint8_t*, ThreadPool& pool) {
  const auto* bias = reinterpret_cast<const std::int32_t*>(o.packed) + c.filter.outputs;
  const std::int32_t* weights = bias + c.filter.outputs;
  const std::int64_t outputs = c.filter.outputs, channels = c.filter.channels, pixel = channels * c.filter.groups;
  const std::int32_t lowest = c.y_signed ? -128 : 0;
  const std::int32_t least = std::max(c.least_byte, lowest), most = std::min(c.most_byte, lowest + 255);
  pool.parallel_for(static_cast<std::size_t>(c.batch * c.out_height * c.out_width), 16, [&](std::size_t begin, std::size_t end) {
    for (auto row = static_cast<std::int64_t>(begin); row < static_cast<std::int64_t>(end); ++row) {
      const std::int64_t across = row % c.out_width, down = row / c.out_width % c.out_height,
                         image = row / c.out_width / c.out_height;
      for (std::int64_t m = 0; m < outputs; ++m) {
        auto sum = static_cast<std::uint32_t>(bias[m]);
        for (std::int64_t tap = 0; tap < c.filter.taps(); ++tap) {
          const std::int64_t i = down * c.stride_high - c.pad_top + tap / c.filter.taps_wide * c.filter.dilation_high,
                             j = across * c.stride_wide - c.pad_left + tap % c.filter.taps_wide * c.filter.dilation_wide;
          if (i < 0 || i >= c.height || j < 0 || j >= c.width) continue;
          const std::int64_t from = ((image * c.height + i) * c.width + j) * pixel + m / (outputs / c.filter.groups) * channels;
          for (std::int64_t k = 0; k < channels; ++k) {
            sum += static_cast<std::uint32_t>((byte_at(o.x, c.x_signed, from + k) - o.x_zero_point) *
                                              weights[(m * c.filter.taps() + tap) * channels + k]);
          }
        }
        const auto result = static_cast<std::int32_t>(sum);
        const std::int64_t at = row * outputs + m;
        switch (c.output) {
          case IntegerOutput::sums: static_cast<std::int32_t*>(o.y)[at] = result; break;
          case IntegerOutput::bytes: {
            const float scaled = std::clamp(static_cast<float>(result) * o.factors[m], -1e6f, 1e6f);
            const auto rounded = static_cast<std::int32_t>(std::nearbyintf(scaled));
            static_cast<std::uint8_t*>(o.y)[at] = static_cast<std::uint8_t>(std::clamp(rounded + c.y_zero_point, least, most));
            break;
          }
          case IntegerOutput::floats: {
            float value = static_cast<float>(result) * (o.multiplier * o.factors[m]);
            if (o.shifts != nullptr) value += o.shifts[m];
            static_cast<float*>(o.y)[at] = value < c.least ? c.least : value > c.most ? c.most : value;
            break;
          }
        }
      }
      const std::int64_t at = row * outputs;
      if (c.output == IntegerOutput::floats && c.finish) {
        c.finish.apply(static_cast<float*>(o.y), static_cast<std::size_t>(at), static_cast<std::size_t>(at + outputs));
      }
      if (c.output != IntegerOutput::bytes || c.stages == nullptr) continue;
      for (const ByteStage& stage : *c.stages) {
        auto* y = static_cast<std::uint8_t*>(o.y) + at;
        if (stage.table == nullptr) {
          const auto* addend = static_cast<const std::uint8_t*>(o.addends[stage.addend]) + at;
          const std::uint8_t *a = stage.addend_first ? addend : y, *b = stage.addend_first ? y : addend;
          add_bytes(stage.addition, a, b, y, static_cast<std::size_t>(outputs));
        } else if (stage.table_per_channel) {
          look_up(stage.table, static_cast<std::size_t>(outputs), 1, y, y, 0, static_cast<std::size_t>(outputs));
        } else {
          look_up(stage.table, y, y, static_cast<std::size_t>(outputs));
        }
      }
    }
  });
}

}  // namespace resnet::kernels

#include "lib/kernels/bytes.h"

#include <algorithm>
#include <cmath>

namespace resnet::kernels {

namespace {

std::int32_t byte_at(const void* bytes, bool is_signed, std::size_t at) {
  return is_signed ? static_cast<const std::int8_t*>(bytes)[at] : static_cast<const std::uint8_t*>(bytes)[at];
}

// saturate(round(value) + zero_point); NaN becomes the least byte.
std::uint8_t to_byte(float value, std::int32_t zero_point, bool is_signed) {
  constexpr float bound = 131072;
  const float bounded = value > -bound ? (value < bound ? value : bound) : -bound;
  const std::int32_t least = is_signed ? -128 : 0;
  const std::int32_t rounded = static_cast<std::int32_t>(std::nearbyintf(bounded)) + zero_point;
  return static_cast<std::uint8_t>(std::clamp(rounded, least, least + 255));
}

template <class Visit>
void visit_taps(const Pool& pool, std::size_t output, const Visit& visit) {
  const std::size_t high = pool.taps[1].size(), wide = pool.taps[2].size(), place = output % pool.outputs_of_image();
  const PoolTaps &d = pool.taps[0][place / (high * wide)], &h = pool.taps[1][place / wide % high],
                 &w = pool.taps[2][place % wide];
  const auto image = static_cast<std::int64_t>(output / pool.outputs_of_image());
  for (std::int64_t i = 0; i < d.count; ++i) {
    for (std::int64_t j = 0; j < h.count; ++j) {
      for (std::int64_t k = 0; k < w.count; ++k) {
        const std::int64_t plane = image * pool.in[0] + d.first + i * d.step;
        visit(static_cast<std::size_t>(((plane * pool.in[1] + h.first + j * h.step) * pool.in[2] + w.first + k * w.step) *
                                       pool.channels));
      }
    }
  }
}

std::int64_t divisor_of(const Pool& pool, std::size_t output) {
  const std::size_t high = pool.taps[1].size(), wide = pool.taps[2].size(), place = output % pool.outputs_of_image();
  return pool.taps[0][place / (high * wide)].divisor * pool.taps[1][place / wide % high].divisor *
         pool.taps[2][place % wide].divisor;
}

}  // namespace

void look_up(const std::uint8_t* table, const std::uint8_t* x, std::uint8_t* y, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) y[i] = table[x[i]];
}

void look_up(const std::uint8_t* tables, std::size_t channels, std::size_t inner, const std::uint8_t* x, std::uint8_t* y,
             std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) y[i] = tables[i / inner % channels * 256 + x[i]];
}

void add_bytes(const ByteAddition& addition, const void* a, const void* b, void* y, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto p = static_cast<float>(byte_at(a, addition.a_signed, i)), q = static_cast<float>(byte_at(b, addition.b_signed, i));
    const float sum = std::fma(p, addition.a_factor, std::fma(q, addition.b_factor, addition.shift));
    static_cast<std::uint8_t*>(y)[i] = to_byte(sum, 0, addition.y_signed);
  }
}

void quantize(const ByteScales& s, const float* x, void* y, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) {
    const std::size_t c = i % s.channels;
    const std::int32_t zero_point = s.zero_points == nullptr ? 0 : s.zero_points[c];
    static_cast<std::uint8_t*>(y)[i] = to_byte(x[i] / s.scales[c], zero_point, s.is_signed);
  }
}

void dequantize(const ByteScales& s, const void* x, float* y, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) {
    const std::size_t c = i % s.channels;
    const std::int32_t zero_point = s.zero_points == nullptr ? 0 : s.zero_points[c];
    y[i] = static_cast<float>(byte_at(x, s.is_signed, i) - zero_point) * s.scales[c];
  }
}

FloatRange range_of(const float* x, std::size_t count) {
  FloatRange range;
  for (std::size_t i = 0; i < count; ++i) range = joined(range, {x[i], x[i]});
  return range;
}

FloatRange joined(const FloatRange& a, const FloatRange& b) { return {std::min(a.least, b.least), std::max(a.most, b.most)}; }

DynamicScale dynamic_scale(const FloatRange& range) {
  // All is 0: any scale would do, and 0 would divide by 0.
  const float scale = range.most == range.least ? 1.0f : (range.most - range.least) / 255.0f;
  return {scale, to_byte(-range.least / scale, 0, false)};
}

void max_pool(const Pool& pool, bool is_signed, const void* x, void* y, std::size_t begin, std::size_t end) {
  const auto channels = static_cast<std::size_t>(pool.channels);
  for (std::size_t i = begin; i < end; ++i) {
    for (std::size_t c = 0; c < channels; ++c) {
      std::int32_t best = is_signed ? -128 : 0;
      visit_taps(pool, i, [&](std::size_t at) { best = std::max(best, byte_at(x, is_signed, at + c)); });
      static_cast<std::uint8_t*>(y)[i * channels + c] = static_cast<std::uint8_t>(best);
    }
  }
}

void average_pool(const Pool& pool, const ByteMean& mean, const void* x, void* y, std::size_t begin, std::size_t end) {
  const auto channels = static_cast<std::size_t>(pool.channels);
  for (std::size_t i = begin; i < end; ++i) {
    const float divided = mean.y_scale * static_cast<float>(divisor_of(pool, i)), factor = mean.x_scale / divided;
    for (std::size_t c = 0; c < channels; ++c) {
      std::int32_t sum = 0;
      visit_taps(pool, i, [&](std::size_t at) { sum += byte_at(x, mean.x_signed, at + c) - mean.x_zero_point; });
      static_cast<std::uint8_t*>(y)[i * channels + c] =
          to_byte(static_cast<float>(sum) * factor, mean.y_zero_point, mean.y_signed);
    }
  }
}

}  // namespace resnet::kernels

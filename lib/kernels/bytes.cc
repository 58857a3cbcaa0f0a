#include "lib/kernels/bytes.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/bytes.cc"
#include <hwy/foreach_target.h>
#include "lib/kernels/byte_vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {

namespace {

constexpr auto int_lanes = static_cast<std::int64_t>(HWY_LANES(std::int32_t));

void add(const ByteAddition& addition, const std::uint8_t* a, const std::uint8_t* b, std::uint8_t* y, std::int64_t count) {
  add_any_row(addition, a, b, y, count);
}

// One scale for all of x.
void quantize_row(float scale, std::int32_t zero_point, bool is_signed, const float* x, std::uint8_t* y, std::int64_t count) {
  const Tag d;
  const Vector divisor = hn::Set(d, scale);
  const std::int32_t least = is_signed ? -128 : 0;
  for (std::int64_t i = 0; i < count; i += int_lanes) {
    const std::int64_t here = std::min(int_lanes, count - i);
    store_bytes(to_bytes(hn::Div(load_first(d, x + i, here), divisor), zero_point, least, least + 255), y + i, here);
  }
}

template <bool is_signed>
void dequantize_row(float scale, std::int32_t zero_point, const std::uint8_t* x, float* y, std::int64_t count) {
  const Tag d;
  const Ints zero = hn::Set(IntTag(), zero_point);
  for (std::int64_t i = 0; i < count; i += int_lanes) {
    const std::int64_t here = std::min(int_lanes, count - i);
    const Vector difference = hn::ConvertTo(d, hn::Sub(load_bytes<is_signed>(x + i, here), zero));
    store_first(hn::Mul(difference, hn::Set(d, scale)), d, y + i, here);
  }
}

// A scale for each element.
void quantize_each(const ByteScales& s, std::size_t channel, const float* x, std::uint8_t* y, std::int64_t count) {
  const Tag d;
  const std::int32_t least = s.is_signed ? -128 : 0;
  for (std::int64_t i = 0; i < count; i += int_lanes) {
    const std::int64_t here = std::min(int_lanes, count - i);
    HWY_ALIGN float scales[HWY_LANES(float)];
    std::fill_n(scales, HWY_LANES(float), 1.0f);
    std::copy_n(s.scales + channel + i, here, scales);
    const Vector quotient = hn::Div(load_first(d, x + i, here), hn::Load(d, scales));
    HWY_ALIGN std::int32_t rounded[HWY_LANES(std::int32_t)];
    hn::Store(to_bytes(quotient, 0, -65536, 65536), IntTag(), rounded);
    for (std::int64_t j = 0; j < here; ++j) {
      const std::int32_t zero_point = s.zero_points == nullptr ? 0 : s.zero_points[static_cast<std::int64_t>(channel) + i + j];
      y[i + j] = static_cast<std::uint8_t>(std::clamp(rounded[j] + zero_point, least, least + 255));
    }
  }
}

void dequantize_each(const ByteScales& s, std::size_t channel, const std::uint8_t* x, float* y, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::size_t c = channel + static_cast<std::size_t>(i);
    const std::int32_t value = s.is_signed ? static_cast<std::int8_t>(x[i]) : static_cast<std::int32_t>(x[i]);
    y[i] = static_cast<float>(value - (s.zero_points == nullptr ? 0 : s.zero_points[c])) * s.scales[c];
  }
}

// Calls run(channel, from, count) for each stretch of [begin, end) that lies in one row of the last axis.
template <class Run>
HWY_INLINE void visit_rows(std::size_t channels, std::size_t begin, std::size_t end, const Run& run) {
  for (std::size_t i = begin; i < end;) {
    const std::size_t channel = i % channels, count = std::min(channels - channel, end - i);
    run(channel, i, static_cast<std::int64_t>(count));
    i += count;
  }
}

void quantize_all(const ByteScales& s, const float* x, void* y, std::size_t begin, std::size_t end) {
  auto* bytes = static_cast<std::uint8_t*>(y);
  if (s.channels == 1) {
    const std::int32_t zero_point = s.zero_points == nullptr ? 0 : s.zero_points[0];
    quantize_row(s.scales[0], zero_point, s.is_signed, x + begin, bytes + begin, static_cast<std::int64_t>(end - begin));
    return;
  }
  visit_rows(s.channels, begin, end, [&](std::size_t channel, std::size_t from, std::int64_t count) {
    quantize_each(s, channel, x + from, bytes + from, count);
  });
}

void dequantize_all(const ByteScales& s, const void* x, float* y, std::size_t begin, std::size_t end) {
  const auto* bytes = static_cast<const std::uint8_t*>(x);
  if (s.channels == 1) {
    const std::int32_t zero_point = s.zero_points == nullptr ? 0 : s.zero_points[0];
    const auto count = static_cast<std::int64_t>(end - begin);
    s.is_signed ? dequantize_row<true>(s.scales[0], zero_point, bytes + begin, y + begin, count)
                : dequantize_row<false>(s.scales[0], zero_point, bytes + begin, y + begin, count);
    return;
  }
  visit_rows(s.channels, begin, end, [&](std::size_t channel, std::size_t from, std::int64_t count) {
    dequantize_each(s, channel, bytes + from, y + from, count);
  });
}

FloatRange range(const float* x, std::size_t count) {
  const Tag d;
  constexpr std::size_t lanes = HWY_LANES(float), streams = 4;
  Vector least[streams], most[streams];
  RESNET_UNROLL for (std::size_t s = 0; s < streams; ++s) least[s] = most[s] = hn::Zero(d);
  std::size_t i = 0;
  // A NaN is neither less nor more.
  for (; i + streams * lanes <= count; i += streams * lanes) {
    RESNET_UNROLL for (std::size_t s = 0; s < streams; ++s) {
      const Vector value = hn::LoadU(d, x + i + s * lanes);
      least[s] = hn::IfThenElse(hn::Lt(value, least[s]), value, least[s]);
      most[s] = hn::IfThenElse(hn::Gt(value, most[s]), value, most[s]);
    }
  }
  FloatRange all;
  RESNET_UNROLL for (std::size_t s = 0; s < streams; ++s) {
    all = joined(all, {hn::GetLane(hn::MinOfLanes(d, least[s])), hn::GetLane(hn::MaxOfLanes(d, most[s]))});
  }
  for (; i < count; ++i) all = joined(all, {x[i], x[i]});
  return all;
}

// The taps of one output, along each axis.
using Taps = std::array<const PoolTaps*, 3>;

// Calls visit(where the pixel begins) for each tap.
template <class Visit>
HWY_INLINE void visit_taps(const Pool& pool, const Taps& taps, const std::uint8_t* image, const Visit& visit) {
  const auto& [deep, high, wide] = taps;
  for (std::int64_t i = 0; i < deep->count; ++i) {
    const std::int64_t plane = (deep->first + i * deep->step) * pool.in[1];
    for (std::int64_t j = 0; j < high->count; ++j) {
      const std::uint8_t* row = image + (plane + high->first + j * high->step) * pool.in[2] * pool.channels;
      const std::uint8_t* pixel = row + wide->first * pool.channels;
      for (std::int64_t k = 0; k < wide->count; ++k, pixel += wide->step * pool.channels) visit(pixel);
    }
  }
}

// Calls run(taps, image, y) for each of the outputs.
template <class Run>
HWY_INLINE void visit_outputs(const Pool& pool, const void* x, void* y, std::size_t begin, std::size_t end, const Run& run) {
  const std::size_t high = pool.taps[1].size(), wide = pool.taps[2].size();
  const std::int64_t image_size = pool.in[0] * pool.in[1] * pool.in[2] * pool.channels;
  for (std::size_t i = begin; i < end; ++i) {
    const std::size_t place = i % pool.outputs_of_image();
    const Taps taps = {&pool.taps[0][place / (high * wide)], &pool.taps[1][place / wide % high], &pool.taps[2][place % wide]};
    run(taps, static_cast<const std::uint8_t*>(x) + static_cast<std::int64_t>(i / pool.outputs_of_image()) * image_size,
        static_cast<std::uint8_t*>(y) + static_cast<std::int64_t>(i) * pool.channels);
  }
}

template <class Byte, int vectors, class D>
HWY_INLINE void largest(D d, const Pool& pool, const Taps& taps, const std::uint8_t* image, std::uint8_t* y) {
  const std::size_t lanes = hn::Lanes(d);
  hn::Vec<D> best[vectors];
  RESNET_UNROLL for (int v = 0; v < vectors; ++v) best[v] = hn::Set(d, std::numeric_limits<Byte>::min());
  visit_taps(pool, taps, image, [&](const std::uint8_t* pixel) HWY_ATTR {
    RESNET_UNROLL for (int v = 0; v < vectors; ++v) {
      const auto* bytes = reinterpret_cast<const Byte*>(pixel) + static_cast<std::size_t>(v) * lanes;
      best[v] = hn::Max(best[v], hn::LoadU(d, bytes));
    }
  });
  RESNET_UNROLL for (int v = 0; v < vectors; ++v)
      hn::StoreU(best[v], d, reinterpret_cast<Byte*>(y) + static_cast<std::size_t>(v) * lanes);
}

template <class Byte>
void max_pool_of(const Pool& pool, const void* x, void* y, std::size_t begin, std::size_t end) {
  const hn::ScalableTag<Byte> d;
  const hn::CappedTag<Byte, 16> few;
  const hn::CappedTag<Byte, 1> one;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d)), few_lanes = static_cast<std::int64_t>(hn::Lanes(few));
  visit_outputs(pool, x, y, begin, end, [&](const Taps& taps, const std::uint8_t* image, std::uint8_t* to) HWY_ATTR {
    std::int64_t c = 0;
    for (; c + 4 * lanes <= pool.channels; c += 4 * lanes) largest<Byte, 4>(d, pool, taps, image + c, to + c);
    for (; c + lanes <= pool.channels; c += lanes) largest<Byte, 1>(d, pool, taps, image + c, to + c);
    for (; c + few_lanes <= pool.channels; c += few_lanes) largest<Byte, 1>(few, pool, taps, image + c, to + c);
    for (; c < pool.channels; ++c) largest<Byte, 1>(one, pool, taps, image + c, to + c);
  });
}

void max_pool_all(const Pool& pool, bool is_signed, const void* x, void* y, std::size_t begin, std::size_t end) {
  is_signed ? max_pool_of<std::int8_t>(pool, x, y, begin, end) : max_pool_of<std::uint8_t>(pool, x, y, begin, end);
}

// The means of the first `count` channels of some vectors.
template <bool is_signed, int vectors>
HWY_INLINE void means(const Pool& pool, const ByteMean& mean, const Taps& taps, const std::uint8_t* image, std::int64_t count,
                      std::uint8_t* y) {
  const Tag d;
  const IntTag di;
  Ints sums[vectors];
  RESNET_UNROLL for (int v = 0; v < vectors; ++v) sums[v] = hn::Zero(di);
  visit_taps(pool, taps, image, [&](const std::uint8_t* pixel) HWY_ATTR {
    RESNET_UNROLL for (int v = 0; v < vectors; ++v) {
      sums[v] = hn::Add(sums[v], load_bytes<is_signed>(pixel + v * int_lanes, vectors > 1 ? int_lanes : count));
    }
  });
  std::int64_t divisor = 1, places = 1;
  for (const PoolTaps* along : taps) {
    divisor *= along->divisor;
    places *= along->count;
  }
  const float scale = mean.y_scale * static_cast<float>(divisor);
  const Vector factor = hn::Set(d, mean.x_scale / scale);
  const Ints shift = hn::Set(di, static_cast<std::int32_t>(mean.x_zero_point * places));
  const std::int32_t least = mean.y_signed ? -128 : 0;
  RESNET_UNROLL for (int v = 0; v < vectors; ++v) {
    const Vector scaled = hn::Mul(hn::ConvertTo(d, hn::Sub(sums[v], shift)), factor);
    store_bytes(to_bytes(scaled, mean.y_zero_point, least, least + 255), y + v * int_lanes, vectors > 1 ? int_lanes : count);
  }
}

template <bool is_signed>
void average_pool_of(const Pool& pool, const ByteMean& mean, const void* x, void* y, std::size_t begin, std::size_t end) {
  visit_outputs(pool, x, y, begin, end, [&](const Taps& taps, const std::uint8_t* image, std::uint8_t* to) HWY_ATTR {
    std::int64_t c = 0;
    for (; c + 4 * int_lanes <= pool.channels; c += 4 * int_lanes) {
      means<is_signed, 4>(pool, mean, taps, image + c, int_lanes, to + c);
    }
    for (; c < pool.channels; c += int_lanes) {
      means<is_signed, 1>(pool, mean, taps, image + c, std::min(int_lanes, pool.channels - c), to + c);
    }
  });
}

void average_pool_all(const Pool& pool, const ByteMean& mean, const void* x, void* y, std::size_t begin, std::size_t end) {
  mean.x_signed ? average_pool_of<true>(pool, mean, x, y, begin, end) : average_pool_of<false>(pool, mean, x, y, begin, end);
}

}  // namespace
}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace resnet::kernels {

HWY_EXPORT(add);
HWY_EXPORT(quantize_all);
HWY_EXPORT(dequantize_all);
HWY_EXPORT(range);
HWY_EXPORT(max_pool_all);
HWY_EXPORT(average_pool_all);

void add_bytes(const ByteAddition& addition, const void* a, const void* b, void* y, std::size_t count) {
  HWY_DYNAMIC_DISPATCH(add)
  (addition, static_cast<const std::uint8_t*>(a), static_cast<const std::uint8_t*>(b), static_cast<std::uint8_t*>(y),
   static_cast<std::int64_t>(count));
}

void quantize(const ByteScales& scales, const float* x, void* y, std::size_t begin, std::size_t end) {
  HWY_DYNAMIC_DISPATCH(quantize_all)(scales, x, y, begin, end);
}

void dequantize(const ByteScales& scales, const void* x, float* y, std::size_t begin, std::size_t end) {
  HWY_DYNAMIC_DISPATCH(dequantize_all)(scales, x, y, begin, end);
}

FloatRange range_of(const float* x, std::size_t count) { return HWY_DYNAMIC_DISPATCH(range)(x, count); }

// Of a NaN and a number the first is kept.
FloatRange joined(const FloatRange& a, const FloatRange& b) { return {std::min(a.least, b.least), std::max(a.most, b.most)}; }

DynamicScale dynamic_scale(const FloatRange& range) {
  // All is 0: any scale would do, and 0 would divide by 0.
  const float scale = range.most == range.least ? 1.0f : (range.most - range.least) / 255.0f;
  const float zero_point = std::nearbyint(-range.least / scale);
  return {scale, static_cast<std::uint8_t>(zero_point > 0 ? std::min(zero_point, 255.0f) : 0.0f)};
}

void max_pool(const Pool& pool, bool is_signed, const void* x, void* y, std::size_t begin, std::size_t end) {
  HWY_DYNAMIC_DISPATCH(max_pool_all)(pool, is_signed, x, y, begin, end);
}

void average_pool(const Pool& pool, const ByteMean& mean, const void* x, void* y, std::size_t begin, std::size_t end) {
  HWY_DYNAMIC_DISPATCH(average_pool_all)(pool, mean, x, y, begin, end);
}

}  // namespace resnet::kernels
#endif

#include "lib/kernels/bytes.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "tests/kernels/instruction_sets.h"

namespace resnet::kernels {
namespace {

using Bytes = std::vector<std::uint8_t>;

class BytesTest : public ForInstructionSet {
 protected:
  std::size_t pick(std::size_t least, std::size_t most) {
    return std::uniform_int_distribution<std::size_t>(least, most)(generator_);
  }
  bool flip() { return pick(0, 1) == 1; }
  float uniform(float least, float most) { return std::uniform_real_distribution<float>(least, most)(generator_); }
  Bytes bytes(std::size_t count) {
    Bytes values(count);
    for (auto& value : values) value = static_cast<std::uint8_t>(pick(0, 255));
    return values;
  }
  std::int32_t zero_point(bool is_signed) { return static_cast<std::int32_t>(pick(0, 255)) - (is_signed ? 128 : 0); }

 private:
  std::mt19937 generator_{1};
};

std::int32_t number(std::uint8_t byte, bool is_signed) {
  return is_signed ? static_cast<std::int8_t>(byte) : static_cast<std::int32_t>(byte);
}

// saturate(round(value) + zero_point), halves to the even neighbour; NaN is the least.
std::uint8_t rounded(float value, std::int32_t zero_point, bool is_signed) {
  const std::int32_t least = is_signed ? -128 : 0;
  const float nearest = std::isnan(value) ? -1e6f : std::nearbyint(std::clamp(value, -1e6f, 1e6f));
  return static_cast<std::uint8_t>(std::clamp(static_cast<std::int32_t>(nearest) + zero_point, least, least + 255));
}

TEST_P(BytesTest, TablesForAllAndForEachChannel) {
  for (int round = 0; round < 100; ++round) {
    const std::size_t channels = pick(1, 40), inner = flip() ? 1 : pick(1, 30), images = pick(1, 4);
    const Bytes x = bytes(channels * inner * images), tables = bytes(channels * 256);
    Bytes y(x.size());
    look_up(tables.data(), x.data(), y.data(), x.size());
    for (std::size_t i = 0; i < x.size(); ++i) ASSERT_EQ(y[i], tables[x[i]]);
    const std::size_t cut = pick(0, x.size());
    y = x;  // in place, in two parts
    look_up(tables.data(), channels, inner, y.data(), y.data(), cut, x.size());
    look_up(tables.data(), channels, inner, y.data(), y.data(), 0, cut);
    for (std::size_t i = 0; i < x.size(); ++i) ASSERT_EQ(y[i], tables[i / inner % channels * 256 + x[i]]) << i;
  }
}

TEST_P(BytesTest, AdditionsRoundOnce) {
  for (int round = 0; round < 200; ++round) {
    const ByteAddition a{uniform(0.01f, 2), uniform(0.01f, 2), uniform(-100, 200), flip(), flip(), flip()};
    const Bytes p = bytes(pick(1, 400)), q = bytes(p.size());
    Bytes y(p.size());
    add_bytes(a, p.data(), q.data(), y.data(), p.size());
    for (std::size_t i = 0; i < p.size(); ++i) {
      const auto first = static_cast<float>(number(p[i], a.a_signed)), second = static_cast<float>(number(q[i], a.b_signed));
      ASSERT_EQ(y[i], rounded(std::fma(first, a.a_factor, std::fma(second, a.b_factor, a.shift)), 0, a.y_signed)) << i;
    }
  }
  // What leaves 32 bits saturates; halves go to the even neighbour, the shift included.
  const Bytes p(70, 255), q(70, 1);
  Bytes y(70);
  add_bytes({1e9f, 1, 0}, p.data(), q.data(), y.data(), 70);
  EXPECT_EQ(y, Bytes(70, 255));
  add_bytes({-1e9f, 1, 0}, p.data(), q.data(), y.data(), 70);
  EXPECT_EQ(y, Bytes(70, 0));
  add_bytes({0, 0.5f, 2}, p.data(), q.data(), y.data(), 70);
  EXPECT_EQ(y, Bytes(70, 2));
  add_bytes({0, 0.5f, 3}, p.data(), q.data(), y.data(), 70);
  EXPECT_EQ(y, Bytes(70, 4));
}

TEST_P(BytesTest, QuantizesByDivision) {
  constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (int round = 0; round < 200; ++round) {
    const std::size_t channels = flip() ? 1 : pick(2, 40), count = channels * pick(1, 30);
    const bool is_signed = flip();
    std::vector<float> scales, x;
    std::vector<std::int32_t> zero_points;
    for (std::size_t c = 0; c < channels; ++c) {
      scales.push_back(flip() ? 0.25f : uniform(0.001f, 0.1f));
      zero_points.push_back(zero_point(is_signed));
    }
    for (std::size_t i = 0; i < count; ++i) {
      const float specials[] = {infinity, -infinity, nan, 1e30f, -0.0f, 0.375f, -0.375f};
      x.push_back(pick(0, 5) == 0 ? specials[pick(0, 6)] : uniform(-10, 10));
    }
    const bool zeros = flip();
    const ByteScales s{scales.data(), zeros ? zero_points.data() : nullptr, channels, is_signed};
    Bytes y(count);
    const std::size_t cut = pick(0, count);
    quantize(s, x.data(), y.data(), cut, count);
    quantize(s, x.data(), y.data(), 0, cut);
    std::vector<float> back(count);
    dequantize(s, y.data(), back.data(), 0, cut);
    dequantize(s, y.data(), back.data(), cut, count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t c = i % channels;
      const std::int32_t zero = zeros ? zero_points[c] : 0;
      ASSERT_EQ(y[i], rounded(x[i] / scales[c], zero, is_signed)) << i << " " << x[i];
      ASSERT_EQ(back[i], static_cast<float>(number(y[i], is_signed) - zero) * scales[c]) << i;
    }
  }
}

TEST_P(BytesTest, ARangeHasZeroInItAndNoNaN) {
  for (int round = 0; round < 100; ++round) {
    std::vector<float> x(pick(0, 300));
    const float from = uniform(-3, 3);
    for (float& value : x) value = uniform(from, 3);
    if (!x.empty()) x[pick(0, x.size() - 1)] = std::numeric_limits<float>::quiet_NaN();
    float least = 0, most = 0;
    for (const float value : x) {
      if (value < least) least = value;
      if (value > most) most = value;
    }
    const FloatRange range = range_of(x.data(), x.size());
    ASSERT_EQ(range.least, least);
    ASSERT_EQ(range.most, most);
  }
  const FloatRange both = joined({-1, 2}, {-0.5f, 3});
  EXPECT_EQ(both.least, -1);
  EXPECT_EQ(both.most, 3);
  EXPECT_EQ(dynamic_scale({0, 0}).scale, 1);
  EXPECT_EQ(dynamic_scale({0, 0}).zero_point, 0);
  EXPECT_EQ(dynamic_scale({-1, 0}).zero_point, 255);
  EXPECT_EQ(dynamic_scale({-1, 3}).scale, 4.0f / 255.0f);
  EXPECT_EQ(dynamic_scale({-1, 3}).zero_point, 64);
}

// Of an axis of `size` places, with windows of `window` places that may reach beyond it.
std::vector<PoolTaps> taps_of(std::int64_t size, std::int64_t window, std::int64_t stride, std::int64_t pad) {
  std::vector<PoolTaps> taps;
  for (std::int64_t from = -pad; from + window <= size + pad; from += stride) {
    const std::int64_t first = std::max<std::int64_t>(from, 0), last = std::min(from + window, size);
    taps.push_back(
        {first, 1, std::max<std::int64_t>(last - first, 0), pad > 0 ? window : std::max<std::int64_t>(last - first, 1)});
  }
  return taps;
}

TEST_P(BytesTest, Pools) {
  for (int round = 0; round < 60; ++round) {
    Pool pool;
    pool.channels = static_cast<std::int64_t>(pick(1, flip() ? 20 : 400));
    const std::size_t images = pick(1, 2);
    for (std::size_t axis = 1; axis < 3; ++axis) {
      const auto window = static_cast<std::int64_t>(pick(1, 5));
      pool.in[axis] = window + static_cast<std::int64_t>(pick(0, 5));
      pool.taps[axis] =
          taps_of(pool.in[axis], window, static_cast<std::int64_t>(pick(1, 3)), static_cast<std::int64_t>(pick(0, 2)));
    }
    pool.taps[0] = taps_of(1, 1, 1, 0);
    const Bytes x = bytes(images * static_cast<std::size_t>(pool.in[1] * pool.in[2] * pool.channels));
    ByteMean mean{uniform(0.01f, 0.1f), uniform(0.01f, 0.1f), 0, 0, flip(), flip()};
    mean.x_zero_point = zero_point(mean.x_signed);
    mean.y_zero_point = zero_point(mean.y_signed);
    const std::size_t outputs = images * pool.outputs_of_image(), cut = pick(0, outputs);
    Bytes most(outputs * static_cast<std::size_t>(pool.channels)), means(most.size());
    max_pool(pool, mean.x_signed, x.data(), most.data(), cut, outputs);
    max_pool(pool, mean.x_signed, x.data(), most.data(), 0, cut);
    average_pool(pool, mean, x.data(), means.data(), cut, outputs);
    average_pool(pool, mean, x.data(), means.data(), 0, cut);
    for (std::size_t i = 0; i < most.size(); ++i) {
      const auto channels = static_cast<std::size_t>(pool.channels), output = i / channels, wide = pool.taps[2].size();
      const std::size_t image = output / pool.outputs_of_image(), place = output % pool.outputs_of_image();
      const PoolTaps &high = pool.taps[1][place / wide], &across = pool.taps[2][place % wide];
      std::int32_t largest = mean.x_signed ? -128 : 0, sum = 0;
      for (std::int64_t a = 0; a < high.count; ++a) {
        for (std::int64_t b = 0; b < across.count; ++b) {
          const std::int64_t row = static_cast<std::int64_t>(image) * pool.in[1] + high.first + a;
          const std::int64_t pixel = row * pool.in[2] + across.first + b;
          const std::int32_t value = number(x[static_cast<std::size_t>(pixel) * channels + i % channels], mean.x_signed);
          largest = std::max(largest, value);
          sum += value - mean.x_zero_point;
        }
      }
      ASSERT_EQ(most[i], static_cast<std::uint8_t>(largest)) << i;
      const volatile float divided = mean.y_scale * static_cast<float>(high.divisor * across.divisor);
      const volatile float factor = mean.x_scale / divided;
      ASSERT_EQ(means[i], rounded(static_cast<float>(sum) * factor, mean.y_zero_point, mean.y_signed)) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Each, BytesTest, instruction_sets(), name_of_set);

}  // namespace
}  // namespace resnet::kernels

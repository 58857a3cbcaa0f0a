#include "lib/base/random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace resnet {
namespace {

struct Moments {
  double mean, deviation, kurtosis;
};
Moments moments(const std::vector<float>& values) {
  const auto n = static_cast<double>(values.size());
  double mean = 0, second = 0, fourth = 0;
  for (const float v : values) mean += static_cast<double>(v) / n;
  for (const float v : values) {
    const double d = static_cast<double>(v) - mean;
    second += d * d / n;
    fourth += d * d * d * d / n;
  }
  return {mean, std::sqrt(second), fourth / (second * second)};
}

// The largest distance between the values' distribution and `cdf`, times sqrt(n): above 1.95 with probability 0.001.
template <typename Cdf>
double kolmogorov_smirnov(std::vector<float> values, const Cdf& cdf) {
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  double distance = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double p = cdf(static_cast<double>(values[i]));
    distance = std::max({distance, p - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - p});
  }
  return distance * std::sqrt(n);
}

TEST(FillNormal, IsNormal) {
  std::vector<float> values(1'000'000);
  fill_normal(values, stream_key(0, "weight"), 1);
  const Moments m = moments(values);
  EXPECT_NEAR(m.mean, 0, 0.004);
  EXPECT_NEAR(m.deviation, 1, 0.003);
  EXPECT_NEAR(m.kurtosis, 3, 0.02);
  EXPECT_LT(kolmogorov_smirnov(values, [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }), 1.95);
  // Of a million, about 57 lie beyond 4 deviations and half a one beyond 5.
  const auto beyond = std::count_if(values.begin(), values.end(), [](float v) { return std::abs(v) > 4; });
  EXPECT_NEAR(static_cast<double>(beyond), 63, 35);
}

TEST(FillNormal, NeighboursAreIndependent) {
  std::vector<float> values(1'000'000);
  fill_normal(values, stream_key(3, "weight"), 1);
  for (const std::size_t lag : {1u, 2u, 3u, 64u}) {
    double sum = 0;
    for (std::size_t i = 0; i + lag < values.size(); ++i)
      sum += static_cast<double>(values[i]) * static_cast<double>(values[i + lag]);
    EXPECT_NEAR(sum / static_cast<double>(values.size() - lag), 0, 0.004) << lag;
  }
}

TEST(FillNormal, AnElementDependsOnItsPlaceAlone) {
  std::vector<float> longer(1001), shorter(500);
  fill_normal(longer, stream_key(1, "a"), 0.5);
  fill_normal(shorter, stream_key(1, "a"), 0.5);
  EXPECT_TRUE(std::equal(shorter.begin(), shorter.end(), longer.begin()));
}

// Worked out apart from this code, with the C library's logarithm, from the same formula: within rounding to float.
TEST(FillNormal, GivesTheSameNumbersEverywhere) {
  std::vector<float> values(8);
  fill_normal(values, stream_key(0, "conv1.weight"), std::sqrt(2.0 / (49 * 64)));
  const float expected[] = {-0.0013541302178055048f, 0.027175581082701683f, 0.0077414498664438725f, -0.012305251322686672f,
                            -0.02725733257830143f,   0.02361179143190384f,  -0.014452831819653511f, -0.007389471400529146f};
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_FLOAT_EQ(values[i], expected[i]) << i;
}

TEST(FillUniform, IsUniform) {
  std::vector<float> values(1'000'000);
  fill_uniform(values, stream_key(0, "fc.weight"), 0.25);
  EXPECT_LE(*std::max_element(values.begin(), values.end()), 0.25f);
  EXPECT_GE(*std::min_element(values.begin(), values.end()), -0.25f);
  EXPECT_NEAR(moments(values).deviation, 0.25 / std::sqrt(3.0), 0.001);
  EXPECT_LT(kolmogorov_smirnov(values, [](double x) { return (x + 0.25) / 0.5; }), 1.95);
}

TEST(FillUniform, GivesTheSameNumbersEverywhere) {
  std::vector<float> values(4);
  fill_uniform(values, stream_key(7, "fc.bias"), 1 / std::sqrt(512.0));
  const float expected[] = {-0.04026697537412799f, -0.009783265995176593f, 0.04150782172895399f, -0.03802548564188933f};
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_FLOAT_EQ(values[i], expected[i]) << i;
}

TEST(StreamKey, DependsOnSeedAndName) {
  EXPECT_EQ(stream_key(1, "a"), stream_key(1, "a"));
  EXPECT_NE(stream_key(1, "a"), stream_key(2, "a"));
  EXPECT_NE(stream_key(1, "a"), stream_key(1, "b"));
  EXPECT_NE(stream_key(1, ""), stream_key(0, ""));
}

}  // namespace
}  // namespace resnet

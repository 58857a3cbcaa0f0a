#include "lib/quantize/histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace resnet::quantize {
namespace {

std::uint64_t total(const Histogram& histogram) {
  std::uint64_t sum = histogram.zeros();
  for (const auto& bin : histogram.filled()) sum += bin.count;
  return sum;
}

bool equal(const Histogram& a, const Histogram& b) {
  const auto left = a.filled(), right = b.filled();
  return a.least() == b.least() && a.most() == b.most() && a.count() == b.count() && a.zeros() == b.zeros() &&
         std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const auto& x, const auto& y) { return x.centre == y.centre && x.count == y.count; });
}

TEST(Histogram, CountsEveryValueOnce) {
  Histogram histogram;
  histogram.add(std::vector<float>{1, -2, 0, 3, -0.0f, 1});
  histogram.add(std::vector<float>{0.5f});
  EXPECT_EQ(histogram.count(), 7u);
  EXPECT_EQ(histogram.zeros(), 2u);
  EXPECT_EQ(total(histogram), 7u);
  EXPECT_EQ(histogram.least(), -2);
  EXPECT_EQ(histogram.most(), 3);
  const auto bins = histogram.filled();
  ASSERT_EQ(bins.size(), 4u);  // -2, 0.5, 1 twice, 3
  EXPECT_NEAR(bins[0].centre, -2, histogram.bin_width());
  EXPECT_EQ(bins[2].count, 2u);
}

TEST(Histogram, DoesNotDependOnTheOrder) {
  std::vector<float> values;
  for (int i = -300; i < 900; ++i) values.push_back(static_cast<float>(i) * 0.37f * std::exp2(static_cast<float>(i % 9)));
  Histogram forwards, backwards, together;
  for (const float value : values) forwards.add(std::vector{value});
  std::reverse(values.begin(), values.end());
  for (const float value : values) backwards.add(std::vector{value});
  together.add(values);
  EXPECT_TRUE(equal(forwards, backwards));
  EXPECT_TRUE(equal(forwards, together));
}

TEST(Histogram, LargestAndSmallestNumbersHaveTheirBins) {
  Histogram histogram;
  const float large = std::numeric_limits<float>::max(), small = std::numeric_limits<float>::denorm_min();
  histogram.add(std::vector{small, -small});
  histogram.add(std::vector{large, -large, 1.0f});
  EXPECT_EQ(total(histogram), 5u);
  EXPECT_EQ(histogram.most(), large);
  EXPECT_EQ(histogram.least(), -large);
}

TEST(Histogram, WhatIsNotFiniteIsOnlyCounted) {
  Histogram histogram;
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  histogram.add(std::vector{infinity, nan});
  EXPECT_EQ(histogram.not_finite(), 2u);
  EXPECT_EQ(histogram.count(), 0u);
  histogram.add(std::vector{-infinity, 2.0f, nan, -1.0f});
  EXPECT_EQ(histogram.not_finite(), 4u);
  EXPECT_EQ(histogram.count(), 2u);
  EXPECT_EQ(histogram.most(), 2);
  EXPECT_EQ(histogram.least(), -1);
  EXPECT_EQ(total(histogram), 2u);
}

}  // namespace
}  // namespace resnet::quantize

#include "lib/quantize/range.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace resnet::quantize {
namespace {

Histogram of(const std::vector<float>& values) {
  Histogram histogram;
  histogram.add(values);
  return histogram;
}

// 100,000 values as of a normal distribution, and one far away.
Histogram with_outlier(double sign_of_others, float outlier) {
  std::vector<float> values;
  for (int i = 1; i < 100'000; ++i) {
    const double share = static_cast<double>(i) / 100'000;
    // Of a logistic distribution, which is near enough and has an inverse.
    const double value = std::log(share / (1 - share));
    values.push_back(static_cast<float>(sign_of_others == 0 ? value : std::abs(value)));
  }
  values.push_back(outlier);
  return of(values);
}

TEST(Parameters, AreThoseOfOnnxRuntimesQuantizer) {
  // scale = (most - least) / 255, zero point = round(-least / scale), both ends made to include 0.
  EXPECT_EQ(parameters_of({-1, 3}, Activations::u8), (Parameters{static_cast<float>(4.0 / 255), 64}));
  EXPECT_EQ(parameters_of({0, 6}, Activations::u8), (Parameters{static_cast<float>(6.0 / 255), 0}));
  EXPECT_EQ(parameters_of({-5, 0}, Activations::u8), (Parameters{static_cast<float>(5.0 / 255), 255}));
  EXPECT_EQ(parameters_of({-1, 3}, Activations::s8), (Parameters{static_cast<float>(3.0 / 127), 0}));
  EXPECT_EQ(parameters_of({-4, 3}, Activations::s8), (Parameters{static_cast<float>(4.0 / 127), 0}));
}

TEST(Parameters, ARangeOfNothingGetsAScaleOfOne) {
  for (const Activations activations : {Activations::u8, Activations::s8}) {
    EXPECT_TRUE(is_too_small({0, 0}, activations));
    EXPECT_EQ(parameters_of({0, 0}, activations), (Parameters{1, 0}));
    EXPECT_EQ(parameters_of({0, 1e-42}, activations), (Parameters{1, 0}));
    EXPECT_FALSE(is_too_small({0, 1e-30}, activations));
    const double largest = std::numeric_limits<float>::max();
    EXPECT_TRUE(std::isfinite(parameters_of({-largest, largest}, activations).scale));
  }
}

TEST(ChooseRange, MinmaxHoldsEverythingAndZero) {
  const Range range = choose_range(of({2, 5, 3}), Method::minmax, Activations::u8, 99.99);
  EXPECT_EQ(range.low, 0);
  EXPECT_EQ(range.high, 5);
}

TEST(ChooseRange, PercentileLeavesHalfOfTheRestBeyondEachEnd) {
  std::vector<float> values;
  for (int i = -1000; i <= 1000; ++i) values.push_back(static_cast<float>(i));
  const Range range = choose_range(of(values), Method::percentile, Activations::u8, 90);
  EXPECT_NEAR(range.low, -900, 2);
  EXPECT_NEAR(range.high, 900, 2);
  const Range all = choose_range(of(values), Method::percentile, Activations::u8, 100);
  EXPECT_EQ(all.low, -1000);
  EXPECT_EQ(all.high, 1000);
}

TEST(ChooseRange, PercentileCountsZeros) {
  std::vector<float> values(900, 0.0f);
  for (int i = 1; i <= 100; ++i) values.push_back(static_cast<float>(i));
  EXPECT_NEAR(choose_range(of(values), Method::percentile, Activations::u8, 90).high, 50, 1);
  // Where all that is left are zeros, nothing is cut off.
  EXPECT_EQ(choose_range(of(std::vector<float>{0, 0, 0, 0, 0, 0, 0, 0, 0, 7}), Method::percentile, Activations::u8, 60).high, 7);
}

TEST(ChooseRange, OutliersAreCutOffWhereThatIsBetter) {
  for (const Method method : {Method::percentile, Method::entropy, Method::mse}) {
    for (const Activations activations : {Activations::u8, Activations::s8}) {
      const Range one_sided = choose_range(with_outlier(1, 40), method, activations, 99.99);
      EXPECT_LT(one_sided.high, method == Method::percentile ? 25 : 36) << word_of(method);
      EXPECT_GT(one_sided.high, 4) << word_of(method);
      EXPECT_EQ(one_sided.low, 0);
      const Range two_sided = choose_range(with_outlier(0, 40), method, activations, 99.99);
      EXPECT_LT(two_sided.high, method == Method::percentile ? 25 : 36) << word_of(method);
      EXPECT_LT(two_sided.low, -2) << word_of(method);
    }
  }
}

double squared_error(const std::vector<float>& values, const Range& range, Activations activations) {
  const Parameters parameters = parameters_of(range, activations);
  double sum = 0;
  for (const float value : values) {
    const double scale = static_cast<double>(parameters.scale);
    const double low = activations == Activations::u8 ? 0 : -128, high = low + 255;
    const double stored =
        std::min(high, std::max(low, std::nearbyint(static_cast<double>(value) / scale) + parameters.zero_point));
    sum += std::pow((stored - parameters.zero_point) * scale - static_cast<double>(value), 2);
  }
  return sum;
}

TEST(ChooseRange, MseHasALessSquaredErrorThanTheOthers) {
  std::vector<float> values;
  for (int i = 1; i < 20'000; ++i) {
    const double share = static_cast<double>(i) / 20'000;
    values.push_back(static_cast<float>(std::pow(std::log(share / (1 - share)), 3) + (i % 7 == 0 ? 5 : 0)));
  }
  for (const Activations activations : {Activations::u8, Activations::s8}) {
    const auto error = [&](Method method) {
      return squared_error(values, choose_range(of(values), method, activations, 99.9), activations);
    };
    EXPECT_LT(error(Method::mse), error(Method::minmax));
    EXPECT_LE(error(Method::mse), 1.001 * error(Method::percentile));
    EXPECT_LE(error(Method::mse), 1.001 * error(Method::entropy));
  }
}

TEST(ChooseRange, NothingSeenIsNoRange) {
  for (const Method method : {Method::minmax, Method::percentile, Method::entropy, Method::mse}) {
    for (const auto& values : {std::vector<float>{}, std::vector<float>{0, 0, 0}}) {
      const Range range = choose_range(of(values), method, Activations::u8, 99.99);
      EXPECT_EQ(range.low, 0);
      EXPECT_EQ(range.high, 0);
    }
    // One value, or two far apart, have a range.
    EXPECT_GT(choose_range(of({3}), method, Activations::u8, 99.99).high, 0);
    EXPECT_GT(choose_range(of({1e-30f, 1e30f}), method, Activations::u8, 99.99).high, 0);
  }
}

}  // namespace
}  // namespace resnet::quantize

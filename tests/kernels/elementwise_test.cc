#include "lib/kernels/elementwise.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/kernels/instruction_sets.h"
#include "tests/kernels/problem.h"

namespace resnet::kernels {
namespace {

class ElementwiseTest : public ForInstructionSet {};

float clamped(double value, float least, float most) {
  return static_cast<float>(std::clamp(value, static_cast<double>(least), static_cast<double>(most)));
}

// Every length up to several vectors of the widest set, and one beyond any unrolled loop.
TEST_P(ElementwiseTest, EveryLength) {
  std::mt19937 generator(1);
  for (std::size_t count = 0; count < 70; ++count) {
    const std::size_t n = count == 69 ? 1003 : count;
    const auto a = random_floats(n, generator);
    std::vector<float> y(n + 1, 9.0f);
    clamp(a.data(), y.data(), n, 0.0f, 0.5f);
    for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(y[i], std::clamp(a[i], 0.0f, 0.5f)) << n << " " << i;
    ASSERT_EQ(y[n], 9.0f) << "wrote past " << n;
  }
}

TEST_P(ElementwiseTest, ScaleAndShiftOfEachChannel) {
  std::mt19937 generator(2);
  for (const std::size_t channels : {1, 3, 16, 37, 64}) {
    const std::size_t rows = 5;
    const auto x = random_floats(rows * channels, generator), scale = random_floats(channels, generator),
               shift = random_floats(channels, generator);
    std::vector<float> y(rows * channels + 1, 9.0f);
    scale_shift_clamped(x.data(), scale.data(), shift.data(), y.data(), rows, channels, 0.0f,
                        std::numeric_limits<float>::infinity());
    for (std::size_t i = 0; i < rows * channels; ++i) {
      const double expected =
          static_cast<double>(x[i]) * static_cast<double>(scale[i % channels]) + static_cast<double>(shift[i % channels]);
      ASSERT_NEAR(y[i], clamped(expected, 0.0f, std::numeric_limits<float>::max()), 1e-6) << channels << " " << i;
    }
    ASSERT_EQ(y.back(), 9.0f);
  }
}

TEST_P(ElementwiseTest, MeanOverTheMiddle) {
  std::mt19937 generator(3);
  for (const std::size_t inner : {1, 5, 16, 67}) {
    for (const std::size_t reduced : {1, 7, 49}) {
      const std::size_t outer = 3, count = outer * inner;
      const auto x = random_floats(count * reduced, generator);
      std::vector<float> y(count, 9.0f);
      mean(x.data(), y.data(), reduced, inner, count / 2, count);  // in two parts that cut a row
      mean(x.data(), y.data(), reduced, inner, 0, count / 2);
      for (std::size_t o = 0; o < outer; ++o) {
        for (std::size_t i = 0; i < inner; ++i) {
          double sum = 0;
          for (std::size_t r = 0; r < reduced; ++r) sum += static_cast<double>(x[(o * reduced + r) * inner + i]);
          ASSERT_NEAR(y[o * inner + i], sum / static_cast<double>(reduced), 1e-6) << inner << " " << reduced;
        }
      }
    }
  }
}

// One float alone stays at 2^24. In lanes and out of them, in parts and at once: the same bits.
TEST_P(ElementwiseTest, MeansOfVeryManyNearlyEqualValues) {
  constexpr std::size_t inner = 21, few = 800'000, many = 18'000'000;
  std::vector<float> x(many, 1.0f);
  for (std::size_t i = 0; i < many; i += 2) x[i] = 1.5f;
  float y = 0;
  mean(x.data(), &y, many, 1, 0, 1);
  EXPECT_NEAR(y, 1.25f, 1e-4f);
  for (float& value : x) value = 0.1f;
  mean(x.data(), &y, many, 1, 0, 1);
  EXPECT_NEAR(y, 0.1f, 1e-5f);
  std::vector<float> together(inner), apart(inner);
  mean(x.data(), together.data(), few, inner, 0, inner);
  for (std::size_t i = 0; i < inner; ++i) mean(x.data(), apart.data(), few, inner, i, i + 1);
  EXPECT_EQ(together, apart);
  EXPECT_NEAR(apart[0], 0.1f, 1e-5f);
  x[7] = std::numeric_limits<float>::infinity();
  mean(x.data(), &y, many, 1, 0, 1);
  EXPECT_EQ(y, std::numeric_limits<float>::infinity());
}

TEST_P(ElementwiseTest, WhatIsNoNumberStaysSo) {
  const std::vector<float> x(33, NAN);
  std::vector<float> y(33);
  clamp(x.data(), y.data(), y.size(), 0.0f, 6.0f);
  EXPECT_TRUE(std::all_of(y.begin(), y.end(), [](float v) { return std::isnan(v); }));
}

INSTANTIATE_TEST_SUITE_P(Each, ElementwiseTest, instruction_sets(), name_of_set);

}  // namespace
}  // namespace resnet::kernels

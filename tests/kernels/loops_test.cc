// Reductions, pools, normalizations and sums of rows, for each instruction set.
#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/kernels/normalization.h"
#include "lib/kernels/pool.h"
#include "lib/kernels/reduction.h"
#include "lib/kernels/weighted_rows.h"
#include "tests/kernels/instruction_sets.h"
#include "tests/kernels/problem.h"

namespace resnet::kernels {
namespace {

class LoopsTest : public ForInstructionSet {};

constexpr Fold folds[] = {Fold::sum, Fold::absolutes, Fold::squares, Fold::product, Fold::largest, Fold::least};

double folded(Fold fold, const std::vector<float>& x) {
  double all = fold == Fold::product ? 1 : fold == Fold::largest ? -INFINITY : fold == Fold::least ? INFINITY : 0;
  for (const float each : x) {
    const auto value = static_cast<double>(each);
    switch (fold) {
      case Fold::sum: all += value; break;
      case Fold::absolutes: all += std::abs(value); break;
      case Fold::squares: all += value * value; break;
      case Fold::product: all *= value; break;
      case Fold::largest: all = std::max(all, value); break;
      case Fold::least: all = std::min(all, value); break;
    }
  }
  return all;
}

TEST_P(LoopsTest, FoldsOfEveryLength) {
  std::mt19937 generator(1);
  for (std::size_t count = 0; count < 140; ++count) {
    const auto x = random_floats(count, generator);
    for (const Fold kind : folds) {
      const double expected = folded(kind, x);
      const double found = fold(kind, x.data(), count);
      if (found != expected) {
        ASSERT_NEAR(found, expected, 1e-12) << count;
      }
      if (count == 0) continue;
      std::vector<double> columns(count + 1, 9);
      fold_columns(kind, x.data(), 1, count, count, columns.data());
      for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(columns[i], folded(kind, {x[i]})) << i;
      ASSERT_EQ(columns[count], 9) << "wrote past " << count;
    }
  }
}

TEST_P(LoopsTest, FoldsOfColumnsAreThoseOfTheirValues) {
  std::mt19937 generator(2);
  constexpr std::size_t rows = 23, stride = 61;
  const auto x = random_floats(rows * stride, generator);
  for (const Fold kind : folds) {
    std::vector<double> all(stride), alone(1);
    fold_columns(kind, x.data(), rows, stride, stride, all.data());
    for (std::size_t c = 0; c < stride; ++c) {
      fold_columns(kind, x.data() + c, rows, stride, 1, alone.data());
      EXPECT_EQ(all[c], alone[0]) << c;
    }
  }
}

TEST_P(LoopsTest, ExtremesKeepWhatIsNotANumber) {
  std::mt19937 generator(3);
  for (const std::size_t place : {0, 5, 31, 40, 69}) {
    auto x = random_floats(70, generator);
    x[place] = NAN;
    for (const Fold kind : {Fold::largest, Fold::least}) {
      EXPECT_TRUE(std::isnan(fold(kind, x.data(), x.size()))) << place;
      double column = 0;
      fold_columns(kind, x.data(), x.size(), 1, 1, &column);
      EXPECT_TRUE(std::isnan(column)) << place;
    }
  }
}

TEST_P(LoopsTest, MomentsAreOfTheDistances) {
  std::mt19937 generator(4);
  for (const std::size_t columns : {1, 3, 8, 37, 70}) {
    constexpr std::size_t rows = 19;
    auto x = random_floats(rows * columns, generator);
    for (float& value : x) value += 1e5f;
    std::vector<double> sums(columns), squares(columns);
    column_moments(x.data(), rows, columns, x.data(), sums.data(), squares.data());
    for (std::size_t c = 0; c < columns; ++c) {
      double sum = 0, square = 0;
      for (std::size_t r = 0; r < rows; ++r) {
        const double distance = static_cast<double>(x[r * columns + c]) - static_cast<double>(x[c]);
        sum += distance;
        square += distance * distance;
      }
      ASSERT_NEAR(sums[c], sum, 1e-9);
      ASSERT_NEAR(squares[c], square, 1e-9);
    }
    const Moments row = moments(x.data(), x.size(), x[0]);
    double sum = 0;
    for (const float value : x) sum += static_cast<double>(value) - static_cast<double>(x[0]);
    EXPECT_NEAR(row.sum, sum, 1e-8);
  }
}

TEST_P(LoopsTest, NormalizesEveryLength) {
  std::mt19937 generator(5);
  for (std::size_t count = 1; count < 70; ++count) {
    const auto x = random_floats(count, generator), scale = random_floats(count, generator),
               shift = random_floats(count, generator);
    const std::vector<float> high(count, 0.25f), low(count, 1e-9f), factor(count, 3.0f);
    std::vector<float> y(count + 1, 9.0f), z = y, w = y;
    normalize(x.data(), y.data(), count, {0.25f, 1e-9f, 3.0f}, 0.5f, {-1, 2});
    normalize_scaled(x.data(), z.data(), count, {0.25f, 1e-9f, 3.0f}, scale.data(), shift.data(), {-1, 2});
    normalize_columns(x.data(), w.data(), 1, count, {high.data(), low.data(), factor.data(), shift.data()}, {-1, 2});
    for (std::size_t i = 0; i < count; ++i) {
      const double centred = (static_cast<double>(x[i]) - 0.25) * 3;
      const auto clamped = [](double value) { return std::clamp(value, -1.0, 2.0); };
      ASSERT_NEAR(y[i], clamped(centred + 0.5), 1e-6) << i;
      ASSERT_NEAR(z[i], clamped(centred * static_cast<double>(scale[i]) + static_cast<double>(shift[i])), 1e-6) << i;
      ASSERT_NEAR(w[i], clamped(centred + static_cast<double>(shift[i])), 1e-6) << i;
    }
    ASSERT_EQ(y[count], 9.0f);
    ASSERT_EQ(z[count], 9.0f);
    ASSERT_EQ(w[count], 9.0f);
  }
}

TEST_P(LoopsTest, Pools) {
  std::mt19937 generator(6);
  for (const std::int64_t channels : {1, 5, 16, 71}) {
    Pool pool{.channels = channels, .in = {1, 4, 5}, .taps = {}};
    pool.taps[0] = {PoolTaps{}};
    pool.taps[1] = {{0, 1, 2, 3}, {2, 1, 2, 2}};
    pool.taps[2] = {{0, 2, 3, 3}, {4, 0, 1, 2}, {0, 0, 0, 0}};
    const auto x = random_floats(static_cast<std::size_t>(2 * 4 * 5 * channels), generator);
    const std::size_t outputs = 2 * pool.outputs_of_image(), all = outputs * static_cast<std::size_t>(channels);
    std::vector<float> most(all + 1, 9.0f), mean = most;
    max_pool(pool, x.data(), most.data(), 0, outputs);
    average_pool(pool, x.data(), mean.data(), outputs / 2, outputs);
    average_pool(pool, x.data(), mean.data(), 0, outputs / 2);
    for (std::size_t i = 0; i < all; ++i) {
      const std::size_t pixel = i / static_cast<std::size_t>(channels), c = i % static_cast<std::size_t>(channels);
      const PoolTaps &high = pool.taps[1][pixel / 3 % 2], &wide = pool.taps[2][pixel % 3];
      double sum = 0, best = -INFINITY;
      for (std::int64_t a = 0; a < high.count; ++a) {
        for (std::int64_t b = 0; b < wide.count; ++b) {
          const std::int64_t row = high.first + a * high.step, column = wide.first + b * wide.step;
          const auto at = static_cast<std::size_t>((static_cast<std::int64_t>(pixel / 6) * 20 + row * 5 + column) * channels) + c;
          sum += static_cast<double>(x[at]);
          best = std::max(best, static_cast<double>(x[at]));
        }
      }
      ASSERT_EQ(most[i], static_cast<float>(best)) << i;
      const double divisor = static_cast<double>(high.divisor * wide.divisor);
      ASSERT_NEAR(mean[i], divisor == 0 ? 0 : sum / divisor, 1e-6) << i;
    }
    ASSERT_EQ(most[all], 9.0f);
    ASSERT_EQ(mean[all], 9.0f);
  }
}

TEST_P(LoopsTest, AddsUpRows) {
  std::mt19937 generator(7);
  const std::vector<std::int64_t> places = {2, 0, 2};
  const std::vector<float> weights = {0.5f, -0.25f, 2};
  for (std::size_t length = 1; length < 140; ++length) {
    const auto x = random_floats(3 * length, generator);
    std::vector<float> y(length + 1, 9.0f);
    add_rows({places, weights}, x.data(), y.data(), length);
    for (std::size_t j = 0; j < length; ++j) ASSERT_NEAR(y[j], 2.5f * x[2 * length + j] - 0.25f * x[j], 1e-6) << length;
    ASSERT_EQ(y[length], 9.0f);
    add_rows({}, x.data(), y.data(), length);
    ASSERT_EQ(y[0], 0.0f);
  }
}

INSTANTIATE_TEST_SUITE_P(Each, LoopsTest, instruction_sets(), name_of_set);

}  // namespace
}  // namespace resnet::kernels

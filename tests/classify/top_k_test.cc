#include "lib/classify/top_k.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

namespace resnet {
namespace {

using testing::DoubleNear;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pointwise;

constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

std::vector<std::int64_t> best(const std::vector<float>& scores, std::size_t k) { return top_k(scores, k); }
std::vector<double> soft(const std::vector<float>& scores) { return softmax(scores); }

TEST(TopK, BestFirst) { EXPECT_THAT(best({0.1f, 3, -2, 2}, 3), ElementsAre(1, 3, 0)); }

TEST(TopK, EqualScoresByIndex) { EXPECT_THAT(best({1, 5, 1, 5, 5, 1}, 5), ElementsAre(1, 3, 4, 0, 2)); }

TEST(TopK, NoMoreThanThereAre) {
  EXPECT_THAT(best({1, 2}, 5), ElementsAre(1, 0));
  EXPECT_THAT(best({}, 5), IsEmpty());
  EXPECT_THAT(best({1, 2}, 0), IsEmpty());
}

TEST(TopK, NanIsLast) {
  EXPECT_THAT(best({nan, 1, nan, -infinity, infinity}, 5), ElementsAre(4, 1, 3, 0, 2));
  EXPECT_THAT(best(std::vector<float>(100, nan), 3), ElementsAre(0, 1, 2));
}

TEST(Softmax, Figures) {
  // e^0, e^1, e^2 over their sum 11.10733792...
  EXPECT_THAT(soft({0, 1, 2}), Pointwise(DoubleNear(1e-12), {0.09003057317038046, 0.24472847105479764, 0.6652409557748218}));
}

TEST(Softmax, DoesNotOverflow) {
  EXPECT_THAT(soft({10000, 10000, -10000}), Pointwise(DoubleNear(1e-12), {0.5, 0.5, 0.0}));
  EXPECT_THAT(soft({-3e38f, -3e38f}), Pointwise(DoubleNear(1e-12), {0.5, 0.5}));
}

TEST(Softmax, InfiniteScoresShare) {
  EXPECT_THAT(soft({infinity, 3, infinity}), Pointwise(DoubleNear(1e-12), {0.5, 0.0, 0.5}));
  EXPECT_THAT(soft({-infinity, -infinity}), Pointwise(DoubleNear(1e-12), {0.5, 0.5}));
  EXPECT_THAT(soft({-infinity, 0}), Pointwise(DoubleNear(1e-12), {0.0, 1.0}));
}

TEST(Softmax, NanSpreads) {
  for (const double value : soft({1, nan, 2})) EXPECT_TRUE(std::isnan(value));
}

TEST(Softmax, SumsToOne) {
  std::vector<float> scores(1000);
  std::iota(scores.begin(), scores.end(), -500.0f);
  const std::vector<double> result = soft(scores);
  EXPECT_NEAR(std::accumulate(result.begin(), result.end(), 0.0), 1.0, 1e-12);
}

}  // namespace
}  // namespace resnet

#include "lib/kernels/method.h"

#include <gtest/gtest.h>

#include "lib/kernels/convolution.h"

namespace resnet::kernels {
namespace {

constexpr Layer large{64, 64, 56, 56}, last{512, 512, 7, 7}, tiny{512, 512, 2, 2};

TEST(Method, LargeMapsByTheLargeTile) {
  EXPECT_EQ(choose(large, {.batch = 1, .threads = 1}), Method::winograd4);
  EXPECT_EQ(choose(large, {.batch = 8, .threads = 2}), Method::winograd4);
}

// The filter of the large tile is 4 times as long, and is read for each batch.
TEST(Method, AFewPixelsAreNotWorthALongFilter) {
  EXPECT_NE(choose(tiny, {.batch = 1, .threads = 1}), Method::winograd4);
  EXPECT_EQ(choose(last, {.batch = 16, .threads = 1}), Method::winograd4);
}

// Its making is paid for by many images.
TEST(Method, OneImageIsNotWorthMakingAFilter) {
  EXPECT_EQ(choose(last, {.batch = 1, .images = 1, .threads = 2}), Method::direct);
  EXPECT_GT(cost(last, Method::winograd4, {.batch = 1, .images = 1}), cost(last, Method::winograd4, {.batch = 1, .images = 100}));
}

// It has as long a filter as F(4x4,3x3) at stride 1, and saves less.
TEST(Method, StridesByTheirOwnWay) {
  const Layer halved{64, 128, 28, 28, 2}, few{256, 512, 7, 7, 2}, fewer{256, 512, 2, 2, 2};
  EXPECT_EQ(choose(halved, {.batch = 1, .threads = 1}), Method::winograd4_stride2);
  // What 81 products for 144 save is worth more where a vector is shorter.
  if (vector_lanes() >= 8) {
    EXPECT_EQ(choose(few, {.batch = 1, .threads = 1}), Method::direct);
  }
  EXPECT_EQ(choose(few, {.batch = 8, .threads = 1}), Method::winograd4_stride2);
  EXPECT_EQ(choose(few, {.batch = 1, .threads = 1}, true), Method::winograd4_stride2);
  EXPECT_EQ(choose(fewer, {.batch = 1, .threads = 1}), Method::direct);
  EXPECT_EQ(choose(fewer, {.batch = 1, .threads = 1}, true), Method::winograd4_stride2);
  EXPECT_DOUBLE_EQ(saving(Method::winograd4_stride2), 16.0 / 9);
  EXPECT_DOUBLE_EQ(saving(Method::winograd4), 4);
  EXPECT_DOUBLE_EQ(saving(Method::winograd2), 2.25);
}

// A map of 13 pixels ends with tiles of one output, which cost as those of two; of 14 no more, of 16 the most.
TEST(Method, SmallTilesCostLess) {
  const auto at = [](std::int64_t side) { return cost({256, 256, side, side}, Method::winograd4, {.batch = 8}); };
  EXPECT_EQ(at(13), at(14));
  EXPECT_LT(at(14), at(15));
  EXPECT_LT(at(15), at(16));
}

TEST(Method, OnlyWinograds) { EXPECT_NE(choose(last, {.batch = 1, .images = 1, .threads = 2}, true), Method::direct); }

TEST(Method, MoreWorkCostsMore) {
  for (const Method method : {Method::direct, Method::winograd2, Method::winograd4}) {
    EXPECT_LT(cost(large, method, {.batch = 1}), cost(large, method, {.batch = 2})) << name_of(method);
    EXPECT_LT(cost(large, method, {.batch = 8, .threads = 2}), cost(large, method, {.batch = 8, .threads = 1}))
        << name_of(method);
  }
}

}  // namespace
}  // namespace resnet::kernels

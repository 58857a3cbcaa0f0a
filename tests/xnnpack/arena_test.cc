#include "lib/xnnpack/arena.h"

#include <gtest/gtest.h>

#include <random>

#include "lib/tensor/tensor.h"

namespace resnet::xnnpack {
namespace {

TEST(Arena, BuffersThatLiveTogetherDoNotMeet) {
  std::mt19937 generator(3);
  for (int round = 0; round < 50; ++round) {
    std::vector<Lifetime> lifetimes;
    for (int i = 0; i < 40; ++i) {
      const int first = static_cast<int>(generator() % 30);
      lifetimes.push_back({generator() % 5000, first, first + static_cast<int>(generator() % 6)});
    }
    const ArenaLayout layout = lay_out(lifetimes);
    for (std::size_t i = 0; i < lifetimes.size(); ++i) {
      EXPECT_EQ(layout.offsets[i] % Buffer::alignment, 0u);
      EXPECT_LE(layout.offsets[i] + lifetimes[i].size + Buffer::tail, layout.size);
      for (std::size_t j = 0; j < i; ++j) {
        if (lifetimes[i].first > lifetimes[j].last || lifetimes[j].first > lifetimes[i].last) continue;
        const bool apart = layout.offsets[i] >= layout.offsets[j] + lifetimes[j].size + Buffer::tail ||
                           layout.offsets[j] >= layout.offsets[i] + lifetimes[i].size + Buffer::tail;
        EXPECT_TRUE(apart) << i << " and " << j;
      }
    }
  }
}

TEST(Arena, BuffersOneAfterTheOtherShareBytes) {
  const std::vector<Lifetime> chain = {{1000, 0, 1}, {1000, 1, 2}, {1000, 2, 3}, {1000, 3, 4}};
  EXPECT_EQ(lay_out(chain).size, 2 * 1152u);  // two at a time, each with its tail, in multiples of 64
}

TEST(Arena, OfNothing) { EXPECT_EQ(lay_out({}).size, 0u); }

}  // namespace
}  // namespace resnet::xnnpack

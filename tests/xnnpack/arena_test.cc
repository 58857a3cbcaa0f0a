#include "lib/xnnpack/arena.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "lib/base/error.h"
#include "lib/tensor/tensor.h"

namespace resnet::xnnpack {
namespace {

using ::testing::HasSubstr;

// What verify() says; "" where nothing is wrong.
std::string complaint(const Usage& usage, const ArenaLayout& layout) {
  try {
    verify(usage, layout);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::internal);
    return error.what();
  }
}

std::vector<Lifetime> random_lifetimes(std::mt19937& generator, int count, int steps, int longest) {
  std::vector<Lifetime> lifetimes;
  for (int i = 0; i < count; ++i) {
    const int first = static_cast<int>(generator() % static_cast<unsigned>(steps));
    lifetimes.push_back({generator() % 5000, first, first + static_cast<int>(generator() % static_cast<unsigned>(longest))});
  }
  return lifetimes;
}

void expect_apart(const std::vector<Lifetime>& lifetimes, const ArenaLayout& layout) {
  for (std::size_t i = 0; i < lifetimes.size(); ++i) {
    ASSERT_EQ(layout.offsets[i] % Buffer::alignment, 0u);
    ASSERT_LE(layout.offsets[i] + lifetimes[i].size + Buffer::tail, layout.size);
    for (std::size_t j = 0; j < i; ++j) {
      if (lifetimes[i].first > lifetimes[j].last || lifetimes[j].first > lifetimes[i].last) continue;
      const bool apart = layout.offsets[i] >= layout.offsets[j] + lifetimes[j].size + Buffer::tail ||
                         layout.offsets[j] >= layout.offsets[i] + lifetimes[i].size + Buffer::tail;
      ASSERT_TRUE(apart) << i << " and " << j;
    }
  }
}

TEST(Arena, BuffersThatLiveTogetherDoNotMeet) {
  std::mt19937 generator(3);
  for (int round = 0; round < 50; ++round) {
    const auto lifetimes = random_lifetimes(generator, 40, 30, 6);
    expect_apart(lifetimes, lay_out(lifetimes));
  }
}

TEST(Arena, VeryManyBuffersDoNotMeetAndStillShareBytes) {
  std::mt19937 generator(4);
  const auto lifetimes = random_lifetimes(generator, 5000, 3000, 6);
  const ArenaLayout layout = lay_out(lifetimes);
  expect_apart(lifetimes, layout);
  EXPECT_LT(layout.size, 200'000u);  // some ten live at a time, of 5,000 bytes at most
}

TEST(Arena, LifetimesFollowFromWhatStepsTouch) {
  // 0: an input that nobody reads late, 1: read again long after it was made, 2: an output, 3: a constant, 4: touched by nobody.
  const Usage usage{.sizes = {10, 20, 30, 40, 50},
                    .steps = {{.reads = {0}, .writes = {1}}, {.reads = {1, 3}, .writes = {2}}, {.reads = {1}, .writes = {-1}}},
                    .inputs = {0},
                    .outputs = {2},
                    .constants = {3}};
  const std::vector<Lifetime> lifetimes = lifetimes_of(usage);
  const auto expect_life = [&](std::size_t buffer, std::size_t size, int first, int last) {
    EXPECT_EQ(lifetimes[buffer].size, size) << buffer;
    EXPECT_EQ(lifetimes[buffer].first, first) << buffer;
    EXPECT_EQ(lifetimes[buffer].last, last) << buffer;
  };
  expect_life(0, 10, -1, 3);
  expect_life(1, 20, 0, 2);
  expect_life(2, 30, 1, 3);
  expect_life(3, 0, 3, 3);
  expect_life(4, 0, 3, 3);
}

TEST(Arena, WhatIsLaidOutByLifetimesIsVerified) {
  std::mt19937 generator(5);
  for (int round = 0; round < 200; ++round) {
    Usage usage{.sizes = {1 + generator() % 3000}, .inputs = {0}};
    for (int step = 0; step < 30; ++step) {
      Access access;
      for (auto reads = generator() % 3; reads > 0; --reads)
        access.reads.push_back(static_cast<int>(generator() % usage.sizes.size()));
      access.writes = {static_cast<int>(usage.sizes.size())};
      usage.sizes.push_back(generator() % 3000);
      usage.steps.push_back(access);
    }
    usage.outputs = {static_cast<int>(generator() % usage.sizes.size()), 30};
    EXPECT_EQ(complaint(usage, lay_out(lifetimes_of(usage))), "");
  }
}

// Each of the ways in which a layout can be wrong, by hand.
TEST(Arena, WrongLayoutsAreFound) {
  // input -> 1 -> 2 (a copy) -> 3, which reads 1, too -> output 3
  const Usage usage{.sizes = {64, 64, 64, 64},
                    .steps = {{.reads = {0}, .writes = {1}}, {.reads = {1}, .writes = {2}}, {.reads = {1, 2}, .writes = {3}}},
                    .inputs = {0},
                    .outputs = {3}};
  const auto layout = [](std::vector<std::size_t> offsets) { return ArenaLayout{std::move(offsets), 4096}; };
  EXPECT_EQ(complaint(usage, layout({0, 1000, 2000, 3000})), "");
  EXPECT_THAT(complaint(usage, layout({0, 1000, 1032, 3000})), HasSubstr("step 1 of 3 buffer 1 (64 bytes at 1000)"));
  EXPECT_THAT(complaint(usage, layout({0, 1000, 2000, 1960})), HasSubstr("step 2 of 3 buffer 2"));
  EXPECT_THAT(complaint(usage, layout({0, 0, 2000, 3000})), HasSubstr("step 0 of 3 buffer 0"));
  EXPECT_THAT(complaint(usage, layout({0, 1000, 2000, 63})), HasSubstr("an input that was overwritten"));

  EXPECT_THAT(complaint(usage, layout({0, 1000, 2000, 4033})), HasSubstr("buffer 3 (64 bytes at 4033) does not lie within"));
  EXPECT_THAT(complaint(usage, layout({0, 1000, 2000, static_cast<std::size_t>(-32)})), HasSubstr("does not lie within"));

  Usage unread = usage;
  unread.steps[0].reads = {2};
  EXPECT_THAT(complaint(unread, layout({0, 1000, 2000, 3000})), HasSubstr("step 0 of 3 buffer 2"));
  Usage unwritten = usage;
  unwritten.steps.pop_back();
  EXPECT_THAT(complaint(unwritten, layout({0, 1000, 2000, 3000})), HasSubstr("the end of a run buffer 3"));
  Usage two_results = usage;
  two_results.steps[0].writes = {1, 3};
  EXPECT_THAT(complaint(two_results, layout({0, 1000, 2000, 1063})), HasSubstr("shares memory with another result"));
}

TEST(Arena, BuffersOneAfterTheOtherShareBytes) {
  const std::vector<Lifetime> chain = {{1000, 0, 1}, {1000, 1, 2}, {1000, 2, 3}, {1000, 3, 4}};
  EXPECT_EQ(lay_out(chain).size, 2 * 1152u);  // two at a time, each with its tail, in multiples of 64
}

// Sums that wrap around would make the arena tiny.
TEST(Arena, WhatIsMoreThanANumberCountsIsRefused) {
  for (const std::size_t small : {std::size_t{0}, std::size_t{5000}}) {
    std::vector<Lifetime> lifetimes(4, Lifetime{std::size_t{1} << 62, 0, 1});
    lifetimes.resize(4 + small, Lifetime{64, 0, 1});
    const auto expect_exhausted = [&] {
      try {
        lay_out(lifetimes);
        ADD_FAILURE() << small;
      } catch (const Error& error) {
        EXPECT_EQ(error.fault(), Fault::exhausted);
        EXPECT_STREQ(error.what(), "the results of a run do not fit into memory together");
      }
    };
    expect_exhausted();
    lifetimes[0].size = static_cast<std::size_t>(-1);
    expect_exhausted();
  }
}

TEST(Arena, OfNothing) { EXPECT_EQ(lay_out({}).size, 0u); }

}  // namespace
}  // namespace resnet::xnnpack

#include "lib/base/prefetch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

namespace resnet {
namespace {

using std::chrono::milliseconds;

const auto never = [] { return false; };

TEST(Prefetch, DeliversInOrderWhateverTakesLonger) {
  for (const std::size_t threads : {0, 1, 2, 5}) {
    Prefetch<std::size_t> prefetch(
        40,
        [](std::size_t index) {
          std::this_thread::sleep_for(milliseconds(index % 3));
          return index * index;
        },
        threads, 7);
    for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(prefetch.next(never), i * i) << threads;
    EXPECT_EQ(prefetch.next(never), std::nullopt);
    EXPECT_EQ(prefetch.next(never), std::nullopt);
  }
}

TEST(Prefetch, MakesNoMoreAheadThanItMay) {
  std::atomic<std::size_t> made = 0;
  Prefetch<std::size_t> prefetch(
      100, [&](std::size_t index) { return ++made, index; }, 3, 4);
  std::size_t taken = 0;
  for (; taken < 20; ++taken) {
    std::this_thread::sleep_for(milliseconds(2));
    EXPECT_LE(made, taken + 4);
    EXPECT_TRUE(prefetch.next(never));
  }
}

TEST(Prefetch, WorksAheadOfItsConsumer) {
  std::atomic<std::size_t> made = 0;
  Prefetch<std::size_t> prefetch(
      10, [&](std::size_t index) { return ++made, index; }, 2, 4);
  for (int i = 0; i < 1000 && made < 4; ++i) std::this_thread::sleep_for(milliseconds(5));
  EXPECT_EQ(made, 4u);
}

TEST(Prefetch, NothingToMake) {
  Prefetch<int> prefetch(
      0, [](std::size_t) { return 1; }, 4, 4);
  EXPECT_EQ(prefetch.next(never), std::nullopt);
}

TEST(Prefetch, ErrorsComeInTheirPlaceAndTheRestGoesOn) {
  for (const std::size_t threads : {0, 3}) {
    Prefetch<int> prefetch(
        4,
        [](std::size_t index) {
          if (index == 1) throw std::runtime_error("second");
          return static_cast<int>(index);
        },
        threads, 4);
    EXPECT_EQ(prefetch.next(never), 0);
    EXPECT_THROW(prefetch.next(never), std::runtime_error);
    EXPECT_EQ(prefetch.next(never), 2);
    EXPECT_EQ(prefetch.next(never), 3);
  }
}

TEST(Prefetch, CancelledWhileItWaits) {
  std::atomic<bool> stop = false, release = false;
  Prefetch<int> prefetch(
      2,
      [&](std::size_t) {
        while (!release) std::this_thread::sleep_for(milliseconds(1));
        return 1;
      },
      1, 2);
  std::thread user([&] {
    std::this_thread::sleep_for(milliseconds(30));
    stop = true;
  });
  EXPECT_EQ(prefetch.next([&] { return stop.load(); }), std::nullopt);
  user.join();
  release = true;
}

TEST(Prefetch, EndsBeforeAllIsMade) {
  std::atomic<std::size_t> made = 0;
  {
    Prefetch<std::size_t> prefetch(
        1'000'000, [&](std::size_t index) { return ++made, index; }, 4, 8);
    EXPECT_EQ(prefetch.next(never), 0u);
  }
  EXPECT_LE(made, 1u + 8u);
}

}  // namespace
}  // namespace resnet

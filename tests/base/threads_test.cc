#include "lib/base/threads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <new>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace resnet {
namespace {

TEST(ThreadPool, HasAtLeastOneThread) {
  EXPECT_EQ(ThreadPool(0).threads(), 1u);
  EXPECT_EQ(ThreadPool(1).threads(), 1u);
  EXPECT_EQ(ThreadPool(1).native(), nullptr);
  ThreadPool three(3);
  EXPECT_EQ(three.threads(), 3u);
  EXPECT_NE(three.native(), nullptr);
  EXPECT_EQ(ThreadPool().threads(), physical_cores());
}

TEST(ThreadPool, HasNoMoreThreadsThanAreSaid) {
  ThreadPool two(1000, 2);
  EXPECT_EQ(two.threads(), 2u);
  EXPECT_EQ(two.asked(), 1000u);
  ThreadPool one(4, 1);
  EXPECT_EQ(one.threads(), 1u);
  EXPECT_EQ(one.asked(), 4u);
  EXPECT_EQ(one.native(), nullptr);
  EXPECT_EQ(ThreadPool(3, 0).threads(), 1u);
}

// Workers come late to short loops, or not at all; then the pool goes.
TEST(ThreadPool, ShortLoopsAndShortLives) {
  for (int life = 0; life < 40; ++life) {
    ThreadPool pool(8);
    for (std::size_t loop = 0; loop < 100; ++loop) {
      const std::size_t count = 2 + loop % 23;
      std::vector<int> touched(count, 0);
      pool.parallel_for_each(count, [&](std::size_t index, std::size_t thread) {
        EXPECT_LT(thread, 8u);
        ++touched[index];
      });
      ASSERT_EQ(touched, std::vector<int>(count, 1)) << "loop " << loop;
    }
  }
}

// Loops are entered at every moment of a worker's waiting: while it spins, as it falls asleep, and asleep.
TEST(ThreadPool, LoopsWithPausesBetween) {
  ThreadPool pool(3);
  for (int pause = 0; pause < 300; pause += 5) {
    std::this_thread::sleep_for(std::chrono::microseconds(pause));
    std::vector<int> touched(50, 0);
    pool.parallel_for(touched.size(), 1, [&](std::size_t begin, std::size_t) { ++touched[begin]; });
    ASSERT_EQ(touched, std::vector<int>(50, 1)) << pause << " microseconds";
  }
}

// Far more threads than items, and than processors.
TEST(ThreadPool, ManyThreadsForFewItems) {
  ThreadPool pool(64);
  for (int loop = 0; loop < 200; ++loop) {
    std::atomic<int> calls = 0;
    pool.parallel_for(2, 1, [&](std::size_t, std::size_t) { ++calls; });
    ASSERT_EQ(calls, 2);
  }
}

class ParallelFor : public testing::TestWithParam<std::size_t> {};

TEST_P(ParallelFor, CoversEveryIndexOnceInPartsOfAtMostTheGrain) {
  ThreadPool pool(GetParam());
  for (const std::size_t count : {1u, 2u, 7u, 64u, 1000u}) {
    for (const std::size_t grain : {0u, 1u, 3u, 64u, 5000u}) {
      std::vector<std::atomic<int>> touched(count);
      std::mutex mutex;
      std::vector<std::pair<std::size_t, std::size_t>> parts;
      pool.parallel_for(count, grain, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) ++touched[i];
        const std::lock_guard lock(mutex);
        parts.emplace_back(begin, end);
      });
      for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(touched[i], 1) << "index " << i << " of " << count;
      for (const auto& [begin, end] : parts) {
        EXPECT_LT(begin, end);
        EXPECT_LE(end - begin, std::max<std::size_t>(grain, 1));
      }
    }
  }
}

TEST_P(ParallelFor, CallsNothingForNothing) {
  ThreadPool pool(GetParam());
  int calls = 0;
  pool.parallel_for(0, 4, [&](std::size_t, std::size_t) { ++calls; });
  EXPECT_EQ(calls, 0);
}

// What the workers wrote is there when the loop returns, and the next loop's workers see what the caller wrote between: the
// thread sanitizer watches this one.
TEST_P(ParallelFor, OrdersMemoryBetweenLoops) {
  ThreadPool pool(GetParam());
  std::vector<std::int64_t> values(257, 0);
  for (std::int64_t round = 1; round <= 50; ++round) {
    pool.parallel_for(values.size(), 16, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) values[i] += round;
    });
    for (auto& value : values) value -= 1;
  }
  // The sum of 1..50 less 50 subtractions, in each element.
  EXPECT_EQ(std::accumulate(values.begin(), values.end(), std::int64_t{0}), 257 * (1275 - 50));
}

// pthreadpool is C: what is thrown in its threads would end the process.
TEST_P(ParallelFor, GivesWhatIsThrownToTheCaller) {
  ThreadPool pool(GetParam());
  for (int round = 0; round < 20; ++round) {
    EXPECT_THROW(pool.parallel_for(100, 3,
                                   [](std::size_t begin, std::size_t end) {
                                     if (begin <= 50 && 50 < end) throw std::bad_alloc();
                                   }),
                 std::bad_alloc);
    EXPECT_THROW(pool.parallel_for_each(100, [](std::size_t, std::size_t) { throw std::bad_alloc(); }), std::bad_alloc);
    std::atomic<int> sum = 0;
    pool.parallel_for(10, 1, [&](std::size_t begin, std::size_t) { sum += static_cast<int>(begin); });
    EXPECT_EQ(sum, 45);
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, ParallelFor, testing::Values(1u, 2u, 4u),
                         [](const auto& instance) { return "Of" + std::to_string(instance.param); });

}  // namespace
}  // namespace resnet

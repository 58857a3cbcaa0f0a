#include "lib/base/threads.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
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

TEST(PhysicalCores, AreAtLeastOneAndNoMoreThanTheProcessMayUse) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  ASSERT_EQ(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
  EXPECT_GE(physical_cores(), 1u);
  EXPECT_LE(physical_cores(), static_cast<std::size_t>(CPU_COUNT(&allowed)));
}

TEST(PhysicalCores, FollowTheAffinity) {
  // In a thread of its own: the affinity is the calling thread's.
  std::size_t counted = 0;
  std::thread([&] {
    cpu_set_t allowed, one;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (!CPU_ISSET(cpu, &allowed)) continue;
      CPU_SET(cpu, &one);
      break;
    }
    if (sched_setaffinity(0, sizeof(one), &one) == 0) counted = physical_cores();
  }).join();
  EXPECT_EQ(counted, 1u);
}

TEST(ThreadPool, HasAtLeastOneThread) {
  EXPECT_EQ(ThreadPool(0).threads(), 1u);
  EXPECT_EQ(ThreadPool(1).threads(), 1u);
  EXPECT_EQ(ThreadPool(1).native(), nullptr);
  ThreadPool three(3);
  EXPECT_EQ(three.threads(), 3u);
  EXPECT_NE(three.native(), nullptr);
  EXPECT_EQ(ThreadPool().threads(), physical_cores());
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

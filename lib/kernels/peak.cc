#include "lib/kernels/peak.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "lib/kernels/integer_tiles.h"
#include "lib/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/peak.cc"
#include <hwy/foreach_target.h>
#include "lib/kernels/registers-inl.h"

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {
namespace {

// Floating-point operations done; `sink` keeps them from being left out.
double multiply_add(std::size_t rounds, float* sink) {
  const Tag d;
  constexpr int sums = 12;  // more than a multiply-add takes cycles, times two a cycle
  Vector sum[sums];
  RESNET_UNROLL for (int i = 0; i < sums; ++i) sum[i] = hn::Set(d, static_cast<float>(i));
  const Vector factor = hn::Set(d, 0.999f), term = hn::Set(d, 0.001f);
  for (std::size_t round = 0; round < rounds; ++round) {
    RESNET_UNROLL for (int i = 0; i < sums; ++i) sum[i] = hn::MulAdd(sum[i], factor, term);
  }
  Vector all = sum[0];
  RESNET_UNROLL for (int i = 1; i < sums; ++i) all = hn::Add(all, sum[i]);
  *sink = hn::GetLane(all);
  return 2.0 * sums * static_cast<double>(hn::Lanes(d)) * static_cast<double>(rounds);
}

// The sum of what is read, which keeps it from being left out.
float read(const float* values, std::size_t count) {
  const Tag d;
  const std::size_t lanes = hn::Lanes(d);
  constexpr std::size_t streams = 4;
  Vector sum[streams];
  RESNET_UNROLL for (std::size_t i = 0; i < streams; ++i) sum[i] = hn::Zero(d);
  for (std::size_t at = 0; at + streams * lanes <= count; at += streams * lanes) {
    RESNET_UNROLL for (std::size_t i = 0; i < streams; ++i) sum[i] = hn::Add(sum[i], hn::LoadU(d, values + at + i * lanes));
  }
  return hn::GetLane(hn::Add(hn::Add(sum[0], sum[1]), hn::Add(sum[2], sum[3])));
}

}  // namespace
}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace resnet::kernels {

HWY_EXPORT(multiply_add);
HWY_EXPORT(read);

namespace {

// Billions a second of what `work` (of a thread) says it has done on all threads, the best of a few tries.
template <class Work>
double best_rate(ThreadPool& pool, const Work& work) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> done(pool.threads());
  double best = 0;
  for (int round = 0; round < 5; ++round) {
    const auto start = Clock::now();
    pool.parallel_for(pool.threads(), 1, [&](std::size_t begin, std::size_t) { done[begin] = work(begin); });
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    double all = 0;
    for (const double d : done) all += d;
    best = std::max(best, all / seconds * 1e-9);
  }
  return best;
}

}  // namespace

double peak_gflops(ThreadPool& pool) {
  std::vector<float> sinks(pool.threads());
  return best_rate(pool, [&](std::size_t thread) { return HWY_DYNAMIC_DISPATCH(multiply_add)(4'000'000, &sinks[thread]); });
}

double peak_int8(ThreadPool& pool) {
  std::vector<std::int32_t> sinks(pool.threads());
  return best_rate(pool, [&](std::size_t thread) { return 2 * integer_tiles().multiply_add(4'000'000, &sinks[thread]); });
}

double memory_bandwidth(ThreadPool& pool) {
  using Clock = std::chrono::steady_clock;
  constexpr std::size_t count = 64 << 20;  // floats
  const std::vector<float> values(count, 1.0f);
  std::vector<float> sums(pool.threads());
  double best = 0;
  for (int round = 0; round < 5; ++round) {
    const auto start = Clock::now();
    pool.parallel_for(pool.threads(), 1, [&](std::size_t begin, std::size_t) {
      const std::size_t share = count / pool.threads();
      sums[begin] = HWY_DYNAMIC_DISPATCH(read)(values.data() + begin * share, share);
    });
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (sums[0] > 0) best = std::max(best, static_cast<double>(count * sizeof(float)) / seconds * 1e-9);
  }
  return best;
}

}  // namespace resnet::kernels
#endif

// ResNet's 3x3 layers by the direct convolution and by Winograd's, side by side: GFLOP/s are of the direct one's multiplications.
//   resnet_bench_winograd --benchmark_filter=/256
// Arguments in the names: channels in and out, side of the map, batch, threads, tile (0: direct).

#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "lib/base/threads.h"
#include "lib/kernels/convolution.h"
#include "lib/kernels/winograd.h"
#include "lib/tensor/tensor.h"

namespace resnet::kernels {
namespace {

std::shared_ptr<Buffer> floats(std::size_t count) {
  auto buffer = Buffer::allocate(count * sizeof(float));
  std::mt19937 generator(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  auto* values = reinterpret_cast<float*>(buffer->mutable_bytes().data());
  for (std::size_t i = 0; i < count; ++i) values[i] = uniform(generator);
  return buffer;
}
float* at(const std::shared_ptr<Buffer>& buffer) { return reinterpret_cast<float*>(buffer->mutable_bytes().data()); }

void layer(benchmark::State& state) {
  const std::int64_t channels = state.range(0), side = state.range(1), batch = state.range(2), tile = state.range(4);
  ThreadPool pool(static_cast<std::size_t>(state.range(3)));
  const auto size = static_cast<std::size_t>(batch * side * side * channels);
  const auto x = floats(size), y = floats(size), weights = floats(static_cast<std::size_t>(9 * channels * channels));
  if (tile == 0) {
    Convolution c{.filter = {3, 3, channels, channels},
                  .batch = batch,
                  .height = side,
                  .width = side,
                  .pixel_stride = channels,
                  .out_height = side,
                  .out_width = side,
                  .pad_top = 1,
                  .pad_left = 1};
    const auto packed = floats(packed_size(c.filter));
    pack_filter(c.filter, at(weights), nullptr, at(packed));
    for (auto _ : state) {
      pool.parallel_for(convolution_parts(c), 1,
                        [&](std::size_t begin, std::size_t end) { convolve(c, at(x), at(packed), nullptr, at(y), begin, end); });
    }
  } else {
    Winograd w{.filter = {channels, channels, tile},
               .batch = batch,
               .height = side,
               .width = side,
               .out_height = side,
               .out_width = side,
               .pad_top = 1,
               .pad_left = 1};
    const auto packed = floats(packed_size(w.filter));
    pack_winograd(w.filter, at(weights), nullptr, at(packed));
    const WinogradCut how = cut(w, pool.threads());
    const auto scratch = floats(how.scratch);
    for (auto _ : state) convolve(w, how, at(x), at(packed), nullptr, at(y), at(scratch), pool);
  }
  const double work = 2e-9 * 9 * static_cast<double>(size) * static_cast<double>(channels);
  state.counters["GFLOP/s"] = benchmark::Counter(work, benchmark::Counter::kIsIterationInvariantRate);
}

BENCHMARK(layer)
    ->ArgsProduct({{64}, {56}, {1, 8}, {1, 2}, {0, 2, 4}})
    ->ArgsProduct({{128}, {28}, {1, 8}, {1, 2}, {0, 2, 4}})
    ->ArgsProduct({{256}, {14}, {1, 8}, {1, 2}, {0, 2, 4}})
    ->ArgsProduct({{512}, {7}, {1, 8}, {1, 2}, {0, 2, 4}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace resnet::kernels

BENCHMARK_MAIN();

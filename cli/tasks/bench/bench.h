// How long networks take on this machine: interleaved, each measured by a worker of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/tasks/feed/inputs.h"
#include "cli/tasks/prepare/networks.h"
#include "cli/tasks/task.h"
#include "cli/tasks/worker.h"
#include "lib/measure/machine.h"
#include "lib/xnnpack/plan.h"

namespace resnet::cli {

struct BenchRequest {
  std::vector<std::string> models;
  NetworkOptions network;                   // how each is opened and prepared
  std::vector<std::int64_t> batches = {1};  // images at once
  std::vector<std::int64_t> threads = {1};  // that compute
  std::vector<std::int64_t> clients = {1};  // sessions side by side, which share the threads
  xnnpack::Convolutions convolutions = {};  // how they are computed
  std::int64_t iterations = 0;              // timed batches of each; 0: as many as `duration` takes
  double duration = 3;                      // in seconds
  std::int64_t warmup = 0;                  // batches before; 0: until they are steady
  bool profile = false;                     // also each layer
  std::string pipeline;                     // also photos from there to their answers; "": none
  InputOptions inputs = {};                 // of that
};

// One row of the report: a model by one size of batches on so many threads in so many sessions.
struct BenchConfiguration {
  std::string model;
  std::int64_t batch = 1, threads = 1, clients = 1;
};

struct BenchLayer {
  std::string name, kind, method;
  double ms = 0;           // the median
  std::int64_t macs = 0;   // of the whole batch, as the direct convolution counts
  std::int64_t bytes = 0;  // that are read and written
  double limit_ms = 0;     // what neither the processor nor the memory could do in less
  bool integers = false;   // its products are of 8-bit integers
  // Twice its multiply-adds, of floats or of integers.
  double gflops() const { return ms > 0 ? 2e-6 * static_cast<double>(macs) / ms : 0; }
};
struct BenchProfile {
  // As this machine was measured; of 8-bit integers 0 where no layer has any.
  double peak_gflops = 0, peak_int8_gops = 0, memory_gb_per_second = 0;
  std::vector<BenchLayer> layers;
  double total_ms() const;
  double total_limit_ms() const;
  double peak_of(const BenchLayer& layer) const { return layer.integers ? peak_int8_gops : peak_gflops; }
};

struct BenchPipeline {
  std::int64_t photos = 0, failed = 0;
  double decode_images_per_second = 0, network_images_per_second = 0, images_per_second = 0;
  double share_of_sum = 0;  // of the times of decoding and of the network, each alone
};

struct BenchRow {
  BenchConfiguration configuration;
  double load_ms = 0, first_ms = 0, peak_rss_mib = 0;
  std::vector<double> times;  // of each batch, in milliseconds, sorted
  std::optional<BenchProfile> profile;
  std::optional<BenchPipeline> pipeline;

  double at(double q) const;  // 0 <= q <= 1: the least, the median, the largest time
  double total_ms() const;
  double mean_ms() const { return total_ms() / static_cast<double>(times.size()); }
  // Of all clients: each begins a batch when its last one ends.
  double images_per_second() const { return 1e3 * static_cast<double>(configuration.batch * configuration.clients) / at(0.5); }
};

struct BenchResult {
  Machine machine;
  std::vector<BenchRow> rows;  // by model, then batch, then threads, then clients
};

// Workers are started before anything is measured. Of several configurations of a model, the first says to the observer what is
// to be said. Throws Error: of the models, Error(invalid) where there are no photos, and what `before_reading` throws.
BenchResult bench(const BenchRequest& request, const TaskContext& context, const StartWorker& start);

}  // namespace resnet::cli

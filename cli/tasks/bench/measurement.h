// What a worker of bench does: one network by one size of batches, loaded, warmed up, timed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/tasks/bench/bench.h"
#include "lib/measure/timing.h"

namespace resnet::cli {

struct Loaded {
  double load_ms = 0, first_ms = 0, peak_rss_mib = 0;
};
struct Turn {
  std::vector<double> times;  // of each batch, in milliseconds
  double peak_rss_mib = 0;
};

class Measurement {
 public:
  // `silent`: nothing but errors is told, where another one says the same. All outlives it.
  Measurement(const BenchRequest& request, BenchConfiguration configuration, bool silent, const TaskContext& context);

  // What Asker asks, in its words.
  std::string answer(const std::string& question);

 private:
  // Reads the model and warms it up: before anything else.
  Loaded load();
  void note_mixing(const Graph& graph);
  void warm_up();
  // For so many seconds, and at most so many batches; at least one. The first, which brings caches and threads back, is not
  // counted.
  Turn run(double seconds, std::int64_t most);
  BenchProfile profile();
  // The network or the list of photos that pipeline() would refuse, before anything is measured.
  void refuse_pipeline();
  BenchPipeline pipeline();
  NetworkOptions pipeline_options() const;
  std::vector<std::filesystem::path> photos() const;

  const BenchRequest& request_;
  const BenchConfiguration configuration_;
  std::unique_ptr<Observer> silent_;
  const TaskContext context_;
  std::unique_ptr<TimedNetwork> network_;
};

// The other side: asks a worker whose answers are a Measurement's.
class Asker {
 public:
  explicit Asker(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}
  Loaded load();
  Turn run(double seconds, std::int64_t most);
  BenchProfile profile();
  BenchPipeline pipeline();
  // Nothing is asked any more.
  void end() { worker_.reset(); }

 private:
  std::unique_ptr<Worker> worker_;
};

}  // namespace resnet::cli

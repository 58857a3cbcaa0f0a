// How long a network takes on this machine, from its file to its answers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/stop.h"
#include "lib/base/threads.h"
#include "lib/graph/graph.h"
#include "lib/xnnpack/plan.h"
#include "lib/xnnpack/session.h"

namespace resnet {

// Of the graph's inputs: symbols become `batch` where they are the first dim, else 224.
std::vector<Shape> usual_shapes(const Graph& graph, std::int64_t batch);

// One step of a plan, over all runs that were timed.
struct StepTime {
  std::string node, kind, method;
  double milliseconds = 0;  // median
  std::int64_t macs = 0;    // of the whole batch, as the direct convolution counts
  double products = 0;      // multiplications that its method cannot do without
  std::int64_t bytes = 0;   // of the node's inputs, weights and outputs, each once
};

// A network that is ready to run, with noise as its input.
class TimedNetwork {
 public:
  // `load` gives the graph; it, the plan and the first run are timed. The inputs have their usual_shapes. Throws Error as the
  // plan does.
  TimedNetwork(const std::function<Graph()>& load, std::size_t threads, xnnpack::Job job, std::uint64_t seed);

  double load_milliseconds() const { return load_; }
  double first_milliseconds() const { return first_; }
  // One batch, in milliseconds.
  double run();
  // Each step's own time, the median of `runs` runs. Throws Error(interrupted).
  std::vector<StepTime> profile(int runs, const Stop& stop = {});
  ThreadPool& pool() { return pool_; }

 private:
  ThreadPool pool_;
  std::vector<Shape> shapes_;
  std::shared_ptr<const xnnpack::Plan> plan_;
  std::unique_ptr<xnnpack::Session> session_;
  double load_ = 0, first_ = 0;
};

// Of a sorted list: linear between its elements, 0 <= q <= 1.
double quantile(const std::vector<double>& sorted, double q);

}  // namespace resnet

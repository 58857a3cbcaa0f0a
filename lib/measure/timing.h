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
  bool integers = false;    // its products are of 8-bit integers
};

// A network that is ready to run, with noise as its input: one session, or several side by side.
class TimedNetwork {
 public:
  // `load` gives the graph; it, the plan and the first run are timed. The inputs have their usual_shapes. `clients` sessions of
  // one plan share `threads` threads: each has as many as the others, at least one. Throws Error as the plan does.
  TimedNetwork(const std::function<Graph()>& load, std::size_t threads, std::size_t clients, xnnpack::Job job,
               std::uint64_t seed);

  double load_milliseconds() const { return load_; }
  double first_milliseconds() const { return first_; }
  // One batch of the first session alone, in milliseconds.
  double run();
  // What each batch took, in milliseconds, while every session ran one after the other: for so many seconds, and at most so many
  // batches of all; at least one. Throws Error(interrupted).
  std::vector<double> run_all(double seconds, std::int64_t most, const Stop& stop = {});
  // Each step's own time, the median of `runs` runs. Throws Error(interrupted).
  std::vector<StepTime> profile(int runs, const Stop& stop = {});
  ThreadPool& pool() { return clients_.front()->pool; }

 private:
  struct Client {
    explicit Client(std::size_t threads) : pool(threads) {}
    // Fits its session to the shapes and fills the inputs with noise; how long the noise took, in milliseconds.
    double prepare(const std::vector<Shape>& shapes, const Graph& graph, std::uint64_t seed);
    double run();

    ThreadPool pool;
    std::unique_ptr<xnnpack::Session> session;
  };

  std::vector<Shape> shapes_;
  std::shared_ptr<const xnnpack::Plan> plan_;
  std::vector<std::unique_ptr<Client>> clients_;
  double load_ = 0, first_ = 0;
};

// Of a sorted list: linear between its elements, 0 <= q <= 1.
double quantile(const std::vector<double>& sorted, double q);

}  // namespace resnet

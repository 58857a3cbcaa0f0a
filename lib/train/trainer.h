// A run: iterations of stochastic gradient descent over examples, which can be saved at any of them and resumed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/train/augment.h"
#include "lib/train/examples.h"
#include "lib/train/network.h"
#include "lib/train/schedule.h"

namespace resnet::train {

struct Descent {
  Schedule schedule;
  double momentum = 0.9, weight_decay = 1e-4;
  bool decay_all = true;  // else batch norm and biases do not decay
  double label_smoothing = 0;
  // Batches of the network whose gradients are averaged for one step: that of a batch so many times as large. Batch norm's
  // statistics are those of each of them, as several processors would have them that see a part each.
  std::int64_t accumulate = 1;
  std::uint64_t seed = 0;
};

// One line of a run's log: what has happened since the line before.
struct Row {
  std::int64_t iteration = 0;  // how many have been done
  double epoch = 0;
  double rate = 0;
  double training_loss = 0, training_error = 0;  // means over the examples; the error as a share
  std::optional<double> test_loss = {}, test_error = {};
  double images_per_second = 0, seconds = 0;  // of training alone; the whole run's, all its parts together
};

// Of rows of tests the one of the least error, the first of equals; nothing without tests.
std::optional<Row> best_of(const std::vector<Row>& rows);

// All that a run needs to resume, besides its options and its examples.
struct Checkpoint {
  Graph graph;                               // with its parameters
  std::map<std::string, Tensor> velocities;  // by the parameter's name
  std::int64_t iteration = 0;
  double loss = 0, seconds_in_row = 0, seconds = 0;  // since the last row, and in all
  std::int64_t correct = 0, images = 0;              // since the last row
  std::int64_t warmed_up = -1;                       // Schedule::State's
  std::vector<Row> rows;
};

class Trainer {
 public:
  // What is given outlives the trainer. `workers` threads make batches ahead. Throws Error(invalid) where there are no examples.
  Trainer(Network& network, const Examples& training, const Examples* test, const View& view, const Descent& descent,
          std::size_t workers);
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  // Of the checkpoint's iteration, bit for bit. To be called before the first step(), with a network of the checkpoint's graph.
  // Throws Error(malformed) where a parameter's velocity is not there or of another shape.
  void resume(const Checkpoint& checkpoint);
  Checkpoint checkpoint() const;

  // Shows the first `batches` batches to a network whose batch norm was folded: see Network::finish_calibration().
  void calibrate(std::size_t batches);

  std::int64_t iteration() const;
  double epoch() const;

  struct Step {
    double loss = 0;  // the mean of the step's images
    double rate = 0;
    double mean_loss = 0, accuracy = 0;  // since the last row
    double images_per_second = 0;
  };
  // Throws Error(failed) where the loss is not finite, before the parameters change.
  Step step();
  // Ends a row: tests, where there are test examples, `progress` being called for each image; and returns it. Nothing where it
  // was stopped: progress() said false. Throws Error(failed) where a parameter is no longer finite.
  std::optional<Row> finish_row(const std::function<bool(std::size_t)>& progress);
  const std::vector<Row>& rows() const;
  // How many examples it is tested on.
  std::size_t tests() const;
  // Training examples that could not be decoded: each was replaced by another.
  std::size_t broken() const;
  // Test examples that could not be decoded, counted each time.
  std::size_t broken_tests() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace resnet::train

// One caller's buffers and operators over a shared plan.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lib/base/threads.h"
#include "lib/xnnpack/plan.h"

namespace resnet::xnnpack {

// Which of a pool's threads a session uses; results have the same bits either way.
enum class Sharing : std::uint8_t {
  always,         // all
  where_it_pays,  // the caller alone where loops are so short that more threads gain next to nothing and only compete
};

class Session {
 public:
  // `pool` outlives the session; a pool serves one running session at a time.
  Session(std::shared_ptr<const Plan> plan, ThreadPool& pool, Sharing sharing = Sharing::always);
  ~Session();
  Session(Session&&) noexcept;

  // Fits operators and the arena to these inputs; packs nothing. A symbol of the graph's inputs takes any size. Cheap where
  // nothing changes. Throws Error(mismatch) where a shape does not fit the graph's, or where the values of an input decide
  // shapes: such a graph is run by run(tensors).
  void reshape(std::span<const Shape> input_shapes);

  // The buffers after reshape(), to be filled and read in place: input_layout() says how an input's buffer holds it. They keep
  // their contents until the next reshape().
  Layout input_layout(std::size_t index) const;
  std::span<std::byte> input(std::size_t index);
  // Row-major in the graph's order of axes.
  const Tensor& output(std::size_t index) const;
  std::size_t input_count() const;
  std::size_t output_count() const;

  // Runs all steps on what the input buffers hold. Allocates nothing, but for operators that XNNPACK lacks.
  void run();
  // One step alone, to be timed: 0 .. step_count() - 1, in order.
  std::size_t step_count() const;
  StepInfo step_info(std::size_t index) const;
  void run_step(std::size_t index);

  // Reshapes to these tensors (in the graph's order of axes), copies them in, runs, and returns copies of the outputs. Inputs
  // whose values decide shapes are bound as constants for this one run.
  std::vector<Tensor> run(std::span<const Tensor> inputs);

  // Bytes of activations.
  std::size_t arena_bytes() const;
  // How many threads run() uses, after reshape().
  std::size_t threads() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace resnet::xnnpack

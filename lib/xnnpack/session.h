// One caller's buffers and operators over a shared plan.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "lib/base/threads.h"
#include "lib/xnnpack/plan.h"

namespace resnet::xnnpack {

// How an input's or output's buffer holds a value of rank 4.
enum class Layout : std::uint8_t {
  as_graph,  // row-major in the graph's order of axes (NCHW)
  nhwc,
};

class Session {
 public:
  // `pool` outlives the session; a pool serves one running session at a time.
  Session(std::shared_ptr<const Plan> plan, ThreadPool& pool);
  ~Session();
  Session(Session&&) noexcept;

  // Fits operators and the arena to these inputs; packs nothing. A symbol of the graph's inputs takes any size. Cheap where nothing
  // changes. Throws Error(bad_input) where a shape does not fit the graph's.
  // Where an input's values decide shapes (Reshape's shape as an input), use run(tensors), which gives them.
  void reshape(std::span<const Shape> input_shapes);

  // The buffers after reshape(), to be filled and read in place. An image input (rank 4, float, 3-channel NCHW that feeds a
  // convolution) is best filled as nhwc: input_layout() says which one the buffer has.
  Layout input_layout(std::size_t index) const;
  std::span<std::byte> input(std::size_t index);
  // Row-major in the graph's order of axes, whatever the layout inside.
  const Tensor& output(std::size_t index) const;
  std::size_t input_count() const;
  std::size_t output_count() const;

  // Runs all steps on what the input buffers hold. No allocation.
  void run();
  // Reshapes to these tensors (in the graph's order of axes), copies them in, runs, and returns copies of the outputs. Handles inputs
  // whose values decide shapes.
  std::vector<Tensor> run(std::span<const Tensor> inputs);

  // Bytes of activations and of packed weights.
  std::size_t arena_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace resnet::xnnpack

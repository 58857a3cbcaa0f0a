// A network that learns: forward and backward by oneDNN's primitives, over one batch of fixed size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lib/graph/graph.h"

namespace resnet::train {

// training: batch norm by the batch's own statistics, which update the running ones. inference: by the running ones. calibration:
// as inference, and the batch's statistics are recorded.
enum class Mode : std::uint8_t { training, inference, calibration };

// A parameter that is trained.
struct Parameter {
  std::string name;        // of the graph's constant: "layer1.0.conv1.weight"
  bool is_weight = false;  // of a convolution or of the classifier; else a bias, or batch norm's scale or shift
  // In the layout that the primitives want, all of the same length.
  std::span<float> values, gradient, velocity;
};

class Network {
 public:
  // A graph as arch::build() makes it: one NCHW float input, one output of batch x classes logits, every parameter a constant.
  // `frozen` says of a constant's name that it keeps its value; nothing before the first that does not is differentiated, and a
  // frozen batch norm keeps its running statistics. Throws Error(unsupported) with the node for an operator that cannot be
  // trained, and also where there is not enough memory for such a batch.
  Network(const Graph& graph, std::int64_t batch, const std::function<bool(const std::string&)>& frozen = {});
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  std::int64_t batch() const;
  std::int64_t classes() const;
  // Of all that it keeps for such a batch: activations, gradients, parameters. What is not written yet is only reserved.
  std::size_t bytes() const;

  // To be filled before forward(): batch x 3 x height x width, as the graph's input.
  std::span<float> input();
  // batch x classes.
  std::span<const float> forward(Mode mode);
  // To be filled between forward(Mode::training) and backward(): the loss's derivative by the logits, batch x classes.
  std::span<float> logits_gradient();
  // Fills every parameter's gradient.
  void backward();

  // After forward(Mode::calibration) for some batches: the recorded statistics become the running ones of each batch norm that is
  // trained, whose scale and shift change with them so that it computes what it did before. A network whose batch norm was folded
  // into its convolutions can then be trained further without forgetting.
  void finish_calibration();

  std::span<Parameter> parameters();

  // The derivative by a trained parameter, and its velocity, in the parameter's own shape and order (ONNX's).
  Tensor gradient(const std::string& name) const;
  Tensor velocity(const std::string& name) const;
  void set_velocity(const std::string& name, const Tensor& value);

  // The graph that was given, its constants as they are now.
  Graph graph() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace resnet::train

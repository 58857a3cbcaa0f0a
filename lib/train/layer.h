// What a network that learns is made of: values, parameters, and a layer for each operator (or for two that run as one).
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/graph/graph.h"
#include "lib/train/network.h"

namespace resnet::train {

using dnnl::memory;

// A primitive with what it works on.
struct Call {
  dnnl::primitive primitive;
  std::unordered_map<int, memory> arguments;
};

// Memory that is planned once: what a block was planned for ends before it is handed out again.
class Arena {
 public:
  // Kept as long as anything planned later may need it.
  using Lease = std::shared_ptr<std::byte>;
  Lease lease(std::size_t bytes);
  // For good, and of memory that nothing was planned for before: what is written into it while planning stays.
  std::byte* keep(std::size_t bytes);
  std::size_t bytes() const;

 private:
  struct Block {
    std::shared_ptr<std::byte> memory;
    std::size_t size;
    bool is_free;
  };
  Block& add_block(std::size_t bytes);

  std::list<Block> blocks_;
};

// The derivative by a value, or a part of it: one consumer's.
struct Gradient {
  memory data;
  Arena::Lease lease;
};

// A value of the graph.
struct Value {
  std::string name;
  memory data;  // in the layout that its producer chose
  Arena::Lease lease;
  bool wants_gradient = false;      // a parameter before it is trained
  bool is_read_backward = false;    // a layer that is differentiated has it as its input
  std::vector<Gradient> gradients;  // of the consumers that are planned, each in the layout of `data`
};

// A constant of the graph that is a float parameter.
struct Weights {
  std::string name;
  Tensor initial;
  bool is_weight = false, is_trained = false, is_running_figure = false;
  memory values, gradient, velocity;  // in the layout that its layer chose; the last two where it is trained
};

// What layers are planned with.
struct Planner {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  Arena arena;

  // The memory of a layer's result, from now on.
  void give(Value& value, const memory::desc& desc);
  // A gradient's, as long as its lease is kept.
  Gradient lease(const memory::desc& desc);
  // A consumer's part of a value's gradient, in the value's own layout, for the consumer to fill.
  memory add_gradient(Value& value);
  // For good.
  memory keep(const memory::desc& desc);
  // A parameter's memory, in its layout from now on, with its initial values.
  void place(Weights& weights, const memory::desc& desc);
  // At once, whatever the two layouts.
  void copy(memory from, memory to) { dnnl::reorder(from, to).execute(stream, from, to); }
  void run(const Call& call) { call.primitive.execute(stream, call.arguments); }
};

// Bytes copied to another layout, where it is another one.
class Reorder {
 public:
  Reorder() = default;
  // The result is `from` where the layouts are the same, else memory that `lease` keeps.
  Reorder(Planner& planner, const memory& from, const memory::desc& to, Arena::Lease& lease);
  // Into memory that is there.
  Reorder(const memory& from, const memory& to);

  const memory& result() const { return to_; }
  void run(Planner& planner) const {
    if (call_) planner.run(*call_);
  }

 private:
  memory to_;
  std::optional<Call> call_;
};

// What comes from a value's consumers, added up, where a consumer needs it as one.
class IncomingGradient {
 public:
  // Leaves the value without parts. `masked`: 0 where the value itself is not above 0, which is a ReLU's derivative by its
  // result.
  Gradient plan(Planner& planner, Value& value, bool masked = false);
  void run() const;

 private:
  std::vector<const float*> parts_;
  const float* mask_ = nullptr;
  float* sum_ = nullptr;
  std::size_t count_ = 0;  // 0: there was one part, which stands for all
};

class Layer {
 public:
  virtual ~Layer() = default;
  virtual void forward(Planner& planner, Mode mode) = 0;
  // Called in reverse order, where the result's gradient is wanted: takes its parts, and gives each input that wants one its own.
  virtual void plan_backward(Planner& planner) = 0;
  virtual void backward(Planner& planner) = 0;
  virtual void finish_calibration() {}
};

// How a layout's elements lie: the one that oneDNN has chosen, for loops of our own. Throws Error(internal) for another than
// NCHW, NHWC and blocks of channels.
struct Layout {
  explicit Layout(const memory::desc& desc);
  std::size_t at(std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) const {
    return static_cast<std::size_t>(n * strides[0] + c / block * strides[1] + c % block + h * strides[2] + w * strides[3]);
  }
  std::int64_t dims[4], strides[4], block = 1;
};
// The same kind of layout for other dims.
memory::desc like(const memory::desc& desc, const memory::dims& dims);

// NCHW's or a matrix's own order.
memory::desc plain(const memory::dims& dims);
memory::dims dims_of(const Shape& shape);
inline float* floats(const memory& data) { return static_cast<float*>(data.get_data_handle()); }
// Floats in a layout, those included that only fill up its blocks.
inline std::size_t floats_in(const memory& data) { return data.get_desc().get_size() / sizeof(float); }

// What a layer is made of: its node's inputs and output. Parameters are null where the node has none.
struct Site {
  const Node& node;
  std::vector<Fact> facts;  // of the node's inputs
  Shape shape;              // of its output
  std::vector<Value*> inputs;
  std::vector<Weights*> weights;  // by the node's input
  Value& output;
};

std::unique_ptr<Layer> make_convolution(Planner& planner, const Site& site, const Conv& op);
// `with_relu`: the ReLU after it, whose output is the site's.
std::unique_ptr<Layer> make_batch_norm(Planner& planner, const Site& site, const BatchNormalization& op, bool with_relu);
std::unique_ptr<Layer> make_addition(Planner& planner, const Site& site, bool with_relu);
std::unique_ptr<Layer> make_relu(Planner& planner, const Site& site);
std::unique_ptr<Layer> make_sigmoid(Planner& planner, const Site& site);
// A map times a factor for each channel.
std::unique_ptr<Layer> make_channel_scale(Planner& planner, const Site& site);
std::unique_ptr<Layer> make_max_pool(Planner& planner, const Site& site, const MaxPool& op);
std::unique_ptr<Layer> make_average_pool(Planner& planner, const Site& site, const AveragePool& op);
std::unique_ptr<Layer> make_global_average_pool(Planner& planner, const Site& site);
// Slice and Pad: every element of the result is one of the input, or 0.
std::unique_ptr<Layer> make_movement(Planner& planner, const Site& site);
std::unique_ptr<Layer> make_flatten(Planner& planner, const Site& site);
std::unique_ptr<Layer> make_classifier(Planner& planner, const Site& site);

}  // namespace resnet::train

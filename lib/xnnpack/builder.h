// Turns a plan's steps into operators and buffers for one set of input shapes.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "lib/base/threads.h"
#include "lib/xnnpack/arena.h"
#include "lib/xnnpack/handles.h"
#include "lib/xnnpack/plan_state.h"

namespace resnet::xnnpack {

// The order in which a buffer holds a value's axes: entry k is the axis of the graph that is at place k in memory.
using Order = std::vector<std::size_t>;
Order canonical_order(std::size_t rank);
inline Order nhwc_order() { return {0, 2, 3, 1}; }
// Whether two orders lay out the same bytes: axes of one element do not matter.
bool same_bytes(const Shape& shape, const Order& a, const Order& b);

// Where a value is.
struct Place {
  int buffer = -1;
  Order order;
};

// What runs, in order. `bind` is called once with the addresses of what `access` names, reads before writes, and gets no others:
// a step cannot touch a buffer that it does not name. `run` then needs nothing more.
struct Running {
  NodeId node = -1;
  const char* kind = "";
  Access access;
  std::function<void(std::span<std::byte* const> addresses)> bind;
  std::function<void()> run;
  const char* method = "";
};

class Builder {
 public:
  // `graph` is the plan's with all dims known. `kept` holds the weighted operators, one per step of the plan, made at first use.
  Builder(const Plan& plan, const Graph& graph, ThreadPool& pool, std::vector<Operator>& kept);

  void build();

  // When the buffers are needed; their lifetimes follow from it.
  Usage usage() const;

  std::vector<Running> running;
  std::vector<std::size_t> sizes;          // bytes of each buffer
  std::vector<Tensor> constants;           // buffers that are not part of the arena ...
  std::map<int, std::size_t> constant_of;  // ... by buffer
  std::vector<int> input_buffers;
  std::vector<Place> output_places;

 private:
  const Shape& shape(ValueId id);
  std::size_t bytes(ValueId id);
  // The value's own node's value where it is constant.
  const std::optional<Tensor>& constant(ValueId id) const { return graph_.fact(id).value; }

  int allocate(std::size_t size);
  int hold(Tensor tensor);
  const Place& home(ValueId id);
  // The value in this order: where it already is, or transposed into a buffer of its own by a step that is added now.
  int demand(ValueId id, const Order& order);
  // A buffer for a step's output.
  int produce(ValueId id, Order order);
  void place(ValueId id, Place where) { homes_[id] = std::move(where); }
  void add(Running step);
  // Adds an XNNPACK operator; setup gets the addresses of what it reads, then of what it writes, null for -1.
  using Setup = std::function<void(xnn_operator_t op, std::span<std::byte* const> addresses)>;
  void add_operator(const Step& step, xnn_operator_t op, Access access, Setup setup);
  xnn_operator_t own(Operator op);
  // Adds an evaluation by lib/reference. Tensors stand for values in physical order.
  struct Operand {
    int buffer = -1;                             // or
    std::optional<Tensor> value = std::nullopt;  // a constant
    DType dtype = DType::float32;
    Shape shape = {};
    bool left_out = false;
  };
  void add_reference(const Step& step, Op op, std::vector<Operand> inputs, std::vector<Operand> outputs);
  Operand operand(ValueId id, const Order& order);

  void build_step(const Step& step, std::size_t index);
  bool has_empty_operand(const Step& step);
  void forget_reads(Usage& usage) const;
  void convolution(const Step& step, std::size_t index);
  void direct_convolution(const Step& step);
  void direct_product(const Step& step);
  void winograd_convolution(const Step& step);
  void product(const Step& step, std::size_t index);
  void pool(const Step& step);
  void mean(const Step& step);
  void add_residual(const Step& step);
  void binary(const Step& step);
  void normalization(const Step& step);
  void clamp(const Step& step);
  void sigmoid(const Step& step);
  void softmax(const Step& step);
  void view(const Step& step);
  void transpose(const Step& step);
  void slice(const Step& step);
  void pad(const Step& step);
  void concat(const Step& step);
  void elementwise(const Step& step);
  void fallback(const Step& step);

  // Adds a step of lib/kernels; `body` gets the addresses of what it reads, then of what it writes.
  void add_kernel(const Step& step, Access access, std::function<void(std::span<float* const> addresses)> body);
  // Splits [0, count) over the pool's threads; the loop is made once, so that running allocates nothing.
  void add_loop(const Step& step, Access access, std::size_t count, std::size_t grain,
                std::function<void(std::span<float* const> addresses, std::size_t begin, std::size_t end)> body);

  const Plan& plan_;
  const Graph& graph_;
  ThreadPool& pool_;
  std::vector<Operator>& kept_;
  std::vector<std::shared_ptr<xnn_operator>> owned_;
  std::map<ValueId, Place> homes_;
  std::map<std::pair<ValueId, Order>, int> copies_;
  std::map<ValueId, Shape> shapes_;
};

}  // namespace resnet::xnnpack

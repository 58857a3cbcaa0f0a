// Where a step puts what it does for one set of shapes: its buffers, and the calls that run.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "lib/base/threads.h"
#include "lib/graph/graph.h"
#include "lib/xnnpack/arena.h"
#include "lib/xnnpack/handles.h"

namespace resnet::xnnpack {

class Step;

// The order in which a buffer holds a value's axes: entry k is the axis of the graph that is at place k in memory.
using Order = std::vector<std::size_t>;
Order canonical_order(std::size_t rank);
inline Order nhwc_order() { return {0, 2, 3, 1}; }
// The same for any rank of at least 2.
Order channels_last(std::size_t rank);
// Whether two orders lay out the same bytes: axes of one element do not matter.
bool same_bytes(const Shape& shape, const Order& a, const Order& b);
// The dims in the order in which a buffer holds them.
Shape physical(const Shape& shape, const Order& order);

// Where a value is.
struct Place {
  int buffer = -1;
  Order order;
};

// Of what a call reads, then of what it writes; null for -1.
using Addresses = std::span<std::byte* const>;
template <typename T>
T* as(std::byte* address) {
  return reinterpret_cast<T*>(address);
}

// What runs, in order. `bind` is called once with the addresses of what `access` names, reads before writes, and gets no others:
// a step cannot touch a buffer that it does not name. `run` then needs nothing more.
struct Running {
  NodeId node = -1;
  std::string_view kind;  // as Step::kind() has it
  Access access;
  std::function<void(Addresses addresses)> bind;
  std::function<void()> run;
  std::string_view method = {};
};

// All that the steps of a plan have put there.
struct Emitted {
  std::vector<Running> running;
  std::vector<std::size_t> sizes;          // bytes of each buffer
  std::vector<Tensor> constants;           // buffers that are not part of the arena ...
  std::map<int, std::size_t> constant_of;  // ... by buffer
};

class Emitter {
 public:
  // `graph` is the plan's with all dims known. Calls go to `emitted`. Refers to all three, which must outlive it.
  Emitter(const Graph& graph, ThreadPool& pool, Emitted& emitted) : graph_(graph), pool_(pool), emitted_(emitted) {}

  // Has the step emit. `kept` holds its operator, if it keeps one from one set of shapes to the next.
  void emit(const Step& step, Operator& kept);

  // What a step asks.
  const Graph& graph() const { return graph_; }
  const Node& node() const { return graph_.node(call_.node); }  // that the step was made for
  ThreadPool& pool() { return pool_; }
  const Shape& shape(ValueId id);
  std::size_t elements(ValueId id) { return static_cast<std::size_t>(shape(id).elements()); }
  DType dtype(ValueId id) const { return graph_.fact(id).dtype.value_or(DType::float32); }
  const std::optional<Tensor>& constant(ValueId id) const { return graph_.fact(id).value; }
  // The integers of a constant operand; none where it is left out.
  std::vector<std::int64_t> integers(std::size_t operand) const;

  // Buffers.
  int allocate(std::size_t bytes);
  // Of so many floats, dims multiplied. Throws Error(exhausted) where their bytes cannot be counted.
  int allocate_floats(const std::vector<std::int64_t>& dims);
  int hold(Tensor tensor);
  const Place& home(ValueId id);
  // The value in this order: where it already is, or transposed into a buffer of its own by a call that is added now.
  int demand(ValueId id, const Order& order);
  // A buffer for a result.
  int produce(ValueId id, Order order);
  void place(ValueId id, Place where) { homes_[id] = std::move(where); }

  // XNNPACK's operators: made now, or by the first emit() and kept.
  using SharedOperator = std::shared_ptr<xnn_operator>;
  SharedOperator own(xnn_operator_t created) { return {created, DeleteOperator{}}; }
  SharedOperator keep(const std::function<Operator()>& create);
  using Setup = std::function<void(xnn_operator_t op, Addresses addresses)>;
  using LoopBody = std::function<void(Addresses addresses, std::size_t begin, std::size_t end)>;
  // Splits [0, count) over the pool's threads, in parts of at most `grain`.
  struct Loop {
    std::size_t count, grain;
    LoopBody body;
  };
  // `after`, if it has a body, runs when the operator has, as part of the same call.
  void add_operator(SharedOperator op, Access access, Setup setup, Loop after = {});

  // Calls of our own. A loop is made once, so that running allocates nothing.
  void add_call(Access access, std::function<void(Addresses addresses)> body);
  void add_loop(Access access, std::size_t count, std::size_t grain, LoopBody body);

  // Evaluations by lib/reference. Tensors stand for values in physical order.
  struct Operand {
    int buffer = -1;                             // or
    std::optional<Tensor> value = std::nullopt;  // a constant
    DType dtype = DType::float32;
    Shape shape = {};
    bool left_out = false;
  };
  Operand operand(ValueId id, const Order& order);
  // A result's buffer.
  Operand result(ValueId id, const Order& order);
  void add_reference(Op op, std::vector<Operand> inputs, std::vector<Operand> outputs);
  // The node as it is, in the graph's own order of axes.
  void add_reference();

 private:
  // What reports say of the calls that are added.
  struct Call {
    NodeId node = -1;
    std::string_view kind, method;
  };

  std::function<void(Addresses addresses)> made(Loop loop);
  bool has_empty_operand();
  void emit_empty(const Step& step);
  std::size_t bytes(ValueId id);
  void add(Running running) { emitted_.running.push_back(std::move(running)); }
  int moved_constant(const Tensor& constant, const Shape& source, const Op& op, const Shape& target);

  const Graph& graph_;
  ThreadPool& pool_;
  Emitted& emitted_;
  Call call_;
  Operator* kept_ = nullptr;
  std::map<ValueId, Place> homes_;
  std::map<std::pair<ValueId, Order>, int> copies_;
  std::map<ValueId, Shape> shapes_;
};

}  // namespace resnet::xnnpack

#include "lib/xnnpack/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <string>

#include "lib/base/checked.h"
#include "lib/base/error.h"
#include "lib/passes/rewrite.h"
#include "lib/reference/reference.h"
#include "lib/xnnpack/emission.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/packing.h"

namespace resnet::xnnpack {

struct Session::State {
  // Declared in the order in which they must outlive each other: steps use operators, operators use the plan's packed weights.
  std::shared_ptr<const Plan> plan;
  ThreadPool& pool;
  Sharing sharing;
  ThreadPool caller_alone{1};
  ThreadPool* used = &pool;  // of the two
  std::vector<Operator> kept;
  std::shared_ptr<Buffer> arena;
  std::vector<Tensor> constants;
  std::vector<Running> running;
  std::vector<Shape> shapes;  // of the inputs; empty before the first reshape
  bool ready = false;
  std::vector<std::span<std::byte>> inputs;
  std::vector<Tensor> outputs;

  State(std::shared_ptr<const Plan> p, ThreadPool& t, Sharing s)
      : plan(std::move(p)), pool(t), sharing(s), kept(plan->state().steps.size()) {}
};

namespace {

// What the symbols of the inputs stand for, and the input that said so first.
struct Said {
  std::int64_t number;
  ValueId input;
};
using Symbols = std::map<std::string, Said>;

// The graph's facts with an input's shape filled in.
Fact fact_for(const Graph& graph, ValueId input, const Shape& shape, Symbols& symbols) {
  const Value& value = graph.value(input);
  Fact fact = value.fact;
  bool fits = !fact.dims || fact.dims->size() == shape.rank();
  for (std::size_t i = 0; fits && fact.dims && i < shape.rank(); ++i)
    fits = !(*fact.dims)[i].is_number() || (*fact.dims)[i].number() == shape[i];
  if (!fits) {
    throw Error(Fault::mismatch, Frame::file(Role::input),
                fmt::format("input '{}' is given {}, expected {}", value.name, shape.to_string(), to_string(*fact.dims)));
  }
  // Steps were chosen because dims are equal as formulas.
  for (std::size_t i = 0; fact.dims && i < shape.rank(); ++i) {
    if ((*fact.dims)[i].is_number()) continue;
    const std::string symbol = (*fact.dims)[i].to_string();
    const Said& said = symbols.try_emplace(symbol, Said{shape[i], input}).first->second;
    if (said.number == shape[i]) continue;
    throw Error(Fault::mismatch, Frame::file(Role::input),
                fmt::format("input '{}' is given {}, expected {}, where {} {}", value.name, shape.to_string(),
                            to_string(*fact.dims), symbol,
                            said.input == input ? fmt::format("is one number, not {} and {}", said.number, shape[i])
                                                : fmt::format("is {} in input '{}'", said.number, graph.value(said.input).name)));
  }
  fact.dims = Dims(shape.dims().begin(), shape.dims().end());
  return fact;
}

// The first step's node that makes a value whose shape or type is not known; null where there is none.
const Node* first_unknown(const Graph& graph, const Plan::State& state) {
  for (const auto& step : state.steps) {
    const Node& node = graph.node(step->node());
    for (const Value& value : node.outputs) {
      if (!value.fact.shape() || !value.fact.dtype) return &node;
    }
  }
  return nullptr;
}

// The graph with some of its inputs replaced by their values.
Graph bind_inputs(const Graph& graph, std::span<const Tensor> values, const std::vector<bool>& bound) {
  Rewriter rewriter(graph);
  std::size_t next = 0;
  return rewriter.run([&](NodeId id) {
    if (!holds_alternative<Input>(graph.node(id).op)) return false;
    const std::size_t index = next++;
    if (!bound[index]) return false;
    const ValueId constant = rewriter.graph().add_constant(graph.node(id).name, values[index]);
    rewriter.replace({id, 0}, constant);
    return true;
  });
}

// Multiply-adds of an average convolution or matrix product, all of whose shapes are known, as long as those of float32 take;
// infinitely many where there is none, for nothing is known of other operators.
double multiply_adds_of_loop(const Graph& graph) {
  constexpr double bytes_at_once = 4;
  double all = 0, loops = 0;
  for (const Node& node : graph.nodes()) {
    const Op& op = node.op;
    const bool convolution =
        holds_alternative<Conv>(op) || holds_alternative<ConvInteger>(op) || holds_alternative<QLinearConv>(op);
    const bool product = holds_alternative<Gemm>(op) || holds_alternative<MatMul>(op) || holds_alternative<QGemm>(op) ||
                         holds_alternative<MatMulInteger>(op) || holds_alternative<QLinearMatMul>(op);
    if (!convolution && !product) continue;
    const ValueId second = node.inputs[weight_operand(op)];
    const auto x = graph.fact(node.inputs[0]).shape(), weight = graph.fact(second).shape(), y = node.outputs[0].fact.shape();
    if (!x || !weight || !y || x->rank() == 0 || weight->rank() == 0) continue;
    const auto outputs = static_cast<double>(std::max<std::int64_t>((*weight)[0], 1));
    const double depth =
        convolution ? static_cast<double>(weight->elements()) / outputs : static_cast<double>((*x)[x->rank() - 1]);
    const bool of_bytes = size_of(graph.fact(second).dtype.value_or(DType::float32)) == 1;
    all += static_cast<double>(y->elements()) * depth / (of_bytes ? bytes_at_once : 1);
    loops += 1;
  }
  return loops > 0 ? all / loops : std::numeric_limits<double>::infinity();
}

// A loop of fewer takes one thread some microseconds, and a second one about as long to begin.
constexpr double fewest_multiply_adds = 300'000;

// What is known of a graph's inputs once these are given. Throws Error(mismatch) where they are not what it takes.
std::vector<Fact> facts_of(const Graph& graph, std::span<const Tensor> inputs) {
  if (inputs.size() != graph.inputs().size()) {
    throw Error(Fault::mismatch, Frame::file(Role::input),
                fmt::format("{} inputs, expected {}", inputs.size(), graph.inputs().size()));
  }
  std::vector<Fact> facts;
  Symbols symbols;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Fact& fact = graph.fact(graph.inputs()[i]);
    if (fact.dtype && *fact.dtype != inputs[i].dtype()) {
      throw Error(Fault::mismatch, Frame::file(Role::input),
                  fmt::format("input '{}' is given {}, expected {}", graph.value(graph.inputs()[i]).name,
                              name_of(inputs[i].dtype()), name_of(*fact.dtype)));
    }
    facts.push_back(fact_for(graph, graph.inputs()[i], inputs[i].shape(), symbols));
    if (!facts.back().dtype) facts.back().dtype = inputs[i].dtype();
  }
  return facts;
}

// Where values decide shapes: by a plan of its own, with the values of small integer inputs first, with all where that is not
// enough. The plan that the caller has holds no weights that could be planned again.
std::vector<Tensor> run_bound(const Plan& plan, ThreadPool& pool, std::span<const Tensor> inputs,
                              const std::vector<Fact>& facts) {
  const auto& unpacked = plan.state().unpacked;
  if (!unpacked) {
    throw Error(Fault::unsupported, "the shape of a value depends on the values of an input that holds no small integers");
  }
  std::vector<bool> bound;
  for (const Tensor& input : inputs)
    bound.push_back(input.shape().rank() <= 1 && (!is_floating_point(input.dtype()) || input.elements() == 1));
  for (const bool everything : {false, true}) {
    if (everything) bound.assign(inputs.size(), true);
    const auto sized = Plan::make(bind_inputs(*unpacked, inputs, bound));
    std::vector<Tensor> rest;
    std::vector<Fact> rest_facts;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (bound[i]) continue;
      rest.push_back(inputs[i]);
      rest_facts.push_back(facts[i]);
    }
    const Graph known = with_input_facts(sized->graph(), rest_facts);
    const Node* unknown = first_unknown(known, sized->state());
    if (unknown == nullptr) return Session(sized, pool).run(rest);
    if (everything) {
      throw Error(Fault::unsupported, Frame::node(describe(*unknown)),
                  "the shape of its output depends on values that cannot be computed before the run");
    }
  }
  __builtin_unreachable();
}

// The largest of the values that a run holds: it is to blame where there is not enough memory.
struct Largest {
  ValueId id;
  std::size_t bytes = 0;
};
Largest largest(const Graph& graph, const Plan::State& state) {
  Largest most;
  const auto look_at = [&](ValueId id) {
    const Fact& fact = graph.fact(id);
    const std::optional<Shape> shape = fact.shape();
    if (!shape || !fact.dtype) return;
    const auto bytes = checked_multiply(static_cast<std::size_t>(shape->elements()), size_of(*fact.dtype))
                           .value_or(std::numeric_limits<std::size_t>::max());
    if (bytes > most.bytes) most = {id, bytes};
  };
  for (const auto& step : state.steps) look_at(step->output());
  for (const ValueId input : graph.inputs()) look_at(input);
  return most;
}

// Throws what `allocates` throws where there is not enough memory, as Error(exhausted) at the largest value.
template <typename Allocates>
auto blaming(const Graph& graph, const Largest& most, const Allocates& allocates) {
  try {
    return allocates();
  } catch (const Error& error) {
    if (error.fault() == Fault::internal || most.id.is_none()) throw;
    throw Error(Fault::exhausted, Frame::node(describe(graph.node(most.id.node))), error.problem());
  }
}

// Before steps list the elements of what is too large. Memory that is not touched costs nothing.
void expect_room(const Graph& graph, const Largest& most) {
  constexpr std::size_t small = 64 << 20;
  if (most.bytes > small) blaming(graph, most, [&] { return Buffer::allocate(most.bytes); });
}

// Copies an input to where the session reads it, in its layout.
void fill(const Tensor& input, Layout layout, std::span<std::byte> target) {
  if (input.size_bytes() == 0) return;
  if (layout == Layout::as_graph || has_fault(PlantedFault::input_misread)) {
    std::memcpy(target.data(), input.bytes().data(), input.size_bytes());
    return;
  }
  const Shape& x = input.shape();
  Tensor nhwc = Tensor::over(input.dtype(), Shape{x[0], x[2], x[3], x[1]}, target);
  const Tensor* pointer = &input;
  reference::evaluate(Transpose{{0, 2, 3, 1}}, std::span(&pointer, 1), std::span(&nhwc, 1));
}

}  // namespace

Session::Session(std::shared_ptr<const Plan> plan, ThreadPool& pool, Sharing sharing)
    : state_(std::make_unique<State>(std::move(plan), pool, sharing)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;

void Session::reshape(std::span<const Shape> input_shapes) {
  State& s = *state_;
  if (s.ready && std::equal(input_shapes.begin(), input_shapes.end(), s.shapes.begin(), s.shapes.end())) return;
  const Graph& graph = s.plan->graph();
  if (input_shapes.size() != graph.inputs().size()) {
    throw Error(Fault::mismatch, Frame::file(Role::input),
                fmt::format("{} inputs, expected {}", input_shapes.size(), graph.inputs().size()));
  }
  s.ready = false;
  std::vector<Fact> facts;
  Symbols symbols;
  for (std::size_t i = 0; i < input_shapes.size(); ++i)
    facts.push_back(fact_for(graph, graph.inputs()[i], input_shapes[i], symbols));
  const Graph sized = with_input_facts(graph, facts);
  const Largest most = largest(sized, s.plan->state());
  expect_room(sized, most);
  s.used = s.sharing == Sharing::where_it_pays && multiply_adds_of_loop(sized) < fewest_multiply_adds ? &s.caller_alone : &s.pool;
  Emission emission = emit(*s.plan, sized, *s.used, s.kept);
  s.running.clear();
  s.arena.reset();
  const Usage usage = usage_of(emission);
  const ArenaLayout layout = blaming(sized, most, [&] { return lay_out(lifetimes_of(usage)); });
  verify(usage, layout);
  s.arena = blaming(sized, most, [&] { return Buffer::allocate(layout.size); });
  std::vector<std::byte*> addresses;
  for (std::size_t i = 0; i < emission.sizes.size(); ++i) {
    const auto held = emission.constant_of.find(static_cast<int>(i));
    addresses.push_back(held != emission.constant_of.end() ? emission.constants[held->second].mutable_bytes().data()
                                                           : s.arena->mutable_bytes().data() + layout.offsets[i]);
  }
  s.running = std::move(emission.running);
  for (const Running& step : s.running) {
    std::vector<std::byte*> touched;
    for (const std::vector<int>* buffers : {&step.access.reads, &step.access.writes}) {
      for (const int buffer : *buffers) touched.push_back(buffer < 0 ? nullptr : addresses[static_cast<std::size_t>(buffer)]);
    }
    step.bind(touched);
  }
  s.inputs.clear();
  for (std::size_t i = 0; i < emission.input_buffers.size(); ++i) {
    const auto buffer = static_cast<std::size_t>(emission.input_buffers[i]);
    s.inputs.emplace_back(addresses[buffer], emission.sizes[buffer]);
  }
  s.outputs.clear();
  for (std::size_t i = 0; i < emission.output_places.size(); ++i) {
    const Fact& fact = sized.fact(sized.outputs()[i]);
    const Shape shape = *fact.shape();
    const auto buffer = static_cast<std::size_t>(emission.output_places[i].buffer);
    const std::size_t size = static_cast<std::size_t>(shape.elements()) * size_of(*fact.dtype);
    s.outputs.push_back(Tensor::over(*fact.dtype, shape, {addresses[buffer], size}));
  }
  s.constants = std::move(emission.constants);
  s.shapes.assign(input_shapes.begin(), input_shapes.end());
  s.ready = true;
}

Layout Session::input_layout(std::size_t index) const { return state_->plan->state().input_layouts[index]; }
std::span<std::byte> Session::input(std::size_t index) { return state_->inputs[index]; }
const Tensor& Session::output(std::size_t index) const { return state_->outputs[index]; }
std::size_t Session::input_count() const { return state_->plan->graph().inputs().size(); }
std::size_t Session::output_count() const { return state_->plan->graph().outputs().size(); }
std::size_t Session::arena_bytes() const { return state_->arena ? state_->arena->bytes().size() : 0; }
std::size_t Session::threads() const { return state_->used->threads(); }
std::size_t Session::step_count() const { return state_->running.size(); }

StepInfo Session::step_info(std::size_t index) const {
  const Running& step = state_->running[index];
  const Node& node = state_->plan->graph().node(step.node);
  return {name_of(node), std::string(step.kind), std::string(step.method)};
}

void Session::run_step(std::size_t index) { state_->running[index].run(); }

void Session::run() {
  for (const Running& step : state_->running) step.run();
}

std::vector<Tensor> Session::run(std::span<const Tensor> inputs) {
  State& s = *state_;
  const std::vector<Fact> facts = facts_of(s.plan->graph(), inputs);
  if (first_unknown(with_input_facts(s.plan->graph(), facts), s.plan->state()) != nullptr) {
    return run_bound(*s.plan, s.pool, inputs, facts);
  }
  std::vector<Shape> shapes;
  for (const Tensor& input : inputs) shapes.push_back(input.shape());
  reshape(shapes);
  for (std::size_t i = 0; i < inputs.size(); ++i) fill(inputs[i], input_layout(i), input(i));
  run();
  std::vector<Tensor> results;
  for (const Tensor& output : s.outputs) {
    Tensor copy = Tensor::allocate(output.dtype(), output.shape());
    if (output.size_bytes() > 0) std::memcpy(copy.mutable_bytes().data(), output.bytes().data(), output.size_bytes());
    results.push_back(std::move(copy));
  }
  return results;
}

}  // namespace resnet::xnnpack

#include "lib/xnnpack/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "lib/base/error.h"
#include "lib/passes/passes.h"
#include "lib/passes/rewrite.h"
#include "lib/reference/reference.h"
#include "lib/xnnpack/convolution_method.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/handles.h"
#include "lib/xnnpack/kinds.h"
#include "lib/xnnpack/packing.h"
#include "lib/xnnpack/plan_state.h"

namespace resnet::xnnpack {

namespace {

void refuse_what_cannot_run(const Graph& graph) {
  std::vector<std::string> missing;
  std::size_t operators = 0;
  for (const Node& node : graph.nodes()) {
    if (!std::holds_alternative<Constant>(node.op) && !std::holds_alternative<Input>(node.op)) ++operators;
    if (!reference::can_evaluate(node.op)) missing.push_back(describe(node));
  }
  if (missing.empty()) return;
  throw Error(Fault::unsupported,
              fmt::format("cannot run {} of {} nodes: {}", missing.size(), operators, fmt::join(missing, ", ")));
}

// Decides how each node is computed. A node that still does something becomes a step.
class Lowering {
 public:
  Lowering(Graph& graph, const Job& job, const PackedWeightsOf& given, ThreadPool& pool)
      : graph_(graph),
        readers_(graph),
        methods_(graph, job, pool.asked()),
        packing_(graph, readers_, given, pool),
        fused_(graph.nodes().size(), false) {}

  std::vector<Step> run() {
    for (std::size_t id = 0; id < graph_.nodes().size(); ++id) {
      const Node& node = graph_.nodes()[id];
      if (fused_[id] || std::holds_alternative<Input>(node.op) || std::holds_alternative<Constant>(node.op)) continue;
      lower(static_cast<NodeId>(id));
    }
    packing_.finish();
    std::vector<Step> steps;
    for (std::optional<Step>& step : steps_) {
      if (step) steps.push_back(std::move(*step));
    }
    return steps;
  }

 private:
  // Takes the activation that alone reads the step's output into the step.
  void fuse_activation(Step& step) {
    const auto reader = readers_.only(step.output);
    if (!reader) return;
    const auto activation = activation_of(graph_, graph_.node(*reader));
    if (!activation || graph_.node(*reader).inputs[0] != step.output) return;
    if (!has_fault(PlantedFault::activation_lost)) step.activation = *activation;
    step.output = {*reader, 0};
    fused_[static_cast<std::size_t>(*reader)] = true;
  }

  void lower(NodeId id) {
    const Node& node = graph_.node(id);
    Step step;
    step.node = id;
    step.output = {id, 0};
    step.kind = kind_of(graph_, node);
    switch (step.kind) {
      case Kind::convolution:
        fuse_activation(step);
        packing_.convolution(step, methods_.of(id));
        break;
      case Kind::product:
        fuse_activation(step);
        packing_.product(step);
        break;
      case Kind::add:
        if (fuse_addition(id)) return;
        fuse_activation(step);
        break;
      case Kind::normalization:
        fuse_activation(step);
        packing_.normalization(step);
        break;
      case Kind::clamp: step.activation = *activation_of(graph_, node); break;
      case Kind::max_pool:
      case Kind::average_pool:
      case Kind::mean:
      case Kind::binary:
      case Kind::sigmoid:
      case Kind::softmax:
      case Kind::view:
      case Kind::transpose:
      case Kind::slice:
      case Kind::pad:
      case Kind::concat:
      case Kind::elementwise:
      case Kind::fallback: break;
    }
    add(std::move(step));
  }

  void add(Step step) {
    maker_[step.output] = steps_.size();
    steps_.push_back(std::move(step));
  }

  // Puts an addition, and the activation after it, into a convolution of lib/kernels that nobody else reads. That one then runs
  // here, where the other operand is known to be there.
  bool fuse_addition(NodeId id) {
    const Node& node = graph_.node(id);
    if (node.inputs[0] == node.inputs[1]) return false;  // a value that is added to itself
    // Of two that could take it the later one does.
    std::vector<std::pair<std::size_t, std::size_t>> makers;  // steps, and which operand they make
    for (const std::size_t operand : {0, 1}) {
      if (const auto found = maker_.find(node.inputs[operand]); found != maker_.end())
        makers.emplace_back(found->second, operand);
    }
    std::sort(makers.rbegin(), makers.rend());
    for (const auto& [index, operand] : makers) {
      std::optional<Step>& maker = steps_[index];
      const bool plain = maker && maker->kind == Kind::convolution && maker->filter && maker->addend.is_none() &&
                         maker->output.node == maker->node;
      if (!plain || readers_.only(maker->output) != id) continue;
      Step step = std::move(*maker);
      maker.reset();
      if (!has_fault(PlantedFault::residual_lost)) step.addend = node.inputs[1 - operand];
      step.output = {id, 0};
      fuse_activation(step);
      add(std::move(step));
      return true;
    }
    return false;
  }

  Graph& graph_;
  const Readers readers_;
  const ConvolutionMethods methods_;
  Packing packing_;
  std::vector<bool> fused_;                 // nodes that an earlier step computes
  std::vector<std::optional<Step>> steps_;  // in the order in which they run; nothing where one has moved to a later place
  std::map<ValueId, std::size_t> maker_;    // whose output it is, by place
};

// Whether shapes may depend on what an input holds: the plan is then made again with those inputs as constants.
bool values_may_decide_shapes(const Graph& graph) {
  for (ValueId id : graph.inputs()) {
    const Fact& fact = graph.fact(id);
    const bool integers = !fact.dtype || *fact.dtype == DType::int64 || *fact.dtype == DType::int32;
    if (integers && (!fact.has_rank() || fact.rank() <= 1)) return true;
    // A single number of any type may be the end of a Range.
    if (fact.has_rank() && (fact.rank() == 0 || (fact.rank() == 1 && (*fact.dims)[0].is(1)))) return true;
  }
  for (const Node& node : graph.nodes()) {
    for (const Value& value : node.outputs) {
      if (!value.fact.has_rank()) return true;
    }
  }
  return false;
}

// An image input is filled in the layout that its first reader wants.
std::vector<Layout> input_layouts(const Graph& graph, const std::vector<Step>& steps) {
  std::vector<Layout> layouts;
  for (ValueId input : graph.inputs()) {
    Layout layout = Layout::as_graph;
    for (const Step& step : steps) {
      const Node& node = graph.node(step.node);
      if (node.inputs.empty() || node.inputs[0] != input) continue;
      const bool wants_nhwc = step.kind == Kind::convolution || step.kind == Kind::max_pool || step.kind == Kind::average_pool ||
                              step.kind == Kind::normalization;
      if (wants_nhwc) layout = Layout::nhwc;
      break;
    }
    layouts.push_back(is_output(graph, input) ? Layout::as_graph : layout);
  }
  return layouts;
}

}  // namespace

Plan::Plan(Graph graph, std::unique_ptr<State> state) : graph_(std::move(graph)), state_(std::move(state)) {}
Plan::~Plan() = default;

std::shared_ptr<const Plan> Plan::make(Graph graph, const PlanOptions& options) {
  refuse_what_cannot_run(graph);
  initialize();
  PassLog log;
  if (options.optimize) graph = optimize(graph, log);
  auto state = std::make_unique<State>();
  if (values_may_decide_shapes(graph)) state->unpacked = graph;
  std::optional<ThreadPool> own;
  if (options.pool == nullptr) own.emplace(1);
  state->steps = Lowering(graph, options.job, options.packed, options.pool != nullptr ? *options.pool : *own).run();
  state->input_layouts = input_layouts(graph, state->steps);
  for (const Step& step : state->steps) {
    if (step.filter) state->weight_bytes += step.filter->bytes().size();
    if (step.packed) state->weight_bytes += step.packed->is_packed() ? step.packed->bytes() : step.weight.size_bytes();
  }
  return std::shared_ptr<const Plan>(new Plan(std::move(graph), std::move(state)));
}

std::vector<StepInfo> Plan::steps() const {
  std::vector<StepInfo> infos;
  for (const Step& step : state_->steps) {
    const Node& node = graph_.node(step.node);
    infos.push_back({node.name.empty() ? node.outputs[0].name : node.name, name_of(step.kind), method_of(step)});
  }
  return infos;
}

std::optional<PackedWeightsOf> Plan::packed_weights() const {
  if (state_->unpacked) return std::nullopt;
  PackedWeightsOf packed;
  for (const Step& step : state_->steps) {
    if (step.filter) packed[step.node] = step.filter;
    if (step.packed && step.packed->is_packed()) packed[step.node] = step.packed->buffer();
  }
  return packed;
}

std::size_t Plan::weight_bytes() const { return state_->weight_bytes; }

}  // namespace resnet::xnnpack

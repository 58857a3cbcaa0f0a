#include "lib/xnnpack/plan.h"

#include <algorithm>
#include <compare>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "lib/passes/passes.h"
#include "lib/passes/rewrite.h"
#include "lib/xnnpack/handles.h"
#include "lib/xnnpack/lower/lower.h"
#include "lib/xnnpack/packing.h"
#include "lib/xnnpack/plan_state.h"
#include "lib/xnnpack/site.h"

namespace resnet::xnnpack {

namespace {

// Walks over the nodes. Each is offered to the step that made its latest operand, where nobody else reads that; a node that no
// step absorbs becomes a step of its own. What operators mean is known to lower/ alone.
class Lowering {
 public:
  Lowering(const Planning& planning, const Readers& readers) : planning_(planning), readers_(readers) {}

  std::vector<std::unique_ptr<const Step>> run() {
    for (std::size_t id = 0; id < planning_.graph().nodes().size(); ++id) {
      const Site site(planning_, static_cast<NodeId>(id));
      if (is_computed(site.node()) && !is_absorbed(site)) add(lower(site));
    }
    std::vector<std::unique_ptr<const Step>> steps;
    for (std::unique_ptr<Step>& step : steps_) {
      if (step) steps.push_back(std::move(step));
    }
    return steps;
  }

 private:
  struct Maker {
    std::size_t step, operand;
    friend auto operator<=>(const Maker&, const Maker&) = default;
  };

  void add(std::unique_ptr<Step> step) {
    maker_[step->output()] = steps_.size();
    steps_.push_back(std::move(step));
  }

  // The steps that make an operand which this node alone reads, the latest first: its result is the likeliest to be in the
  // caches.
  std::vector<Maker> makers_of(const Site& site) const {
    std::vector<Maker> makers;
    const std::vector<ValueId>& inputs = site.node().inputs;
    for (std::size_t operand = 0; operand < inputs.size(); ++operand) {
      const auto found = maker_.find(inputs[operand]);
      if (found == maker_.end() || readers_.only(inputs[operand]) != site.id()) continue;
      makers.push_back({found->second, operand});
    }
    std::sort(makers.rbegin(), makers.rend());
    return makers;
  }

  bool is_absorbed(const Site& site) {
    if (site.node().outputs.size() != 1) return false;
    for (const Maker& maker : makers_of(site)) {
      std::unique_ptr<Step>& step = steps_[maker.step];
      if (!step->absorb(site, maker.operand)) continue;
      maker_.erase(step->output());
      step->stand_for(site);
      if (waits(site, maker.operand)) {
        add(std::move(step));
      } else {
        maker_[step->output()] = maker.step;
      }
      return true;
    }
    return false;
  }

  // Whether another operand is computed, perhaps by a later step.
  static bool waits(const Site& site, std::size_t operand) {
    for (std::size_t i = 0; i < site.node().inputs.size(); ++i) {
      if (i != operand && site.has(i) && !site.is_constant(i)) return true;
    }
    return false;
  }

  const Planning& planning_;
  const Readers& readers_;
  std::vector<std::unique_ptr<Step>> steps_;  // in the order in which they run; null where one has moved to a later place
  std::map<ValueId, std::size_t> maker_;      // whose output it is, by place
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
std::vector<Layout> input_layouts(const Graph& graph, const Readers& readers,
                                  const std::vector<std::unique_ptr<const Step>>& steps) {
  std::map<ValueId, const Step*> first;
  for (const auto& step : steps) {
    const Node& node = graph.node(step->node());
    if (!node.inputs.empty()) first.emplace(node.inputs[0], step.get());
  }
  std::vector<Layout> layouts;
  for (ValueId input : graph.inputs()) {
    const auto reader = first.find(input);
    layouts.push_back(reader == first.end() || readers.is_output(input) ? Layout::as_graph : reader->second->wants());
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
  if (options.optimize) graph = optimize_to_run(graph, log);
  auto state = std::make_unique<State>();
  if (values_may_decide_shapes(graph)) state->unpacked = graph;
  std::optional<ThreadPool> own;
  if (options.pool == nullptr) own.emplace(1);
  ThreadPool& pool = options.pool != nullptr ? *options.pool : *own;
  const Readers readers(graph);
  Packing packing(graph, readers, options.packed, pool);
  const Planning planning(graph, options.job, pool.asked(), packing);
  state->steps = Lowering(planning, readers).run();
  packing.finish();
  state->input_layouts = input_layouts(graph, readers, state->steps);
  for (const auto& step : state->steps) {
    if (const auto weights = step->weights()) state->weight_bytes += weights->bytes;
  }
  return std::shared_ptr<const Plan>(new Plan(std::move(graph), std::move(state)));
}

std::vector<StepInfo> Plan::steps() const {
  std::vector<StepInfo> infos;
  for (const auto& step : state_->steps) {
    const Node& node = graph_.node(step->node());
    infos.push_back({name_of(node), std::string(step->kind()), std::string(step->method())});
  }
  return infos;
}

std::optional<PackedWeightsOf> Plan::packed_weights() const {
  if (state_->unpacked) return std::nullopt;
  PackedWeightsOf packed;
  for (const auto& step : state_->steps) {
    const auto weights = step->weights();
    if (weights && weights->packed) packed[step->node()] = weights->packed;
  }
  return packed;
}

std::size_t Plan::weight_bytes() const { return state_->weight_bytes; }

}  // namespace resnet::xnnpack

#include "lib/xnnpack/emission.h"

#include "lib/base/error.h"
#include "lib/xnnpack/faults.h"

namespace resnet::xnnpack {

namespace {

// What planted faults forget: that a step reads the copy made just before it, what was there before that copy, or the row-padded
// image made before that.
void forget_reads(const Emission& emission, Usage& usage) {
  const std::vector<Running>& running = emission.running;
  for (std::size_t i = 1; i < usage.steps.size(); ++i) {
    if (running[i - 1].kind != "transpose") continue;
    const int copy = usage.steps[i - 1].writes.front();
    const bool is_padded = i > 1 && running[i].node == running[i - 2].node;
    std::erase_if(usage.steps[i].reads, [&](int buffer) {
      if (has_fault(PlantedFault::copy_dies)) return buffer == copy;
      if (has_fault(PlantedFault::operand_dies)) return buffer != copy;
      return is_padded && buffer == usage.steps[i - 2].writes.front();
    });
  }
}

}  // namespace

Emission emit(const Plan& plan, const Graph& graph, ThreadPool& pool, std::vector<Operator>& kept) {
  Emission emission;
  Emitter emitter(graph, pool, emission);
  const Plan::State& state = plan.state();
  for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
    const ValueId input = graph.inputs()[i];
    const Order order = state.input_layouts[i] == Layout::nhwc ? nhwc_order() : canonical_order(emitter.shape(input).rank());
    emission.input_buffers.push_back(emitter.produce(input, order));
  }
  for (std::size_t i = 0; i < state.steps.size(); ++i) {
    const Step& step = *state.steps[i];
    try {
      emitter.emit(step, kept[i]);
    } catch (Error& error) {
      error.in(Frame::node(describe(graph.node(step.node()))));
      throw;
    }
  }
  for (ValueId output : graph.outputs()) {
    const Order order = canonical_order(emitter.shape(output).rank());
    emission.output_places.push_back({emitter.demand(output, order), order});
  }
  return emission;
}

Usage usage_of(const Emission& emission) {
  Usage usage{.sizes = emission.sizes, .inputs = emission.input_buffers};
  for (const Running& running : emission.running) usage.steps.push_back(running.access);
  if (has_fault(PlantedFault::copy_dies) || has_fault(PlantedFault::operand_dies) || has_fault(PlantedFault::padded_image_dies))
    forget_reads(emission, usage);
  for (const Place& output : emission.output_places) usage.outputs.push_back(output.buffer);
  for (const auto& [buffer, constant] : emission.constant_of) usage.constants.push_back(buffer);
  return usage;
}

}  // namespace resnet::xnnpack

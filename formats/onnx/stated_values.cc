#include "formats/onnx/stated_values.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <vector>

#include "formats/onnx/value_info.h"
#include "lib/graph/stated.h"

namespace resnet::onnx {

void StatedValues::collect(const ::onnx::GraphProto& graph) {
  for (const auto* infos : {&graph.value_info(), &graph.output()}) {
    for (const auto& info : *infos) values_.emplace(info.name(), &info);
  }
}

void StatedValues::give_to(Node& made, NodeId id) {
  const bool follows =
      std::any_of(made.inputs.begin(), made.inputs.end(), [&](ValueId input) { return after_unknown_.contains(input.node); });
  if (!follows && !holds_alternative<Opaque>(made.op)) return;
  after_unknown_.insert(id);
  for (Value& value : made.outputs) {
    if (value.fact.has_rank()) continue;
    const auto found = values_.find(value.name);
    if (found != values_.end()) add_stated(value.fact, stated_fact(*found->second));
  }
}

bool StatedValues::forget(Graph& graph) {
  values_.clear();
  if (!change_stated(graph, [](Fact& fact) { fact = Fact::unknown(); })) return false;
  std::vector<Fact> inputs;
  for (const ValueId input : graph.inputs()) inputs.push_back(graph.fact(input));
  graph = with_input_facts(graph, inputs);
  return true;
}

}  // namespace resnet::onnx

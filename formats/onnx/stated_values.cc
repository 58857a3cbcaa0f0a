#include "formats/onnx/stated_values.h"

#include <onnx/onnx_pb.h>

#include <vector>

#include "formats/onnx/value_info.h"
#include "lib/graph/stated.h"

namespace resnet::onnx {

void StatedValues::collect(const ::onnx::GraphProto& graph) {
  for (const auto* infos : {&graph.value_info(), &graph.output()}) {
    for (const auto& info : *infos) values_.emplace(info.name(), &info);
  }
}

void StatedValues::give_to(Node& made) const {
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

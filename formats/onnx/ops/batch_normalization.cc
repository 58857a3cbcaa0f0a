#include <set>

#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

namespace {

// Whether a value comes from constants alone, by way of a few nodes: a weight that the graph normalises.
bool is_made_of_constants(const Graph& graph, ValueId value) {
  constexpr std::size_t most = 64;
  std::set<NodeId> seen;
  std::vector<NodeId> open = {value.node};
  while (!open.empty()) {
    const NodeId id = open.back();
    open.pop_back();
    if (!seen.insert(id).second) continue;
    const Node& node = graph.node(id);
    if (holds_alternative<Input>(node.op) || seen.size() > most) return false;
    for (const ValueId input : node.inputs) {
      if (!input.is_none()) open.push_back(input.node);
    }
  }
  return true;
}

}  // namespace

BatchNormalization import_op(NodeImport& node, BatchNormalization op) {
  read_attributes(node.attributes, op);
  // Versions 1 to 8: spatial=0 normalises each position by itself where scale has that shape; with a vector it is per channel all
  // the same.
  node.attributes.ignore("spatial");
  const bool is_test = node.attributes.flag("is_test", false);
  bool statistics = false;
  for (std::size_t i = 1; i < node.outputs.size(); ++i) statistics = statistics || node.is_read(i);
  bool training = op.training_mode;
  if (node.opset() < 14) training = node.outputs.size() > 1 && !is_test;
  // The running statistics of a weight that is normalised are placeholders.
  const bool is_weight = training && node.has_input(0) && is_made_of_constants(node.graph, node.inputs[0]);
  if (training && !statistics && !is_weight) {
    // What the net answers is what inference gives, where nothing reads the statistics.
    node.notes.add("exported in training mode; it runs as inference, by its running statistics", node.label);
    training = false;
  }
  // Since opset 14 training has three outputs, read or not.
  if (!training || !statistics) node.drop_outputs(training ? 3 : 1);
  op.training_mode = training;
  return op;
}

}  // namespace resnet::onnx

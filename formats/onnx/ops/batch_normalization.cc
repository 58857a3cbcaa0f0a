#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

Op import_batch_normalization(NodeImport& node) {
  BatchNormalization op;
  op.epsilon = node.attributes.number("epsilon", 1e-5f);
  op.momentum = node.attributes.number("momentum", 0.9f);
  node.attributes.ignore("consumed_inputs");  // version 1: memory that may be written over
  // Versions 1 to 8: spatial=0 normalises each position by itself where scale has that shape; with a vector it is per channel all
  // the same.
  node.attributes.ignore("spatial");
  const bool is_test = node.attributes.flag("is_test", false);
  bool statistics = false;
  for (std::size_t i = 1; i < node.outputs.size(); ++i) statistics = statistics || node.is_read(i);
  bool training = node.attributes.flag("training_mode", false);
  if (node.opset() < 14) training = node.outputs.size() > 1 && !is_test;
  if (training && !statistics) {
    // What the net answers is what inference gives, where nothing reads the statistics.
    node.notes.add("exported in training mode; it runs as inference, by its running statistics", node.label);
    training = false;
  }
  if (!training) node.drop_outputs(1);
  op.training_mode = training;
  return op;
}

void export_batch_normalization(const Op& op, NodeExport& node) {
  const auto& norm = std::get<BatchNormalization>(op);
  node.set_unless("epsilon", norm.epsilon, 1e-5f);
  node.set_unless("momentum", norm.momentum, 0.9f);
  if (norm.training_mode) {
    if (node.opset() < 14) node.needs_opset(14, "training mode");
    node.set("training_mode", std::int64_t{1});
  }
  if (node.opset() < 7) node.set("is_test", std::int64_t{1});
}

}  // namespace resnet::onnx

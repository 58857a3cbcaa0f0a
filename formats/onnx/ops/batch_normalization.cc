#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

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
  if (training && !statistics) {
    // What the net answers is what inference gives, where nothing reads the statistics.
    node.notes.add("exported in training mode; it runs as inference, by its running statistics", node.label);
    training = false;
  }
  if (!training) node.drop_outputs(1);
  op.training_mode = training;
  return op;
}

}  // namespace resnet::onnx

#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

MaxPool import_op(NodeImport& node, MaxPool op) {
  read_attributes(node.attributes, op);
  if (!node.is_read(1)) node.drop_outputs(1);
  return op;
}
void export_op(const MaxPool& op, NodeExport& node) {
  if (node.node().outputs.size() > 1 && node.opset() < 8) node.needs_opset(8, "the output Indices");
  write_attributes(op, node);
}

}  // namespace resnet::onnx

#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

ReduceMean import_op(NodeImport& node, ReduceMean op) {
  read_attributes(node.attributes, op);
  if (node.opset() < 18 && node.attributes.has_attribute("axes")) node.set_input(1, "axes", node.attributes.integers("axes"));
  return op;
}

void export_op(const ReduceMean& op, NodeExport& node) {
  write_attributes(op, node);
  if (node.opset() < 18) node.set_list("axes", node.axes(node.take_integers(1, 18), node.rank(0)));
}

}  // namespace resnet::onnx

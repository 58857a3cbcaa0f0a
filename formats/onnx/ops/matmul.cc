#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

Gemm import_op(NodeImport& node, Gemm op) {
  read_attributes(node.attributes, op);
  node.attributes.ignore("broadcast");  // versions below 7; C broadcasts in any case
  return op;
}
void export_op(const Gemm& op, NodeExport& node) {
  if (!node.has_input(2) && node.opset() < 11) node.needs_opset(11, "a Gemm without C");
  write_attributes(op, node);
}

}  // namespace resnet::onnx

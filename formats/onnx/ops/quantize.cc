#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

QuantizeLinear import_op(NodeImport& node, QuantizeLinear op) {
  read_attributes(node.attributes, op);
  node.attributes.ignore("saturate");  // float8 only
  return op;
}

namespace {

template <typename T>
void export_quantization(const T& op, NodeExport& node) {
  const auto scale = node.fact(1).shape();
  const bool per_tensor = scale && scale->elements() == 1;
  if (!per_tensor && node.opset() < 13) node.needs_opset(13, "a scale per axis");
  T written = op;
  if (node.opset() < 13) written.axis = T{}.axis;  // of no account
  write_attributes(written, node);
}

}  // namespace

void export_op(const QuantizeLinear& op, NodeExport& node) { export_quantization(op, node); }
void export_op(const DequantizeLinear& op, NodeExport& node) { export_quantization(op, node); }

}  // namespace resnet::onnx

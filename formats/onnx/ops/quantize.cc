#include "formats/onnx/ops/ops.h"
#include "formats/onnx/tensors.h"

namespace resnet::onnx {

Op import_quantize_linear(NodeImport& node) {
  QuantizeLinear op;
  op.axis = node.attributes.integer("axis", 1);
  op.block_size = node.attributes.integer("block_size", 0);
  op.output_dtype = node.attributes.dtype("output_dtype");
  node.attributes.ignore("saturate");  // float8 only
  return op;
}

Op import_dequantize_linear(NodeImport& node) {
  DequantizeLinear op;
  op.axis = node.attributes.integer("axis", 1);
  op.block_size = node.attributes.integer("block_size", 0);
  return op;
}

namespace {

template <typename T>
void export_quantization(const T& op, NodeExport& node) {
  const auto scale = node.fact(1).shape();
  const bool per_tensor = scale && scale->elements() == 1;
  if (!per_tensor && node.opset() < 13) node.needs_opset(13, "a scale per axis");
  if (op.block_size != 0 && node.opset() < 21) node.needs_opset(21, "a scale per block");
  if (node.opset() >= 13) node.set_unless("axis", op.axis, std::int64_t{1});
  node.set_unless("block_size", op.block_size, std::int64_t{0});
}

}  // namespace

void export_quantize_linear(const Op& op, NodeExport& node) {
  const auto& quantize = std::get<QuantizeLinear>(op);
  export_quantization(quantize, node);
  if (quantize.output_dtype) {
    if (node.opset() < 21) node.needs_opset(21, "output_dtype");
    node.set("output_dtype", std::int64_t{export_dtype(*quantize.output_dtype)});
  }
}

void export_dequantize_linear(const Op& op, NodeExport& node) { export_quantization(std::get<DequantizeLinear>(op), node); }

Op import_dynamic_quantize_linear(NodeImport&) { return DynamicQuantizeLinear{}; }
void export_dynamic_quantize_linear(const Op& op, NodeExport& node) { export_plain(op, node); }

}  // namespace resnet::onnx

#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

Clip import_op(NodeImport& node, Clip op) {
  if (node.opset() < 11) {
    node.attributes.ignore("consumed_inputs");
    if (node.attributes.has_attribute("min")) node.set_scalar(1, "min", node.attributes.number("min", 0));
    if (node.attributes.has_attribute("max")) node.set_scalar(2, "max", node.attributes.number("max", 0));
  }
  return op;
}
void export_op(const Clip&, NodeExport& node) {
  if (node.opset() >= 11) return;
  if (const auto least = node.take_scalar(1, 11)) node.set("min", *least);
  if (const auto most = node.take_scalar(2, 11)) node.set("max", *most);
}

}  // namespace resnet::onnx

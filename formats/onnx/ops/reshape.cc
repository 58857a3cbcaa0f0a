#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

Reshape import_op(NodeImport& node, Reshape op) {
  if (node.opset() < 5) node.set_input(1, "shape", node.attributes.required_integers("shape"));
  read_attributes(node.attributes, op);
  return op;
}
void export_op(const Reshape& op, NodeExport& node) {
  write_attributes(op, node);
  if (node.opset() < 5) node.set("shape", node.take_integers(1, 5));
}

Squeeze import_op(NodeImport& node, Squeeze op) {
  if (node.opset() < 13 && node.attributes.has_attribute("axes")) node.set_input(1, "axes", node.attributes.integers("axes"));
  return op;
}
void export_op(const Squeeze&, NodeExport& node) {
  if (node.opset() < 13) node.set_list("axes", node.axes(node.take_integers(1, 13), node.rank(0)));
}

Unsqueeze import_op(NodeImport& node, Unsqueeze op) {
  if (node.opset() < 13) node.set_input(1, "axes", node.attributes.required_integers("axes"));
  return op;
}
void export_op(const Unsqueeze&, NodeExport& node) {
  if (node.opset() >= 13) return;
  // Axes are those of the output.
  const auto list = node.take_integers(1, 13);
  const auto rank = node.rank(0);
  node.set("axes", node.axes(list, rank ? std::optional(*rank + list.size()) : std::nullopt));
}

}  // namespace resnet::onnx

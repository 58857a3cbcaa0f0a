#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

Op import_flatten(NodeImport& node) {
  Flatten op;
  op.axis = node.attributes.integer("axis", 1);
  return op;
}
void export_flatten(const Op& op, NodeExport& node) {
  node.set_unless("axis", node.axis(std::get<Flatten>(op).axis, node.rank(0)), std::int64_t{1});
}

Op import_reshape(NodeImport& node) {
  if (node.opset() < 5) {
    node.attributes.ignore("consumed_inputs");
    node.set_input(1, "shape", node.attributes.required_integers("shape"));
  }
  Reshape op;
  op.allowzero = node.attributes.flag("allowzero", false);
  return op;
}
void export_reshape(const Op& op, NodeExport& node) {
  if (std::get<Reshape>(op).allowzero) {
    if (node.opset() < 14) node.needs_opset(14, "allowzero");
    node.set("allowzero", std::int64_t{1});
  }
  if (node.opset() < 5) node.set("shape", node.take_integers(1, 5));
}

Op import_squeeze(NodeImport& node) {
  if (node.opset() < 13 && node.attributes.has_attribute("axes")) node.set_input(1, "axes", node.attributes.integers("axes"));
  return Squeeze{};
}
void export_squeeze(const Op&, NodeExport& node) {
  if (node.opset() < 13) node.set_list("axes", node.axes(node.take_integers(1, 13), node.rank(0)));
}

Op import_unsqueeze(NodeImport& node) {
  if (node.opset() < 13) node.set_input(1, "axes", node.attributes.required_integers("axes"));
  return Unsqueeze{};
}
void export_unsqueeze(const Op&, NodeExport& node) {
  if (node.opset() >= 13) return;
  // Axes are those of the output.
  const auto list = node.take_integers(1, 13);
  const auto rank = node.rank(0);
  node.set("axes", node.axes(list, rank ? std::optional(*rank + list.size()) : std::nullopt));
}

}  // namespace resnet::onnx

#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

Concat import_op(NodeImport& node, Concat op) {
  op.axis = node.opset() < 4 ? node.attributes.integer("axis", 1) : node.attributes.required_integer("axis");
  return op;
}

Slice import_op(NodeImport& node, Slice op) {
  if (node.opset() < 10) {
    node.set_input(1, "starts", node.attributes.required_integers("starts"));
    node.set_input(2, "ends", node.attributes.required_integers("ends"));
    if (node.attributes.has_attribute("axes")) node.set_input(3, "axes", node.attributes.integers("axes"));
  }
  return op;
}
void export_op(const Slice&, NodeExport& node) {
  if (node.opset() >= 10) return;
  for (const std::int64_t step : node.take_integers(4, 10)) {
    if (step != 1) node.needs_opset(10, "a step other than 1");
  }
  node.set("starts", node.take_integers(1, 10));
  node.set("ends", node.take_integers(2, 10));
  node.set_list("axes", node.axes(node.take_integers(3, 10), node.rank(0)));
}

Pad import_op(NodeImport& node, Pad op) {
  read_attributes(node.attributes, op);
  if (node.opset() < 11) {
    node.set_input(1, "pads", node.attributes.required_integers(node.opset() < 2 ? "paddings" : "pads"));
    const float value = node.attributes.number("value", 0);
    if (value != 0) node.set_scalar(2, "value", value);
  }
  return op;
}
void export_op(const Pad& op, NodeExport& node) {
  if (op.mode == Pad::Mode::wrap && node.opset() < 19) node.needs_opset(19, "mode wrap");
  if (node.has_input(3) && node.opset() < 18) node.needs_opset(18, "axes");
  write_attributes(op, node);
  if (node.opset() < 11) {
    node.set("pads", node.take_integers(1, 11));
    if (const auto value = node.take_scalar(2, 11)) node.set_unless("value", *value, 0.0f);
  }
}

void export_op(const Gather& op, NodeExport& node) {
  if (node.opset() < 11) {
    // What is not constant is taken on trust.
    for (const std::int64_t index : known_integers(node.fact(1)).value_or(std::vector<std::int64_t>{})) {
      if (index < 0) node.needs_opset(11, "a negative index");
    }
  }
  write_attributes(op, node);
}

}  // namespace resnet::onnx

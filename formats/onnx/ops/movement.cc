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

Split import_op(NodeImport& node, Split op) {
  read_attributes(node.attributes, op);
  if (node.opset() < 13 && node.attributes.has_attribute("split")) node.set_input(1, "split", node.attributes.integers("split"));
  // Said at every opset, so that it is said at those that want it.
  if (!node.has_input(1) && op.num_outputs == 0) op.num_outputs = static_cast<std::int64_t>(node.outputs.size());
  return op;
}
void export_op(const Split& op, NodeExport& node) {
  Split written = op;
  const auto rank = node.rank(0);
  if (node.opset() < 18 && op.num_outputs != 0) {
    const auto axis = rank ? (*node.fact(0).dims)[normalize_axis(op.axis, *rank)] : Dim::symbol("?");
    if (axis.is_number() && axis.number() % op.num_outputs != 0) node.needs_opset(18, "parts of different sizes");
    written.num_outputs = 0;
  }
  write_attributes(written, node);
  if (node.opset() < 13) node.set_list("split", node.take_integers(1, 13));
}

// Version 1 repeats along one axis.
Tile import_op(NodeImport& node, Tile op) {
  if (node.opset() >= 6) return op;
  const auto tiles = node.fact(1).value, axis = node.fact(2).value;
  if (!tiles || !axis || tiles->elements() != 1 || axis->elements() != 1 || !node.fact(0).has_rank())
    throw Error(Fault::unsupported, "tiles and axis are not constant");
  std::vector<std::int64_t> repeats(node.fact(0).rank(), 1);
  repeats[normalize_axis(axis->values_as<std::int64_t>()[0], repeats.size())] = tiles->values_as<std::int64_t>()[0];
  node.set_input(1, "repeats", repeats);
  node.inputs.resize(2);
  return op;
}

TopK import_op(NodeImport& node, TopK op) {
  read_attributes(node.attributes, op);
  if (node.opset() < 10) node.set_input(1, "k", std::vector<std::int64_t>{node.attributes.required_integer("k")});
  return op;
}
void export_op(const TopK& op, NodeExport& node) {
  write_attributes(op, node);
  if (node.opset() >= 10) return;
  const auto k = node.take_integers(1, 10);
  node.set("k", k.empty() ? std::int64_t{0} : k.front());
}

}  // namespace resnet::onnx

#include <fmt/format.h>

#include "formats/onnx/ops/ops.h"
#include "lib/base/error.h"

namespace resnet::onnx {

Op import_transpose(NodeImport& node) {
  Transpose op;
  op.perm = node.attributes.integers("perm");
  return op;
}
void export_transpose(const Op& op, NodeExport& node) { node.set_list("perm", std::get<Transpose>(op).perm); }

Op import_concat(NodeImport& node) {
  Concat op;
  op.axis = node.opset() < 4 ? node.attributes.integer("axis", 1) : node.attributes.required_integer("axis");
  return op;
}
void export_concat(const Op& op, NodeExport& node) { node.set("axis", node.axis(std::get<Concat>(op).axis, node.rank(0))); }

Op import_slice(NodeImport& node) {
  if (node.opset() < 10) {
    node.set_input(1, "starts", node.attributes.required_integers("starts"));
    node.set_input(2, "ends", node.attributes.required_integers("ends"));
    if (node.attributes.has_attribute("axes")) node.set_input(3, "axes", node.attributes.integers("axes"));
  }
  return Slice{};
}
void export_slice(const Op&, NodeExport& node) {
  if (node.opset() >= 10) return;
  for (const std::int64_t step : node.take_integers(4, 10)) {
    if (step != 1) node.needs_opset(10, "a step other than 1");
  }
  node.set("starts", node.take_integers(1, 10));
  node.set("ends", node.take_integers(2, 10));
  node.set_list("axes", node.axes(node.take_integers(3, 10), node.rank(0)));
}

Op import_pad(NodeImport& node) {
  Pad op;
  const std::string mode = node.attributes.text("mode", "constant");
  if (mode == "constant") {
    op.mode = Pad::Mode::constant;
  } else if (mode == "reflect") {
    op.mode = Pad::Mode::reflect;
  } else if (mode == "edge") {
    op.mode = Pad::Mode::edge;
  } else if (mode == "wrap") {
    op.mode = Pad::Mode::wrap;
  } else {
    throw Error(Fault::malformed, fmt::format("mode is '{}', expected constant, reflect, edge or wrap", mode));
  }
  if (node.opset() < 11) {
    node.set_input(1, "pads", node.attributes.required_integers(node.opset() < 2 ? "paddings" : "pads"));
    const float value = node.attributes.number("value", 0);
    if (value != 0) node.set_scalar(2, "value", value);
  }
  return op;
}
void export_pad(const Op& op, NodeExport& node) {
  const auto& pad = std::get<Pad>(op);
  if (pad.mode == Pad::Mode::wrap && node.opset() < 19) node.needs_opset(19, "mode wrap");
  if (node.has_input(3) && node.opset() < 18) node.needs_opset(18, "axes");
  if (pad.mode == Pad::Mode::reflect) node.set("mode", std::string("reflect"));
  if (pad.mode == Pad::Mode::edge) node.set("mode", std::string("edge"));
  if (pad.mode == Pad::Mode::wrap) node.set("mode", std::string("wrap"));
  if (node.opset() < 11) {
    node.set("pads", node.take_integers(1, 11));
    if (const auto value = node.take_scalar(2, 11)) node.set_unless("value", *value, 0.0f);
  }
}

Op import_gather(NodeImport& node) {
  Gather op;
  op.axis = node.attributes.integer("axis", 0);
  return op;
}
void export_gather(const Op& op, NodeExport& node) {
  if (node.opset() < 11) {
    // What is not constant is taken on trust.
    for (const std::int64_t index : known_integers(node.fact(1)).value_or(std::vector<std::int64_t>{})) {
      if (index < 0) node.needs_opset(11, "a negative index");
    }
  }
  node.set_unless("axis", std::get<Gather>(op).axis, std::int64_t{0});
}

Op import_expand(NodeImport&) { return Expand{}; }
void export_expand(const Op& op, NodeExport& node) { export_plain(op, node); }

}  // namespace resnet::onnx

#include <fmt/format.h>

#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

namespace {

// What Upsample and version 10 of Resize mean.
void set_asymmetric(Resize& op) {
  op.coordinate_transformation_mode = Resize::Transformation::asymmetric;
  op.nearest_mode = Resize::Nearest::floor;
}

}  // namespace

Resize import_op(NodeImport& node, Resize op) {
  read_attributes(node.attributes, op);
  if (node.opset() >= 11) return op;
  set_asymmetric(op);
  if (node.inputs.size() > 1) node.inputs.insert(node.inputs.begin() + 1, ValueId::none());
  return op;
}
void export_op(const Resize& op, NodeExport& node) {
  if (node.opset() < 11) node.needs_opset(11, "positions that are not asymmetric");
  write_attributes(op, node);
}

// Gone since opset 10.
Op import_upsample(NodeImport& node) {
  Resize op;
  const std::string mode = node.attributes.text("mode", "nearest");
  if (mode != "nearest" && mode != "linear" && mode != "bilinear")
    throw Error(Fault::malformed, fmt::format("mode is '{}', expected nearest or linear", mode));
  op.mode = mode == "nearest" ? Resize::Mode::nearest : Resize::Mode::linear;
  set_asymmetric(op);
  if (node.opset() >= 9) {
    node.fact(1);
    node.inputs.insert(node.inputs.begin() + 1, ValueId::none());
    return op;
  }
  std::vector<float> scales = node.attributes.numbers("scales");
  if (node.opset() < 7 && scales.empty())
    scales = {1.0f, 1.0f, node.attributes.number("height_scale", 1), node.attributes.number("width_scale", 1)};
  node.set_input(2, "scales", Tensor::from(Shape{static_cast<std::int64_t>(scales.size())}, std::span<const float>(scales)));
  return op;
}

GridSample import_op(NodeImport& node, GridSample op) {
  // Version 16 has other words for the modes.
  const std::string mode = node.attributes.text("mode", "linear");
  if (mode == "bilinear" || mode == "bicubic") {
    op.align_corners = node.attributes.flag("align_corners", false);
    read_attribute(node.attributes, "padding_mode", op.padding_mode);
    op.mode = mode == "bilinear" ? GridSample::Mode::linear : GridSample::Mode::cubic;
    return op;
  }
  read_attributes(node.attributes, op);
  return op;
}
void export_op(const GridSample& op, NodeExport& node) {
  GridSample written = op;
  if (node.opset() < 20) {
    if (op.mode == GridSample::Mode::cubic) node.set("mode", std::string("bicubic"));
    if (op.mode != GridSample::Mode::nearest) written.mode = GridSample{}.mode;
  }
  write_attributes(written, node);
}

}  // namespace resnet::onnx

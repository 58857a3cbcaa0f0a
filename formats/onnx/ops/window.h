// The attributes that Conv, MaxPool and AveragePool share.
#pragma once

#include <string>

#include "formats/onnx/ops/ops.h"
#include "lib/base/error.h"

namespace resnet::onnx {

template <typename T>
void import_window(NodeImport& node, T& op) {
  const std::string pad = node.attributes.text("auto_pad", "NOTSET");
  if (pad == "SAME_UPPER") {
    op.auto_pad = AutoPad::same_upper;
  } else if (pad == "SAME_LOWER") {
    op.auto_pad = AutoPad::same_lower;
  } else if (pad == "VALID") {
    op.auto_pad = AutoPad::valid;
  } else if (pad != "NOTSET" && !pad.empty()) {
    throw Error(Fault::malformed, "auto_pad is '" + pad + "', expected NOTSET, SAME_UPPER, SAME_LOWER or VALID");
  }
  op.dilations = node.attributes.integers("dilations");
  op.kernel_shape = node.attributes.integers("kernel_shape");
  op.pads = node.attributes.integers("pads");
  op.strides = node.attributes.integers("strides");
}

template <typename T>
void export_window(const T& op, NodeExport& node) {
  switch (op.auto_pad) {
    case AutoPad::notset: break;
    case AutoPad::same_upper: node.set("auto_pad", std::string("SAME_UPPER")); break;
    case AutoPad::same_lower: node.set("auto_pad", std::string("SAME_LOWER")); break;
    case AutoPad::valid: node.set("auto_pad", std::string("VALID")); break;
  }
  node.set_list("dilations", op.dilations);
  node.set_list("kernel_shape", op.kernel_shape);
  node.set_list("pads", op.pads);
  node.set_list("strides", op.strides);
}

}  // namespace resnet::onnx

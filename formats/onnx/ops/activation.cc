#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

void export_plain(const Op&, NodeExport&) {}

Op import_relu(NodeImport& node) {
  node.attributes.ignore("consumed_inputs");
  return Relu{};
}
void export_relu(const Op& op, NodeExport& node) { export_plain(op, node); }

Op import_sigmoid(NodeImport& node) {
  node.attributes.ignore("consumed_inputs");
  return Sigmoid{};
}
void export_sigmoid(const Op& op, NodeExport& node) { export_plain(op, node); }

Op import_hard_sigmoid(NodeImport& node) {
  node.attributes.ignore("consumed_inputs");
  HardSigmoid op;
  op.alpha = node.attributes.number("alpha", 0.2f);
  op.beta = node.attributes.number("beta", 0.5f);
  return op;
}
void export_hard_sigmoid(const Op& op, NodeExport& node) {
  node.set_unless("alpha", std::get<HardSigmoid>(op).alpha, 0.2f);
  node.set_unless("beta", std::get<HardSigmoid>(op).beta, 0.5f);
}

Op import_clip(NodeImport& node) {
  if (node.opset() < 11) {
    node.attributes.ignore("consumed_inputs");
    if (node.attributes.has_attribute("min")) node.set_scalar(1, "min", node.attributes.number("min", 0));
    if (node.attributes.has_attribute("max")) node.set_scalar(2, "max", node.attributes.number("max", 0));
  }
  return Clip{};
}
void export_clip(const Op&, NodeExport& node) {
  if (node.opset() >= 11) return;
  if (const auto least = node.take_scalar(1, 11)) node.set("min", *least);
  if (const auto most = node.take_scalar(2, 11)) node.set("max", *most);
}

}  // namespace resnet::onnx

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

// A slope of (C) is per channel before version 7, where it did not broadcast; at 7 and 8 MXNet meant the same. Later it is where
// nothing else fits.
PRelu import_op(NodeImport& node, PRelu op) {
  read_attributes(node.attributes, op);
  const auto &x = node.fact(0).dims, &slope = node.fact(1).dims;
  if (!x || !slope || slope->size() != 1 || x->size() < 3 || (*slope)[0].is(1)) return op;
  const Dim &channels = (*x)[1], &last = x->back(), &own = (*slope)[0];
  const bool fits_channels = own == channels || !channels.is_number();
  const bool broadcasts = own == last;
  if (fits_channels && (node.opset() < 9 || !broadcasts)) {
    std::vector<std::int64_t> axes;
    for (std::size_t i = 1; i + 1 < x->size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
    node.wrap_input(1, "per_channel", Unsqueeze{}, axes);
  }
  return op;
}
void export_op(const PRelu&, NodeExport& node) {
  if (node.opset() < 7) node.needs_opset(7, "a slope that broadcasts");
}

}  // namespace resnet::onnx

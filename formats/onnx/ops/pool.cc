#include <fmt/format.h>

#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

MaxPool import_op(NodeImport& node, MaxPool op) {
  read_attributes(node.attributes, op);
  if (!node.is_read(1)) node.drop_outputs(1);
  return op;
}
void export_op(const MaxPool& op, NodeExport& node) {
  if (node.node().outputs.size() > 1 && node.opset() < 8) node.needs_opset(8, "the output Indices");
  write_attributes(op, node);
}

namespace {

// p is a float in version 1.
template <typename T>
T import_norm_pool(NodeImport& node, T op) {
  if (node.opset() >= 2) {
    read_attributes(node.attributes, op);
    return op;
  }
  const float p = node.attributes.number("p", 2.0f);
  op.p = static_cast<std::int64_t>(p);
  if (static_cast<float>(op.p) != p) throw Error(Fault::unsupported, fmt::format("p is {}, expected a whole number", p));
  for_each_attribute<T>([&]<typename M>(const AttributeOf<T, M>& attribute) {
    if (attribute.name != "p") read_attribute(node.attributes, std::string(attribute.name), op.*attribute.member);
  });
  return op;
}

}  // namespace

LpPool import_op(NodeImport& node, LpPool op) { return import_norm_pool(node, op); }
GlobalLpPool import_op(NodeImport& node, GlobalLpPool op) { return import_norm_pool(node, op); }

}  // namespace resnet::onnx

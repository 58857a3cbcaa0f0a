#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

// Version 18 has a scale and a bias for each group: each is repeated for the group's channels.
GroupNormalization import_op(NodeImport& node, GroupNormalization op) {
  read_attributes(node.attributes, op);
  if (node.opset() >= 21) return op;
  const auto& x = node.fact(0).dims;
  if (!x || x->size() < 2 || !(*x)[1].is_number())
    throw Error(Fault::unsupported, "has a scale for each group, and the number of channels is not known");
  if (op.num_groups < 1 || (*x)[1].number() % op.num_groups != 0) return op;  // which infer() refuses
  const std::int64_t channels = (*x)[1].number(), each = channels / op.num_groups;
  for (const std::size_t i : {1, 2}) {
    node.fact(i);
    const std::string suffix = i == 1 ? "scale" : "bias";
    node.wrap_input(i, suffix + ".groups", Reshape{}, {op.num_groups, 1});
    node.wrap_input(i, suffix + ".repeated", Expand{}, {op.num_groups, each});
    node.wrap_input(i, suffix, Reshape{}, {channels});
  }
  return op;
}
void export_op(const GroupNormalization& op, NodeExport& node) {
  if (node.opset() < 21) node.needs_opset(21, "a scale for each channel");
  write_attributes(op, node);
}

LayerNormalization import_op(NodeImport& node, LayerNormalization op) {
  read_attributes(node.attributes, op);
  if (!node.is_read(1) && !node.is_read(2)) node.drop_outputs(1);
  return op;
}

void export_op(const MeanVarianceNormalization& op, NodeExport& node) {
  // Said where they are the default, too: ONNX's checker looks for them in the body that it defines the operator by.
  node.set("axes", op.axes);
}

}  // namespace resnet::onnx

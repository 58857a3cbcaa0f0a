#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

Op import_reduce_mean(NodeImport& node) {
  ReduceMean op;
  op.keepdims = node.attributes.flag("keepdims", true);
  if (node.opset() >= 18) {
    op.noop_with_empty_axes = node.attributes.flag("noop_with_empty_axes", false);
  } else if (node.attributes.has_attribute("axes")) {
    node.set_input(1, "axes", node.attributes.integers("axes"));
  }
  return op;
}

void export_reduce_mean(const Op& op, NodeExport& node) {
  const auto& mean = std::get<ReduceMean>(op);
  node.set_unless("keepdims", std::int64_t{mean.keepdims}, std::int64_t{1});
  if (node.opset() >= 18) {
    node.set_unless("noop_with_empty_axes", std::int64_t{mean.noop_with_empty_axes}, std::int64_t{0});
  } else {
    if (mean.noop_with_empty_axes) node.needs_opset(18, "noop_with_empty_axes");
    node.set_list("axes", node.axes(node.take_integers(1, 18), node.rank(0)));
  }
}

Op import_arg_max(NodeImport& node) {
  ArgMax op;
  op.axis = node.attributes.integer("axis", 0);
  op.keepdims = node.attributes.flag("keepdims", true);
  op.select_last_index = node.attributes.flag("select_last_index", false);
  return op;
}

void export_arg_max(const Op& op, NodeExport& node) {
  const auto& arg_max = std::get<ArgMax>(op);
  if (arg_max.select_last_index && node.opset() < 12) node.needs_opset(12, "select_last_index");
  node.set_unless("axis", node.axis(arg_max.axis, node.rank(0)), std::int64_t{0});
  node.set_unless("keepdims", std::int64_t{arg_max.keepdims}, std::int64_t{1});
  node.set_unless("select_last_index", std::int64_t{arg_max.select_last_index}, std::int64_t{0});
}

}  // namespace resnet::onnx

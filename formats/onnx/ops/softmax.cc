#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

bool is_coercion_the_same(const std::optional<Dims>& dims, std::int64_t axis) {
  if (!dims) return false;
  const auto rank = static_cast<std::int64_t>(dims->size());
  if (axis < -rank || axis >= rank) return false;
  for (std::size_t i = normalize_axis(axis, dims->size()) + 1; i < dims->size(); ++i) {
    if (!(*dims)[i].is(1)) return false;
  }
  return true;
}

namespace {

template <typename T>
T import_softmax_like(NodeImport& node, T op) {
  op.axis = node.attributes.integer("axis", node.opset() < 13 ? 1 : -1);
  op.coerce_to_2d = node.opset() < 13 && !is_coercion_the_same(node.fact(0).dims, op.axis);
  return op;
}

template <typename T>
void export_softmax_like(const T& softmax, NodeExport& node) {
  const bool same = is_coercion_the_same(node.fact(0).dims, softmax.axis);
  if (node.opset() >= 13) {
    if (softmax.coerce_to_2d && !same) node.needs_opset_below(13, "the coercion of its input to 2-D");
    node.set_unless("axis", softmax.axis, std::int64_t{-1});
    return;
  }
  if (!softmax.coerce_to_2d && !same) node.needs_opset(13, "an axis with others after it");
  node.set_unless("axis", node.axis(softmax.axis, node.rank(0)), std::int64_t{1});
}

}  // namespace

Softmax import_op(NodeImport& node, Softmax op) { return import_softmax_like(node, op); }
LogSoftmax import_op(NodeImport& node, LogSoftmax op) { return import_softmax_like(node, op); }
void export_op(const Softmax& op, NodeExport& node) { export_softmax_like(op, node); }
void export_op(const LogSoftmax& op, NodeExport& node) { export_softmax_like(op, node); }

}  // namespace resnet::onnx

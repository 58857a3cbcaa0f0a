#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

namespace {

template <typename T>
Op import_softmax_like(NodeImport& node) {
  T op;
  op.axis = node.attributes.integer("axis", node.opset() < 13 ? 1 : -1);
  // Along the last axis of a matrix both meanings are the same.
  const auto& dims = node.fact(0).dims;
  const bool same = dims && normalize_axis(op.axis, dims->size()) + 1 == dims->size();
  op.coerce_to_2d = node.opset() < 13 && !same;
  return op;
}

template <typename T>
void export_softmax_like(const Op& op, NodeExport& node) {
  const auto& softmax = std::get<T>(op);
  const auto& dims = node.fact(0).dims;
  const bool last =
      dims && !dims->empty() && !softmax.coerce_to_2d && normalize_axis(softmax.axis, dims->size()) + 1 == dims->size();
  if (node.opset() >= 13) {
    if (softmax.coerce_to_2d) {
      node.needs_opset(1, "the 2-D coercion of versions below 13 (opsets up to 12 have it)");
    }
    node.set_unless("axis", softmax.axis, std::int64_t{-1});
    return;
  }
  if (!softmax.coerce_to_2d && !last) node.needs_opset(13, "an axis that is not the last");
  node.set_unless("axis", last ? static_cast<std::int64_t>(dims->size()) - 1 : softmax.axis, std::int64_t{1});
}

}  // namespace

Op import_softmax(NodeImport& node) { return import_softmax_like<Softmax>(node); }
Op import_log_softmax(NodeImport& node) { return import_softmax_like<LogSoftmax>(node); }
void export_softmax(const Op& op, NodeExport& node) { export_softmax_like<Softmax>(op, node); }
void export_log_softmax(const Op& op, NodeExport& node) { export_softmax_like<LogSoftmax>(op, node); }

}  // namespace resnet::onnx

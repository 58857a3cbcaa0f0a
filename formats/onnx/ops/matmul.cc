#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

Op import_gemm(NodeImport& node) {
  Gemm op;
  op.alpha = node.attributes.number("alpha", 1.0f);
  op.beta = node.attributes.number("beta", 1.0f);
  op.transA = node.attributes.flag("transA", false);
  op.transB = node.attributes.flag("transB", false);
  node.attributes.ignore("broadcast");  // versions below 7; C broadcasts in any case
  return op;
}
void export_gemm(const Op& op, NodeExport& node) {
  const auto& gemm = std::get<Gemm>(op);
  if (!node.has_input(2) && node.opset() < 11) node.needs_opset(11, "a Gemm without C");
  node.set_unless("alpha", gemm.alpha, 1.0f);
  node.set_unless("beta", gemm.beta, 1.0f);
  node.set_unless("transA", std::int64_t{gemm.transA}, std::int64_t{0});
  node.set_unless("transB", std::int64_t{gemm.transB}, std::int64_t{0});
}

Op import_mat_mul(NodeImport&) { return MatMul{}; }
void export_mat_mul(const Op& op, NodeExport& node) { export_plain(op, node); }

}  // namespace resnet::onnx

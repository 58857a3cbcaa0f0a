#include "formats/onnx/ops/ops.h"

namespace resnet::onnx {

Op import_conv_integer(NodeImport& node) { return ConvInteger{std::get<Conv>(import_conv(node))}; }
void export_conv_integer(const Op& op, NodeExport& node) { export_conv(std::get<ConvInteger>(op).conv, node); }

Op import_mat_mul_integer(NodeImport&) { return MatMulInteger{}; }
void export_mat_mul_integer(const Op& op, NodeExport& node) { export_plain(op, node); }

Op import_q_linear_conv(NodeImport& node) { return QLinearConv{std::get<Conv>(import_conv(node))}; }
void export_q_linear_conv(const Op& op, NodeExport& node) { export_conv(std::get<QLinearConv>(op).conv, node); }

Op import_q_linear_mat_mul(NodeImport&) { return QLinearMatMul{}; }
void export_q_linear_mat_mul(const Op& op, NodeExport& node) { export_plain(op, node); }

Op import_q_linear_add(NodeImport&) { return QLinearAdd{}; }
void export_q_linear_add(const Op& op, NodeExport& node) { export_plain(op, node); }

Op import_q_linear_global_average_pool(NodeImport& node) {
  return QLinearGlobalAveragePool{node.attributes.flag("channels_last", false)};
}
void export_q_linear_global_average_pool(const Op& op, NodeExport& node) {
  node.set_unless("channels_last", std::int64_t{std::get<QLinearGlobalAveragePool>(op).channels_last}, std::int64_t{0});
}

Op import_q_gemm(NodeImport& node) {
  QGemm op;
  op.alpha = node.attributes.number("alpha", 1.0f);
  op.transA = node.attributes.flag("transA", false);
  op.transB = node.attributes.flag("transB", false);
  return op;
}
void export_q_gemm(const Op& op, NodeExport& node) {
  const auto& gemm = std::get<QGemm>(op);
  node.set_unless("alpha", gemm.alpha, 1.0f);
  node.set_unless("transA", std::int64_t{gemm.transA}, std::int64_t{0});
  node.set_unless("transB", std::int64_t{gemm.transB}, std::int64_t{0});
}

}  // namespace resnet::onnx

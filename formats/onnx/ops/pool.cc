#include "formats/onnx/ops/window.h"

namespace resnet::onnx {

Op import_max_pool(NodeImport& node) {
  MaxPool op;
  import_window(node, op);
  op.ceil_mode = node.attributes.flag("ceil_mode", false);
  op.storage_order = node.attributes.integer("storage_order", 0);
  if (!node.is_read(1)) node.drop_outputs(1);
  return op;
}

void export_max_pool(const Op& op, NodeExport& node) {
  const auto& pool = std::get<MaxPool>(op);
  if (pool.ceil_mode && node.opset() < 10) node.needs_opset(10, "ceil_mode");
  if (!pool.dilations.empty() && node.opset() < 10) node.needs_opset(10, "dilations");
  if (node.node().outputs.size() > 1 && node.opset() < 8) node.needs_opset(8, "the output Indices");
  if (pool.storage_order != 0 && node.opset() < 8) node.needs_opset(8, "storage_order");
  export_window(pool, node);
  node.set_unless("ceil_mode", std::int64_t{pool.ceil_mode}, std::int64_t{0});
  node.set_unless("storage_order", pool.storage_order, std::int64_t{0});
}

Op import_average_pool(NodeImport& node) {
  AveragePool op;
  import_window(node, op);
  op.ceil_mode = node.attributes.flag("ceil_mode", false);
  op.count_include_pad = node.attributes.flag("count_include_pad", false);
  return op;
}

void export_average_pool(const Op& op, NodeExport& node) {
  const auto& pool = std::get<AveragePool>(op);
  if (pool.ceil_mode && node.opset() < 10) node.needs_opset(10, "ceil_mode");
  if (!pool.dilations.empty() && node.opset() < 19) node.needs_opset(19, "dilations");
  if (pool.count_include_pad && node.opset() < 7) node.needs_opset(7, "count_include_pad");
  export_window(pool, node);
  node.set_unless("ceil_mode", std::int64_t{pool.ceil_mode}, std::int64_t{0});
  node.set_unless("count_include_pad", std::int64_t{pool.count_include_pad}, std::int64_t{0});
}

Op import_global_average_pool(NodeImport&) { return GlobalAveragePool{}; }
void export_global_average_pool(const Op& op, NodeExport& node) { export_plain(op, node); }

}  // namespace resnet::onnx

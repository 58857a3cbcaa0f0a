#include "formats/onnx/ops/window.h"

namespace resnet::onnx {

Op import_conv(NodeImport& node) {
  Conv op;
  import_window(node, op);
  op.group = node.attributes.integer("group", 1);
  return op;
}

void export_conv(const Op& op, NodeExport& node) {
  const auto& conv = std::get<Conv>(op);
  export_window(conv, node);
  node.set_unless("group", conv.group, std::int64_t{1});
}

}  // namespace resnet::onnx

// Operators whose versions differ in meaning, each with its import and export side by side. What is declared (the attributes of
// lib/graph/ops) needs nothing here: op_table.cc makes the rows of all others.
#pragma once

#include "formats/onnx/attributes.h"
#include "formats/onnx/node_import.h"

namespace resnet::onnx {

// `op` is default constructed: reads the node's attributes, and brings its inputs into the newest version's form.
template <typename T>
T import_op(NodeImport& node, T op) {
  read_attributes(node.attributes, op);
  return op;
}
template <typename T>
void export_op(const T& op, NodeExport& node) {
  write_attributes(op, node);
}

Add import_op(NodeImport& node, Add op);
Sub import_op(NodeImport& node, Sub op);
Mul import_op(NodeImport& node, Mul op);
Div import_op(NodeImport& node, Div op);
BatchNormalization import_op(NodeImport& node, BatchNormalization op);
Cast import_op(NodeImport& node, Cast op);
Clip import_op(NodeImport& node, Clip op);
Concat import_op(NodeImport& node, Concat op);
Constant import_op(NodeImport& node, Constant op);
Dropout import_op(NodeImport& node, Dropout op);
Gemm import_op(NodeImport& node, Gemm op);
LogSoftmax import_op(NodeImport& node, LogSoftmax op);
MaxPool import_op(NodeImport& node, MaxPool op);
Pad import_op(NodeImport& node, Pad op);
QuantizeLinear import_op(NodeImport& node, QuantizeLinear op);
ReduceMean import_op(NodeImport& node, ReduceMean op);
Reshape import_op(NodeImport& node, Reshape op);
Slice import_op(NodeImport& node, Slice op);
Softmax import_op(NodeImport& node, Softmax op);
Squeeze import_op(NodeImport& node, Squeeze op);
Unsqueeze import_op(NodeImport& node, Unsqueeze op);

void export_op(const Clip& op, NodeExport& node);
void export_op(const DequantizeLinear& op, NodeExport& node);
void export_op(const Dropout& op, NodeExport& node);
void export_op(const Gather& op, NodeExport& node);
void export_op(const Gemm& op, NodeExport& node);
void export_op(const LogSoftmax& op, NodeExport& node);
void export_op(const MaxPool& op, NodeExport& node);
void export_op(const Pad& op, NodeExport& node);
void export_op(const QuantizeLinear& op, NodeExport& node);
void export_op(const ReduceMean& op, NodeExport& node);
void export_op(const Reshape& op, NodeExport& node);
void export_op(const Slice& op, NodeExport& node);
void export_op(const Softmax& op, NodeExport& node);
void export_op(const Squeeze& op, NodeExport& node);
void export_op(const Sum& op, NodeExport& node);
void export_op(const Unsqueeze& op, NodeExport& node);

}  // namespace resnet::onnx

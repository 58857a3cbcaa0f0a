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

template <Reduction reduction>
Reduce<reduction> import_op(NodeImport& node, Reduce<reduction> op) {
  read_attributes(node.attributes, op);
  const bool is_attribute = node.opset() < op.axes_are_input && node.attributes.has_attribute("axes");
  if (is_attribute) node.set_input(1, "axes", node.attributes.integers("axes"));
  return op;
}
template <Reduction reduction>
void export_op(const Reduce<reduction>& op, NodeExport& node) {
  write_attributes(op, node);
  if (node.opset() < op.axes_are_input) node.set_list("axes", node.axes(node.take_integers(1, op.axes_are_input), node.rank(0)));
}

// Before version 7 they broadcast by attributes.
void import_broadcast(NodeImport& node);
template <OneOf<Add, Sub, Mul, Div, And, Or, Xor, Equal, Greater, Less, Pow> T>
T import_op(NodeImport& node, T op) {
  import_broadcast(node);
  return op;
}

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
Reshape import_op(NodeImport& node, Reshape op);
Slice import_op(NodeImport& node, Slice op);
Softmax import_op(NodeImport& node, Softmax op);
Squeeze import_op(NodeImport& node, Squeeze op);
Unsqueeze import_op(NodeImport& node, Unsqueeze op);
PRelu import_op(NodeImport& node, PRelu op);
GridSample import_op(NodeImport& node, GridSample op);
GroupNormalization import_op(NodeImport& node, GroupNormalization op);
GlobalLpPool import_op(NodeImport& node, GlobalLpPool op);
LayerNormalization import_op(NodeImport& node, LayerNormalization op);
LpPool import_op(NodeImport& node, LpPool op);
Resize import_op(NodeImport& node, Resize op);
Split import_op(NodeImport& node, Split op);
Tile import_op(NodeImport& node, Tile op);
TopK import_op(NodeImport& node, TopK op);

void export_op(const Clip& op, NodeExport& node);
void export_op(const DequantizeLinear& op, NodeExport& node);
void export_op(const Dropout& op, NodeExport& node);
void export_op(const Gather& op, NodeExport& node);
void export_op(const Gemm& op, NodeExport& node);
void export_op(const LogSoftmax& op, NodeExport& node);
void export_op(const MaxPool& op, NodeExport& node);
void export_op(const Pad& op, NodeExport& node);
void export_op(const QuantizeLinear& op, NodeExport& node);
void export_op(const Reshape& op, NodeExport& node);
void export_op(const Slice& op, NodeExport& node);
void export_op(const Softmax& op, NodeExport& node);
void export_op(const Squeeze& op, NodeExport& node);
void export_op(const Sum& op, NodeExport& node);
void export_op(const Unsqueeze& op, NodeExport& node);
void export_op(const GridSample& op, NodeExport& node);
void export_op(const GroupNormalization& op, NodeExport& node);
void export_op(const Max& op, NodeExport& node);
void export_op(const Mean& op, NodeExport& node);
void export_op(const MeanVarianceNormalization& op, NodeExport& node);
void export_op(const Min& op, NodeExport& node);
void export_op(const PRelu& op, NodeExport& node);
void export_op(const Resize& op, NodeExport& node);
void export_op(const Split& op, NodeExport& node);
void export_op(const TopK& op, NodeExport& node);

// Operators that only others, or older opsets, have: each becomes operators of ours (aliases.cc, microsoft.cc). What an alias
// makes besides its last operator is in the graph already. They are never written.
std::span<const OpRow> aliases();
std::span<const OpRow> microsoft_aliases();

// Puts an operator into the graph for an alias.
ValueId put(NodeImport& node, const std::string& suffix, Op op, std::vector<ValueId> inputs);
Op import_upsample(NodeImport& node);

// Whether a Softmax that coerces to 2-D at `axis` gives what the softmax along `axis` gives: there are only ones after it.
bool is_coercion_the_same(const std::optional<Dims>& dims, std::int64_t axis);

}  // namespace resnet::onnx

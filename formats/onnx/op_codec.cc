#include "formats/onnx/op_codec.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include "formats/onnx/node_import.h"
#include "formats/onnx/node_reader.h"
#include "formats/onnx/opset.h"
#include "lib/base/error.h"

namespace resnet::onnx {

namespace {

constexpr std::int64_t oldest_meaning = newest_opset_with_old_softmax;

}  // namespace

EncodedOp encode(const Graph& graph, const Node& node) {
  if (const auto* opaque = get_if<Opaque>(&node.op))
    return {opaque->domain, opaque->type, newest_described_opset, opaque->attributes};
  const OpTraits& traits = traits_of(node.op);
  const OpRow* row = find_op(traits.domain, traits.type);
  if (row == nullptr || row->write == nullptr)
    throw Error(Fault::internal, Frame::node(describe(node)), "the operator has no row in the table of operators");
  for (const std::int64_t opset : {newest_described_opset, newest_opset, oldest_meaning}) {
    ::onnx::NodeProto proto;
    NodeExport out(proto, graph, node, opset);
    try {
      row->write(node.op, out);
      return {std::string(traits.domain), std::string(traits.type), opset, NodeReader(proto, opset, nullptr).all()};
    } catch (Error& error) {
      if (opset != oldest_meaning && error.fault() == Fault::unsupported) continue;
      error.in(Frame::node(describe(node)));
      throw;
    }
  }
  __builtin_unreachable();
}

Op decode(const EncodedOp& op, Graph& graph, const std::vector<ValueId>& inputs, const std::vector<std::string>& outputs,
          const std::string& label) {
  const OpRow* row = find_op(op.domain, op.type);
  if (row == nullptr || row->write == nullptr) return Opaque{op.domain, op.type, op.attributes};
  ::onnx::NodeProto proto;
  proto.set_op_type(op.type);
  const Node unused;
  NodeExport attributes(proto, graph, unused, op.opset);
  for (const auto& [name, value] : op.attributes) attributes.set(name, value);
  Names names;
  Notes notes;
  if (inputs.empty() || inputs[0].is_none()) throw Error(Fault::malformed, "the node has no input");
  NodeImport node{NodeReader(proto, op.opset, nullptr),   graph, names, notes, outputs.front(), label, inputs, outputs,
                  std::vector<bool>(outputs.size(), true)};
  Op decoded = row->import(node);
  if (node.inputs != inputs || node.outputs.size() != outputs.size()) {
    throw Error(Fault::malformed, fmt::format("is not in the form of opset {}", op.opset));
  }
  if (const auto unread = node.attributes.unread(); !unread.empty()) {
    throw Error(Fault::malformed, fmt::format("attribute '{}' is not known", unread.front()));
  }
  return decoded;
}

}  // namespace resnet::onnx

// What ONNX's own list of operators says about a node at one opset.
#pragma once

#include <cstdint>

#include "lib/graph/graph.h"

namespace onnx {
class NodeProto;
}  // namespace onnx

namespace resnet::onnx {

// Throws Error(unsupported) where the operator's version at `opset` takes no inputs or outputs of these dtypes, with the lowest
// opset that does.
void check_dtypes(const ::onnx::NodeProto& proto, const Graph& graph, const Node& node, std::int64_t opset);

// For an operator of ONNX that we do not know: its attributes are of the file's opset, so that another one can only be written
// where nothing has changed between them. Throws Error(unsupported).
void check_same_version(const Opaque& op, std::int64_t from, std::int64_t to);

}  // namespace resnet::onnx

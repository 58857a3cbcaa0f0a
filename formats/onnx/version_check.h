// What ONNX's own list of operators says about a node at one opset.
#pragma once

#include <cstdint>
#include <string_view>

#include "lib/graph/graph.h"

namespace onnx {
class ModelProto;
class NodeProto;
}  // namespace onnx

namespace resnet::onnx {

// Whether ONNX's own domain has an operator of this name at `opset`. What is not described by the ONNX library is in a table
// here.
bool exists(std::string_view type, std::int64_t opset);
// Whether every node of ONNX's own domain is, at its opset, as the newest described opset has it, so that the ONNX library can
// check the file in its place.
bool is_described(const ::onnx::ModelProto& model);

// Throws Error(unsupported) where the operator's version at `opset` takes no inputs or outputs of these dtypes, with the lowest
// opset that does.
void check_dtypes(const ::onnx::NodeProto& proto, const Graph& graph, const Node& node, std::int64_t opset);

// For an operator of ONNX that we do not know: its attributes are of the file's opset, so that another one can only be written
// where nothing has changed between them. Throws Error(unsupported).
void check_same_version(const Opaque& op, std::int64_t from, std::int64_t to);

}  // namespace resnet::onnx

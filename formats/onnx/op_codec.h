// An operator with its attributes as ONNX has them, apart from any file: what other formats store.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lib/graph/graph.h"

namespace resnet::onnx {

struct EncodedOp {
  std::string domain, type;
  std::int64_t opset = 0;  // the version whose meaning the attributes have
  std::map<std::string, Attribute> attributes;
};

// At the newest opset that can express it. Throws Error(unsupported) with the node where none can. Not for Input and Constant.
EncodedOp encode(const Graph& graph, const Node& node);
// Throws Error(malformed) where the attributes do not fit the operator. An operator that is not known becomes Opaque.
Op decode(const EncodedOp& op, Graph& graph, const std::vector<ValueId>& inputs, const std::vector<std::string>& outputs,
          const std::string& label);

}  // namespace resnet::onnx

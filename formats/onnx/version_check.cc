#include "formats/onnx/version_check.h"
#include "formats/onnx/opset.h"

#include <fmt/format.h>
#include <onnx/defs/schema.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <optional>
#include <string>

#include "lib/base/error.h"

namespace resnet::onnx {

namespace {

using Parameters = std::vector<::onnx::OpSchema::FormalParameter>;

const ::onnx::OpSchema* schema_of(const std::string& type, std::int64_t opset) {
  const auto version = static_cast<int>(std::min<std::int64_t>(opset, newest_opset));
  return ::onnx::OpSchemaRegistry::Schema(type, version, "");
}

bool allows(const Parameters& parameters, std::size_t index, const std::optional<DType>& dtype) {
  if (!dtype || parameters.empty()) return true;
  // What comes after the last parameter belongs to it where it is variadic; too many are the checker's business.
  const auto& types = parameters[std::min(index, parameters.size() - 1)].GetTypes();
  const std::string wanted = fmt::format("tensor({})", name_of(*dtype));
  return types.empty() || std::any_of(types.begin(), types.end(), [&](const std::string* type) { return *type == wanted; });
}

// The first value whose dtype the schema does not allow, as "input 0 of int8".
std::optional<std::string> find_stray(const ::onnx::OpSchema& schema, const ::onnx::NodeProto& proto, const Graph& graph,
                                      const Node& node) {
  for (std::size_t i = 0; i < node.inputs.size() && static_cast<int>(i) < proto.input_size(); ++i) {
    if (proto.input(static_cast<int>(i)).empty()) continue;
    const auto& dtype = graph.fact(node.inputs[i]).dtype;
    if (!allows(schema.inputs(), i, dtype)) return fmt::format("input {} of {}", i, name_of(*dtype));
  }
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    const auto& dtype = node.outputs[i].fact.dtype;
    if (!allows(schema.outputs(), i, dtype)) return fmt::format("output {} of {}", i, name_of(*dtype));
  }
  return std::nullopt;
}

}  // namespace

void check_dtypes(const ::onnx::NodeProto& proto, const Graph& graph, const Node& node, std::int64_t opset) {
  const ::onnx::OpSchema* schema = schema_of(proto.op_type(), opset);
  if (schema == nullptr) return;
  const auto stray = find_stray(*schema, proto, graph, node);
  if (!stray) return;
  for (int other = static_cast<int>(opset) + 1; other <= newest_opset; ++other) {
    const ::onnx::OpSchema* later = schema_of(proto.op_type(), other);
    if (later != nullptr && !find_stray(*later, proto, graph, node)) {
      throw Error(Fault::unsupported,
                  fmt::format("cannot be written at opset {}: {}; the lowest opset that can is {}", opset, *stray, other));
    }
  }
  throw Error(Fault::unsupported, fmt::format("cannot be written: no opset of ONNX has it with {}", *stray));
}

void check_same_version(const Opaque& op, std::int64_t from, std::int64_t to) {
  if (!op.domain.empty() || from == to) return;
  const ::onnx::OpSchema *before = schema_of(op.type, from), *after = schema_of(op.type, to);
  if (before == nullptr && after == nullptr) return;  // not ONNX's at all
  if (before != nullptr && after != nullptr && before->SinceVersion() == after->SinceVersion()) return;
  throw Error(
      Fault::unsupported,
      fmt::format("cannot be written at opset {}: it is not known here, was read at opset {}, and ONNX changed it between "
                  "the two",
                  to, from));
}

}  // namespace resnet::onnx

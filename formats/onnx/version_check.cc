#include "formats/onnx/version_check.h"
#include "formats/onnx/opset.h"

#include <fmt/format.h>
#include <onnx/defs/schema.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "lib/base/error.h"

namespace resnet::onnx {

namespace {

using Parameters = std::vector<::onnx::OpSchema::FormalParameter>;

// What opsets after newest_described_opset brought, and what they changed.
constexpr std::pair<std::string_view, std::int64_t> later_operators[] = {
    {"Attention", 23}, {"RMSNormalization", 23}, {"RotaryEmbedding", 23}, {"Swish", 24}, {"TensorScatter", 24}};
constexpr std::pair<std::string_view, std::int64_t> later_changes[] = {{"Attention", 24}, {"SplitToSequence", 24}, {"TopK", 24}};
// Changed by each of 23, 24 and 25 to take 8-bit floats, and types of 4 and 2 bits, too: no network has them here.
constexpr std::string_view widened_since_23[] = {
    "Cast", "CastLike", "Constant",  "ConstantOfShape", "DequantizeLinear", "Flatten", "Identity",
    "If",   "Loop",     "Pad",       "QuantizeLinear",  "Reshape",          "Scan",    "Shape",
    "Size", "Squeeze",  "Transpose", "Unsqueeze"};

bool changed_later(std::string_view type, std::int64_t from, std::int64_t to) {
  const auto [low, high] = std::minmax(from, to);
  if (high > newest_described_opset &&
      std::find(std::begin(widened_since_23), std::end(widened_since_23), type) != std::end(widened_since_23))
    return true;
  const auto names = [&, low = low, high = high](const auto& table) {
    return std::any_of(std::begin(table), std::end(table),
                       [&](const auto& entry) { return entry.first == type && entry.second > low && entry.second <= high; });
  };
  return names(later_operators) || names(later_changes);
}

// Nothing for an operator that a later opset brought.
const ::onnx::OpSchema* schema_of(const std::string& type, std::int64_t opset) {
  const auto version = static_cast<int>(std::min<std::int64_t>(opset, newest_described_opset));
  return ::onnx::OpSchemaRegistry::Schema(type, version, "");
}

// Which element types a schema's parameters take. Parameters of one type variable ("T") share one.
class TypeCheck {
 public:
  // "input 0 of int8" where the schema does not allow that, or not beside what came before.
  std::optional<std::string> find_stray(const Parameters& parameters, std::size_t index, const std::optional<DType>& dtype,
                                        const char* what) {
    if (!dtype || parameters.empty()) return std::nullopt;
    // What comes after the last parameter belongs to it where it is variadic; too many are the checker's business.
    const auto& parameter = parameters[std::min(index, parameters.size() - 1)];
    const auto& types = parameter.GetTypes();
    const std::string wanted = fmt::format("tensor({})", name_of(*dtype));
    const bool allowed =
        types.empty() || std::any_of(types.begin(), types.end(), [&](const std::string* type) { return *type == wanted; });
    if (!allowed) return fmt::format("{} {} of {}", what, index, name_of(*dtype));
    if (!parameter.GetIsHomogeneous()) return std::nullopt;
    const DType bound = bound_.emplace(parameter.GetTypeStr(), *dtype).first->second;
    if (bound == *dtype) return std::nullopt;
    return fmt::format("{} {} of {} beside {}", what, index, name_of(*dtype), name_of(bound));
  }

 private:
  std::map<std::string, DType> bound_;  // by type variable
};

// The first value whose dtype the schema does not allow.
std::optional<std::string> find_stray(const ::onnx::OpSchema& schema, const ::onnx::NodeProto& proto, const Graph& graph,
                                      const Node& node) {
  TypeCheck check;
  for (std::size_t i = 0; i < node.inputs.size() && static_cast<int>(i) < proto.input_size(); ++i) {
    if (proto.input(static_cast<int>(i)).empty()) continue;
    if (auto stray = check.find_stray(schema.inputs(), i, graph.fact(node.inputs[i]).dtype, "input")) return stray;
  }
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (auto stray = check.find_stray(schema.outputs(), i, node.outputs[i].fact.dtype, "output")) return stray;
  }
  return std::nullopt;
}

}  // namespace

bool exists(std::string_view type, std::int64_t opset) {
  const bool came_later = std::any_of(std::begin(later_operators), std::end(later_operators),
                                      [&](const auto& later) { return later.first == type && later.second <= opset; });
  return came_later || schema_of(std::string(type), opset) != nullptr;
}

bool is_described(const ::onnx::ModelProto& model) {
  const auto all_are = [](const auto& nodes) {
    return std::all_of(nodes.begin(), nodes.end(), [](const ::onnx::NodeProto& node) {
      return !node.domain().empty() || schema_of(node.op_type(), newest_described_opset) != nullptr;
    });
  };
  return all_are(model.graph().node()) && std::all_of(model.functions().begin(), model.functions().end(),
                                                      [&](const auto& function) { return all_are(function.node()); });
}

void check_dtypes(const ::onnx::NodeProto& proto, const Graph& graph, const Node& node, std::int64_t opset) {
  const ::onnx::OpSchema* schema = schema_of(proto.op_type(), opset);
  if (schema == nullptr) return;
  const auto stray = find_stray(*schema, proto, graph, node);
  if (!stray) return;
  for (int other = static_cast<int>(opset) + 1; other <= newest_described_opset; ++other) {
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
  const bool same = before == nullptr || after == nullptr ? before == after : before->SinceVersion() == after->SinceVersion();
  if (same && !changed_later(op.type, from, to)) return;
  throw Error(
      Fault::unsupported,
      fmt::format("cannot be written at opset {}: it is not known here, was read at opset {}, and ONNX changed it between "
                  "the two",
                  to, from));
}

}  // namespace resnet::onnx

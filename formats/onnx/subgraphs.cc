#include "formats/onnx/subgraphs.h"

#include <onnx/onnx_pb.h>

namespace resnet::onnx {

namespace {

// Protobuf's own limit on nested messages bounds the recursion.
void collect_captured(const ::onnx::GraphProto& graph, std::set<std::string>& names) {
  std::set<std::string> own, read;
  for (const auto& input : graph.input()) own.insert(input.name());
  for (const auto& tensor : graph.initializer()) own.insert(tensor.name());
  for (const auto& tensor : graph.sparse_initializer()) own.insert(tensor.values().name());
  for (const auto& node : graph.node()) {
    own.insert(node.output().begin(), node.output().end());
    read.insert(node.input().begin(), node.input().end());
    for (const auto& attribute : node.attribute()) onnx::collect_captured(attribute, read);
  }
  for (const auto& output : graph.output()) read.insert(output.name());
  for (const std::string& name : read) {
    if (!name.empty() && !own.contains(name)) names.insert(name);
  }
}

}  // namespace

bool has_subgraph(const ::onnx::AttributeProto& attribute) { return attribute.has_g() || attribute.graphs_size() > 0; }

bool has_subgraph(const ::onnx::NodeProto& node) {
  for (const auto& attribute : node.attribute()) {
    if (has_subgraph(attribute)) return true;
  }
  return false;
}

void collect_captured(const ::onnx::AttributeProto& attribute, std::set<std::string>& names) {
  if (attribute.has_g()) collect_captured(attribute.g(), names);
  for (const auto& graph : attribute.graphs()) collect_captured(graph, names);
}

}  // namespace resnet::onnx

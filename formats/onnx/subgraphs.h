// Graphs within attributes (If, Loop, Scan): what they read of the graph around them.
#pragma once

#include <set>
#include <string>

namespace onnx {
class AttributeProto;
class NodeProto;
}  // namespace onnx

namespace resnet::onnx {

bool has_subgraph(const ::onnx::AttributeProto& attribute);
bool has_subgraph(const ::onnx::NodeProto& node);

// Adds the names of outer values that the attribute's graphs read.
void collect_captured(const ::onnx::AttributeProto& attribute, std::set<std::string>& names);

}  // namespace resnet::onnx

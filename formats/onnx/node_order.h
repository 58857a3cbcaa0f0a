// The nodes of a list: how they are named in messages, what they read, and an order in which they can run.
#pragma once

#include <onnx/onnx_pb.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace resnet::onnx {

using NodeList = google::protobuf::RepeatedPtrField<::onnx::NodeProto>;

// As describe() names a node of the graph; `prefix` is that of the names in a function.
std::string label_of(const ::onnx::NodeProto& node, const std::string& prefix = "");

// Adds the names of all values that the nodes, or subgraphs in them, read.
void collect_used(const NodeList& nodes, std::set<std::string>& used);

// An order in which each node is after what it reads; the file's own where it is one. `is_given`: what no node has to make.
// Throws Error(malformed) where a value is produced twice or by nobody, and where nodes wait for each other.
std::vector<int> order(const NodeList& nodes, const std::function<bool(const std::string&)>& is_given);

}  // namespace resnet::onnx

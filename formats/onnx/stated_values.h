// What a file states of its nodes' values beside the graph (value_info): of use after operators that are not known here.
#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>

#include "lib/graph/graph.h"

namespace onnx {
class GraphProto;
class ValueInfoProto;
}  // namespace onnx

namespace resnet::onnx {

class StatedValues {
 public:
  // `graph` outlives it.
  void collect(const ::onnx::GraphProto& graph);
  // To the outputs of a node that was just appended, where their rank is not known.
  void give_to(Node& made, NodeId id);
  // Takes everything back that was given to nodes of `graph`: it contradicts the nodes after them. False where nothing was.
  bool forget(Graph& graph);

 private:
  std::unordered_map<std::string, const ::onnx::ValueInfoProto*> values_;
  std::unordered_set<NodeId> after_unknown_;
};

}  // namespace resnet::onnx

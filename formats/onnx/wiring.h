// How the nodes of a list are wired by the names of their values: one analysis for the reader, which stops at the first mistake,
// and for lint, which reports all.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace resnet::onnx {

// The values of a node by name; empty ones are left out.
struct NodeNames {
  std::vector<std::string> reads, makes;
};

// Nodes are numbers: their places in the list.
struct Wiring {
  struct Twice {
    int node;
    std::string value;
    std::optional<int> also;  // the node that makes it first; nothing where the value is given
  };
  struct Stray {
    int node;
    std::string value;
    bool is_made;  // by this node or one after it; else by none
  };
  std::vector<Twice> twice;   // values that are made again, in the list's order
  std::vector<Stray> strays;  // what a node reads that is neither given nor made before it, in the list's order
  std::vector<int> order;     // each node after those that make what it reads; the list's own order where it is one
  std::vector<int> waiting;   // nodes that are in no order, for they wait for each other: sorted; empty where all is well
  std::vector<int> cycle;     // of those that wait, some that do so in a circle: from what is made to what reads it
};

// `is_given` says what no node has to make: inputs and initializers.
Wiring wire(std::span<const NodeNames> nodes, const std::function<bool(const std::string&)>& is_given);

// "input 'x' is produced by no node, initializer or graph input"
std::string describe_dangling(const std::string& value);

}  // namespace resnet::onnx

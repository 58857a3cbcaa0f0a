// Counts over a graph's facts, for the tests alone.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "lib/graph/graph.h"

namespace resnet::arch {

struct Counts {
  std::int64_t macs = 0, parameters = 0, statistics = 0;
  std::int64_t conv_outputs = 0, norm_outputs = 0, relu_outputs = 0, add_outputs = 0;
};

// The nodes whose name begins with `prefix`; batch 1, every dim a number.
inline Counts count(const Graph& graph, const std::string& prefix = "") {
  Counts counts;
  std::set<ValueId> seen;
  const auto elements = [&](ValueId id) {
    std::int64_t product = 1;
    for (const Dim& dim : *graph.fact(id).dims) product *= dim.number();
    return product;
  };
  const auto parameter = [&](ValueId id, std::int64_t& total) {
    if (seen.insert(id).second) total += elements(id);
  };
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    if (!node.name.starts_with(prefix)) continue;
    const std::int64_t out = elements({static_cast<NodeId>(i), 0});
    if (holds_alternative<Conv>(node.op)) {
      const Dims& w = *graph.fact(node.inputs[1]).dims;
      counts.macs += out * w[1].number() * w[2].number() * w[3].number();
      counts.conv_outputs += out;
      for (std::size_t k = 1; k < node.inputs.size(); ++k) parameter(node.inputs[k], counts.parameters);
    } else if (holds_alternative<Gemm>(node.op)) {
      counts.macs += elements(node.inputs[1]);
      parameter(node.inputs[1], counts.parameters);
      parameter(node.inputs[2], counts.parameters);
    } else if (holds_alternative<BatchNormalization>(node.op)) {
      counts.norm_outputs += out;
      parameter(node.inputs[1], counts.parameters);
      parameter(node.inputs[2], counts.parameters);
      parameter(node.inputs[3], counts.statistics);
      parameter(node.inputs[4], counts.statistics);
    } else if (holds_alternative<Relu>(node.op)) {
      counts.relu_outputs += out;
    } else if (holds_alternative<Add>(node.op)) {
      counts.add_outputs += out;
    }
  }
  return counts;
}

}  // namespace resnet::arch

// Batches that a graph says it takes, and does not.
#include <algorithm>

#include "lib/analysis/batch_axis.h"
#include "lib/analysis/cost.h"
#include "lib/base/error.h"

namespace resnet::analysis {

std::optional<BatchMixing> why_one_alone(const Graph& graph) {
  const auto refusal_of = [&](std::int64_t batch) -> std::optional<Error> {
    try {
      static_cast<void>(at_batch(graph, batch));
    } catch (const Error& error) {
      return error;
    }
    return std::nullopt;
  };
  const std::optional<Dims>* dims = graph.inputs().empty() ? nullptr : &graph.fact(graph.inputs()[0]).dims;
  if (dims == nullptr || !*dims || (*dims)->empty() || (*dims)->front().is_number()) return std::nullopt;
  const std::optional<Error> two = refusal_of(2);
  if (!two || refusal_of(1)) return std::nullopt;
  const Frame* frame = two->find(Frame::Kind::node);
  const auto& nodes = graph.nodes();
  const auto refusing =
      std::find_if(nodes.begin(), nodes.end(), [&](const Node& node) { return frame && describe(node) == frame->name; });
  const auto id = refusing != nodes.end() ? refusing - nodes.begin() : graph.outputs()[0].node;
  return BatchMixing{BatchMixing::Kind::fixed, static_cast<NodeId>(id), (frame ? frame->name : "the network") + ":",
                     two->problem()};
}

}  // namespace resnet::analysis

#include "lib/xnnpack/site.h"

namespace resnet::xnnpack {

Planning::Planning(const Graph& graph, const Job& job, std::size_t threads, Packing& packing)
    : graph_(graph), job_(job), threads_(job.threads > 0 ? job.threads : threads), packing_(packing) {
  if (job.input_shapes.size() != graph.inputs().size()) return;
  std::vector<Fact> facts;
  for (std::size_t i = 0; i < job.input_shapes.size(); ++i) {
    facts.push_back(graph.fact(graph.inputs()[i]));
    facts.back().dims = Dims(job.input_shapes[i].dims().begin(), job.input_shapes[i].dims().end());
  }
  // Only dims are kept: the graph would hold weights that are to be freed as they are packed.
  const Graph sized = with_input_facts(graph, facts);
  for (const Node& node : sized.nodes()) expected_.push_back(node.outputs[0].fact.dims);
}

const std::optional<Dims>& Planning::expected(NodeId id) const {
  return expected_.empty() ? graph_.fact({id, 0}).dims : expected_[static_cast<std::size_t>(id)];
}

bool Site::are_constant_from(std::size_t first) const {
  for (std::size_t i = first; i < node().inputs.size(); ++i) {
    if (has(i) && !is_constant(i)) return false;
  }
  return true;
}

}  // namespace resnet::xnnpack

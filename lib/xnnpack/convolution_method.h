// How each convolution of a plan is computed: directly or by one of Winograd's algorithms.
#pragma once

#include <map>
#include <optional>

#include "lib/graph/graph.h"
#include "lib/kernels/method.h"
#include "lib/xnnpack/plan.h"

namespace resnet::xnnpack {

class ConvolutionMethods {
 public:
  // `threads`: those that a job which names none will run on.
  ConvolutionMethods(const Graph& graph, const Job& job, std::size_t threads);

  // Of a node that is a Conv of rank 4 with a constant weight.
  kernels::Method of(NodeId id) const;

 private:
  const Graph& graph_;
  const Job& job_;
  std::size_t threads_;
  std::map<NodeId, std::optional<Dims>> expected_;  // of convolutions' outputs, where the job says more than the graph
};

}  // namespace resnet::xnnpack

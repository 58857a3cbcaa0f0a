#include "tests/classify/small_networks.h"

namespace resnet::test {

Graph channel_means(const SmallNetwork& options) {
  Graph graph;
  ValueId x = graph.add_input("image", Fact::of(DType::float32, options.input));
  if (!options.input[1].is(3)) x = graph.append(Transpose{.perm = {0, 3, 1, 2}}, {x}, "to_nchw");
  const ValueId pooled = graph.append(GlobalAveragePool{}, {x}, "pool");
  const ValueId flat = graph.append(Flatten{.axis = 1}, {pooled}, "flatten");
  const ValueId weights = graph.add_constant("w", Tensor::from<float>(Shape{4, 3}, {1, 0, 0, 0, 1, 0, 0, 0, 1, 1000, 0, 0}));
  const ValueId bias = graph.add_constant("b", Tensor::from<float>(Shape{4}, {0, 0, 0, -1}));
  ValueId scores = graph.append(Gemm{.transB = true}, {flat, weights, bias}, "fc", {"scores"});
  if (options.softmax) scores = graph.append(Softmax{.axis = 1}, {scores}, "softmax", {"probabilities"});
  graph.set_outputs({scores});
  return graph;
}

std::shared_ptr<const xnnpack::Plan> plan_of(Graph graph) { return xnnpack::Plan::make(std::move(graph)); }

}  // namespace resnet::test

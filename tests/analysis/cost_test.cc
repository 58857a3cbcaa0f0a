#include "lib/analysis/cost.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/error.h"

namespace resnet::analysis {
namespace {

std::int64_t value_of(const std::vector<Convention>& conventions, std::string_view name) {
  for (const Convention& convention : conventions) {
    if (convention.name == name) return convention.value;
  }
  throw std::out_of_range(std::string(name));
}

Graph convolution(Dims input, Shape weight, Conv conv, bool bias) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, std::move(input)));
  std::vector<ValueId> inputs = {x, graph.add_constant("w", Tensor::allocate(DType::float32, weight))};
  if (bias) inputs.push_back(graph.add_constant("b", Tensor::allocate(DType::float32, Shape{weight[0]})));
  graph.set_outputs({graph.append(std::move(conv), inputs, "conv", {"y"})});
  return graph;
}

TEST(Cost, AConvolutionCountsItsKernelPerOutput) {
  const Cost cost = total(costs_of(convolution({2, 3, 9, 7}, {8, 3, 3, 3}, {.pads = {1, 1, 1, 1}, .strides = {2, 2}}, true)));
  EXPECT_EQ(cost.activations, 2 * 8 * 5 * 4);
  EXPECT_EQ(cost.macs, 2 * 8 * 5 * 4 * 27);
  EXPECT_EQ(cost.parameters, 8 * 27 + 8);
  EXPECT_EQ(cost.convolution_biases, 2 * 8 * 5 * 4);
  EXPECT_EQ(cost.product_biases, 0);
}

TEST(Cost, GroupsDivideAndDilationsCostNothing) {
  const Cost cost =
      total(costs_of(convolution({1, 8, 11, 11}, {16, 2, 3, 3}, {.dilations = {2, 2}, .pads = {0, 1, 2, 3}, .group = 4}, false)));
  // Height 11 + 0 + 2 - 5 + 1 = 9, width 11 + 1 + 3 - 5 + 1 = 11.
  EXPECT_EQ(cost.activations, 16 * 9 * 11);
  EXPECT_EQ(cost.macs, 16 * 9 * 11 * 2 * 9);
  EXPECT_EQ(cost.parameters, 16 * 2 * 9);
}

TEST(Cost, ASharedWeightCountsOnce) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {1, 4, 5, 5}));
  const ValueId w = graph.add_constant("w", Tensor::allocate(DType::float32, {4, 4, 1, 1}));
  const ValueId same = graph.append(Identity{}, {w}, "w_again", {"w2"});
  const ValueId a = graph.append(Conv{}, {x, w}, "a", {"a"});
  graph.set_outputs({graph.append(Conv{}, {a, same}, "b", {"b"})});
  const Cost cost = total(costs_of(graph));
  EXPECT_EQ(cost.parameters, 16);
  EXPECT_EQ(cost.macs, 2 * 4 * 25 * 4);
}

TEST(Cost, ASymbolicBatchNeedsANumber) {
  const Graph graph = convolution({Dim::symbol("batch"), 3, 8, 8}, {4, 3, 1, 1}, {}, false);
  try {
    costs_of(graph);
    FAIL() << "a symbolic batch was counted";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "node 'conv' (Conv): the cost depends on a size that is not known (float batchx4x8x8): give the input's shape");
  }
  EXPECT_EQ(total(costs_of(at_batch(graph, 1))).macs, 4 * 64 * 3);
  EXPECT_EQ(total(costs_of(at_batch(graph, 5))).macs, 5 * 4 * 64 * 3);
}

TEST(Cost, BatchNormHasParametersAndBuffers) {
  Graph graph;
  std::vector<ValueId> inputs = {graph.add_input("x", Fact::of(DType::float32, {1, 6, 2, 2}))};
  for (const char* name : {"scale", "shift", "mean", "variance"}) {
    inputs.push_back(graph.add_constant(name, Tensor::allocate(DType::float32, {6})));
  }
  graph.set_outputs({graph.append(BatchNormalization{}, inputs, "bn", {"y"})});
  const Cost cost = total(costs_of(graph));
  EXPECT_EQ(cost.parameters, 12);
  EXPECT_EQ(cost.buffers, 12);
  EXPECT_EQ(cost.norm_elements, 24);
  EXPECT_EQ(cost.macs, 0);
}

TEST(Cost, TheConventionsOfResNet50) {
  // The element counts of ResNet-50 v1.5, one image of 224x224.
  Cost cost;
  cost.macs = 4'089'184'256;
  cost.norm_elements = cost.convolution_elements = 11'113'984;
  cost.relu_elements = 9'608'704;
  cost.window_pool_inputs = 64 * 112 * 112;
  cost.global_pool_inputs = 2048 * 49;
  cost.global_pool_outputs = 2048;
  cost.product_biases = 1000;
  const auto counted = conventions(cost, false);
  EXPECT_EQ(value_of(counted, "paper"), 4'089'184'256);
  EXPECT_EQ(value_of(counted, "FLOPs"), 8'178'368'512);
  EXPECT_EQ(value_of(counted, "torchvision"), 4'089'184'256);
  EXPECT_EQ(value_of(counted, "fvcore, timm"), 4'111'512'576);
  EXPECT_EQ(value_of(counted, "ptflops"), 4'121'925'096);
  EXPECT_EQ(value_of(counted, "thop"), 4'133'742'592);
}

}  // namespace
}  // namespace resnet::analysis

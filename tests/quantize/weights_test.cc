#include "lib/quantize/weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "lib/quantize/scheme.h"

namespace resnet::quantize {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Le;

// x -> Gemm(w (channels, inputs), b)
struct Layer {
  Graph graph;
  NodeId node;
};
Layer product(std::int64_t channels, const std::vector<float>& weight, const std::vector<float>& bias) {
  Layer layer;
  const std::int64_t inputs = static_cast<std::int64_t>(weight.size()) / channels;
  const ValueId x = layer.graph.add_input("x", Fact::of(DType::float32, {Dim(1), Dim(inputs)}));
  std::vector<ValueId> all = {x, layer.graph.add_constant("w", Tensor::from<float>(Shape{channels, inputs}, weight))};
  if (!bias.empty()) all.push_back(layer.graph.add_constant("b", Tensor::from<float>(Shape{channels}, bias)));
  const ValueId y = layer.graph.append(Gemm{.transB = true}, all, "fc", {"y"});
  layer.graph.set_outputs({y});
  layer.node = y.node;
  return layer;
}

TEST(Weights, AreSymmetricPerChannel) {
  const Layer layer = product(2, {1, -0.5f, 0.25f, 100, 50, -127}, {});
  const IntegerWeights found = quantize_weights(layer.graph, layer.node, 0.5f, {});
  EXPECT_EQ(found.axis, 0u);
  EXPECT_THAT(found.values.data<std::int8_t>(), ElementsAre(127, -64, 32, 100, 50, -127));  // halves go to even
  EXPECT_THAT(found.scales.data<float>(), ElementsAre(1.0f / 127, 1.0f));
  EXPECT_FALSE(found.bias);
  EXPECT_EQ(found.enlarged, 0u);
}

TEST(Weights, TheBiasIsInUnitsOfBothScales) {
  const Layer layer = product(2, {127, 0, 254, 0}, {3, -5});
  const IntegerWeights found = quantize_weights(layer.graph, layer.node, 0.25f, {});
  EXPECT_THAT(found.bias_scales.data<float>(), ElementsAre(0.25f, 0.5f));
  EXPECT_THAT(found.bias->data<std::int32_t>(), ElementsAre(12, -10));
}

TEST(Weights, ColumnsAreChannelsWhereTheMatrixIsNotTransposed) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {Dim(1), Dim(2)}));
  const ValueId w = graph.add_constant("w", Tensor::from<float>(Shape{2, 3}, {1, 20, 300, -2, 10, 30}));
  graph.set_outputs({graph.append(MatMul{}, {x, w}, "fc", {"y"})});
  const IntegerWeights found = quantize_weights(graph, graph.outputs()[0].node, 1, {});
  EXPECT_EQ(found.axis, 1u);
  EXPECT_THAT(found.scales.data<float>(), ElementsAre(2.0f / 127, 20.0f / 127, 300.0f / 127));
  EXPECT_THAT(found.values.data<std::int8_t>(), ElementsAre(64, 127, 127, -127, 64, 13));
}

TEST(Weights, ABiasThatWouldOverflowEnlargesItsChannelsScale) {
  // Weights so small that the bias would be 5e12 steps.
  const Layer layer = product(2, {1e-9f, -1e-10f, 0.5f, 0.25f}, {1, 1});
  const float input_scale = 0.025f;
  const IntegerWeights found = quantize_weights(layer.graph, layer.node, input_scale, {});
  EXPECT_EQ(found.enlarged, 1u);
  const auto bias = found.bias->data<std::int32_t>();
  const auto scales = found.bias_scales.data<float>();
  for (std::size_t c = 0; c < 2; ++c) {
    EXPECT_NEAR(static_cast<double>(bias[c]) * static_cast<double>(scales[c]), 1, 1e-4);
    // The sums that it is added to fit besides.
    const std::int64_t sums = 2 * 127 * 255;
    EXPECT_LE(std::abs(static_cast<std::int64_t>(bias[c])) + sums, std::numeric_limits<std::int32_t>::max());
  }
  EXPECT_THAT(found.scales.data<float>()[1], testing::FloatEq(0.5f / 127));
}

TEST(Weights, AChannelWithoutWeightsKeepsItsBias) {
  const Layer layer = product(2, {0, 0, 0.5f, 0.25f}, {0.3f, 1});
  const IntegerWeights found = quantize_weights(layer.graph, layer.node, 0.02f, {});
  EXPECT_EQ(found.values.data<std::int8_t>()[0], 0);
  EXPECT_NEAR(static_cast<double>(found.bias->data<std::int32_t>()[0]) * static_cast<double>(found.bias_scales.data<float>()[0]),
              0.3, 1e-4);
  const Layer nothing = product(1, {0, 0}, {});
  EXPECT_THAT(quantize_weights(nothing.graph, nothing.node, 0.02f, {}).scales.data<float>(), ElementsAre(1.0f));
}

TEST(Weights, ScalesAndTheirProductsAreNormalNumbers) {
  const Layer layer = product(1, {1e-38f, -1e-42f}, {});
  const IntegerWeights found = quantize_weights(layer.graph, layer.node, 1e-6f, {});
  EXPECT_TRUE(std::isnormal(found.scales.data<float>()[0]));
  EXPECT_TRUE(std::isnormal(found.bias_scales.data<float>()[0]));
}

TEST(Weights, TheBiasTakesBackWhatRoundingChangesInTheMean) {
  // 1 / 127 * 64 for 0.5: 0.0039 too much.
  const Layer layer = product(1, {1, 0.5f}, {});
  const std::vector<double> means = {2, 10};
  const IntegerWeights found = quantize_weights(layer.graph, layer.node, 1e-3f, means);
  ASSERT_TRUE(found.bias);
  const double bias =
      static_cast<double>(found.bias->data<std::int32_t>()[0]) * static_cast<double>(found.bias_scales.data<float>()[0]);
  EXPECT_NEAR(bias, (0.5 - 64.0 / 127) * 10, 1e-5);
}

TEST(Weights, GroupsHaveTheirOwnInputs) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {Dim(1), Dim(2), Dim(4), Dim(4)}));
  const ValueId w = graph.add_constant("w", Tensor::from<float>(Shape{2, 1, 1, 2}, {1, 0.5f, 0.5f, 1}));
  graph.set_outputs({graph.append(Conv{.group = 2}, {x, w}, "conv", {"y"})});
  const std::vector<double> means = {1, 1, 7, 7};  // by channel and place
  const IntegerWeights found = quantize_weights(graph, graph.outputs()[0].node, 1e-3f, means);
  const auto bias = [&](std::size_t c) {
    return static_cast<double>(found.bias->data<std::int32_t>()[c]) * static_cast<double>(found.bias_scales.data<float>()[c]);
  };
  EXPECT_NEAR(bias(0), (0.5 - 64.0 / 127) * 1, 1e-5);
  EXPECT_NEAR(bias(1), (0.5 - 64.0 / 127) * 7, 1e-5);
}

}  // namespace
}  // namespace resnet::quantize

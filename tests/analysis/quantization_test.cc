// Which layers are quantized, in each form in which files are written.
#include "lib/analysis/quantization.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "formats/onnx/read.h"

namespace resnet::analysis {
namespace {

using testing::IsEmpty;

Graph network(const std::string& nodes) {
  return onnx::read_text(
             "<ir_version: 8, opset_import: [\"\": 17]> net (float[1,2,4,4] x) => (float[a,b,c,d] y) <"
             "float sx = {0.5}, uint8 zx = {3}, float[2] sw = {0.25, 0.125}, int8[2] zw = {0, 0}, float sy = {2}, uint8 zy = {7},"
             "int8[2,2,1,1] q = {1, 2, 3, 4}, float[2,2,1,1] w = {1, 2, 3, 4}> {" +
             nodes + "}")
      .graph;
}

TEST(Quantization, NothingInFloats) {
  const Graph graph = network("y = Conv(x, w)");
  EXPECT_THAT(quantized_layers(graph), IsEmpty());
  EXPECT_EQ(quantization_text(graph, {}), "");
}

void expect_described(const QuantizedLayer& layer, const Graph& graph, const std::string& type) {
  EXPECT_EQ(type_of(graph.node(layer.node).op), type);
  EXPECT_EQ(layer.x.dtype, DType::uint8);
  EXPECT_EQ(layer.x.scales, 1);
  EXPECT_EQ(layer.x.least_scale, 0.5);
  EXPECT_EQ(layer.x.least_zero_point, 3);
  ASSERT_TRUE(layer.weight && layer.y);
  EXPECT_TRUE(layer.is_weight);
  EXPECT_EQ(layer.weight->dtype, DType::int8);
  EXPECT_EQ(layer.weight->scales, 2);
  EXPECT_EQ(layer.weight->least_scale, 0.125);
  EXPECT_EQ(layer.weight->largest_scale, 0.25);
  EXPECT_EQ(layer.y->least_scale, 2);
  EXPECT_EQ(layer.y->least_zero_point, 7);
}

TEST(Quantization, Pairs) {
  const Graph graph = network(
      "a = QuantizeLinear(x, sx, zx)  b = DequantizeLinear(a, sx, zx)  v = DequantizeLinear<axis = 0>(q, sw, zw)"
      "c = Conv(b, v)  d = Relu(c)  e = QuantizeLinear(d, sy, zy)  y = DequantizeLinear(e, sy, zy)");
  const auto layers = quantized_layers(graph);
  ASSERT_EQ(layers.size(), 1u);
  expect_described(layers[0], graph, "Conv");
  EXPECT_EQ(quantization_text(graph, layers),
            "1 of 1 convolutions and products; activations uint8; weights int8, a scale for each channel");
}

TEST(Quantization, OperatorsOfBytes) {
  const Graph graph =
      network("a = QuantizeLinear(x, sx, zx)  c = QLinearConv(a, sx, zx, q, sw, zw, sy, zy)  y = DequantizeLinear(c, sy, zy)");
  const auto layers = quantized_layers(graph);
  ASSERT_EQ(layers.size(), 1u);
  expect_described(layers[0], graph, "QLinearConv");
}

TEST(Quantization, RangesThatAreFoundAsItRuns) {
  const Graph graph =
      network("a, s, z = DynamicQuantizeLinear(x)  b = ConvInteger(a, q, z)  c = Cast<to = 1>(b)  y = Mul(c, s)  f = Conv(y, w)");
  const auto layers = quantized_layers(graph);
  ASSERT_EQ(layers.size(), 1u);
  EXPECT_EQ(layers[0].x.scales, 0);
  EXPECT_FALSE(layers[0].x.zero_point_known);
  EXPECT_FALSE(layers[0].y);
  EXPECT_EQ(quantization_text(graph, layers),
            "1 of 2 convolutions and products; activations uint8, their ranges found as it runs; weights int8");
}

// Sums of integers become floats by x_scale * w_scale, of which one is found as the network runs.
TEST(Quantization, WeightsBesideRangesThatAreFound) {
  const Graph graph =
      network("a, s, z = DynamicQuantizeLinear(x)  b = ConvInteger(a, q, z)  c = Cast<to = 1>(b)  m = Mul(s, sy)  y = Mul(c, m)");
  const auto layers = quantized_layers(graph);
  ASSERT_EQ(layers.size(), 1u);
  EXPECT_EQ(layers[0].x.scales, 0);
  ASSERT_TRUE(layers[0].weight);
  EXPECT_EQ(layers[0].weight->scales, 1);
  EXPECT_EQ(layers[0].weight->least_scale, 2);
}

}  // namespace
}  // namespace resnet::analysis

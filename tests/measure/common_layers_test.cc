// Layers of float and quantized networks beside each other, in real units.
#include "lib/measure/common_layers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "formats/onnx/read.h"
#include "lib/reference/reference.h"

namespace resnet {
namespace {

using testing::Each;
using testing::ElementsAre;

Graph network(const std::string& nodes) {
  return onnx::read_text(
             "<ir_version: 8, opset_import: [\"\": 17]> net (float[1,1,1,4] x) => (float[a,b,c,d] y) <float s = {0.5},"
             "uint8 z = {0}, float sw = {1}, int8 zw = {0}, int8[1,1,1,1] q = {2}, float[1,1,1,1] w = {2}> {" +
             nodes + "}")
      .graph;
}

const char* const floats = "a = Identity(x)  b = Conv(a, w)  r = Relu(b)  p = MaxPool<kernel_shape = [1, 1]>(r)  y = Identity(p)";

std::vector<float> values_of(const Graph& graph, std::size_t output) {
  const std::vector<Tensor> inputs = {Tensor::from<float>(Shape{1, 1, 1, 4}, {-1, 1, 2, 3})};
  const Tensor found = reference::evaluate(graph, inputs)[output];
  return found.values_as<float>();
}

TEST(CommonLayers, FloatsByTheirNames) {
  const CommonLayers common = common_layers(network(floats), network("b = Conv(x, w)  y = Identity(b)"));
  EXPECT_THAT(common.names, ElementsAre("b", "y"));
}

// The convolution's bytes end at 0: they are what the Relu gives.
TEST(CommonLayers, OperatorsOfBytesInRealUnits) {
  const CommonLayers common = common_layers(
      network(floats),
      network("a_quantized = QuantizeLinear(x, s, z)  b_quantized = QLinearConv(a_quantized, s, z, q, sw, zw, s, z)"
              "p_quantized = MaxPool<kernel_shape = [1, 1]>(b_quantized)  y = DequantizeLinear(p_quantized, s, z)"));
  EXPECT_THAT(common.names, ElementsAre("a", "r", "p"));
  EXPECT_THAT(values_of(common.a, 1), ElementsAre(0, 2, 4, 6));
  EXPECT_THAT(values_of(common.b, 1), ElementsAre(0, 2, 4, 6));
  EXPECT_THAT(values_of(common.b, 2), ElementsAre(0, 2, 4, 6));
}

TEST(CommonLayers, PairsStandForWhatIsReadAfterThem) {
  const std::string pairs =
      "a_QuantizeLinear_Output = QuantizeLinear(x, s, z)  a_d = DequantizeLinear(a_QuantizeLinear_Output, s, z)"
      "v = DequantizeLinear(q, sw, zw)  r = Conv(a_d, v)  r_QuantizeLinear_Output = QuantizeLinear(r, s, z)"
      "y = DequantizeLinear(r_QuantizeLinear_Output, s, z)";
  const CommonLayers common = common_layers(network(floats), network(pairs));
  EXPECT_THAT(common.names, ElementsAre("a", "r"));
  EXPECT_THAT(values_of(common.b, 1), ElementsAre(0, 2, 4, 6));  // -2 before it is quantized
}

}  // namespace
}  // namespace resnet

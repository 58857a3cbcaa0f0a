// What newer opsets only say otherwise goes to older ones.
#include "formats/onnx/older_forms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "formats/onnx/read.h"
#include "formats/onnx/text.h"
#include "formats/onnx/write.h"
#include "lib/base/error.h"
#include "lib/reference/reference.h"

namespace resnet::onnx {
namespace {

Model network(const std::string& nodes) {
  return read_text(
      "<ir_version: 10, opset_import: [\"\": 22]> net (float[N,3,8,8] x) => (float[a,b,c,d] y, int64[e] z) "
      "<int64[2] flat = {-1, 192}, int64[2] zero = {0, 0}, int64[2] axes = {2, 3}> {" +
      nodes + "}");
}

Graph written(const std::string& nodes, int opset) {
  const std::string bytes = serialize(network(nodes), {.opset = opset});
  return read(std::as_bytes(std::span(bytes)), "written", {}).graph;
}

TEST(OlderForms, PartsOfAShape) {
  for (const int opset : {14, 13, 11, 9, 7}) {
    const Graph graph = written("y = Relu(x)  z = Shape<start = 1, end = -1>(x)", opset);
    EXPECT_EQ(known_integers(graph.fact(graph.outputs()[1])), (std::vector<std::int64_t>{3, 8})) << opset;
    const Graph open = written("y = Relu(x)  z = Shape<end = 2>(x)", opset);
    ASSERT_TRUE(open.fact(open.outputs()[1]).elements);
    EXPECT_EQ(to_string(*open.fact(open.outputs()[1]).elements), "Nx3");
  }
}

TEST(OlderForms, WhatStandsForTheDefault) {
  for (const int opset : {13, 9, 7}) {
    const Graph graph = written(
        "p = MaxPool<kernel_shape = [2, 2], strides = [2, 2], dilations = [1, 1]>(x)"
        "y = ReduceMean<noop_with_empty_axes = 1>(p, axes)  r = Reshape<allowzero = 1>(x, flat)  z = Shape(r)",
        opset);
    EXPECT_EQ(graph.fact(graph.outputs()[0]).to_string(), "float Nx3x1x1");
    EXPECT_EQ(graph.fact(graph.outputs()[1]).to_string(), "int64 2");
  }
}

TEST(OlderForms, WhatDoesNotIsRefused) {
  EXPECT_THROW(written("y = Relu(x)  r = Reshape<allowzero = 1>(x, zero)  z = Shape(r)", 13), Error);
}

// The same numbers by other nodes, at the lowest opset that can say it.
struct Older {
  const char* name;
  int opset;      // at which it is written
  int from;       // that has it
  std::string y;  // of the map x and constants
};

Model one_node(const Older& older) {
  return read_text("<ir_version: 10, opset_import: [\"\": " + std::to_string(older.from) +
                   "]> net (float[2,4,3,5] x) => (y) <float[4] scale = {0.5, 1, -2, 3}, float[4] shift = {1, 2, 3, 4}, "
                   "float[5] last = {1, 2, 3, 4, 5}, int64[2] axes = {-1, 2}, int64[1] channels = {1}, "
                   "int64[4] pads = {1, 0, 2, 1}, float[2] factors = {2, 3}, int64[2] sizes = {6, 10}, int64[0] none = {}> {" +
                   older.y + "}");
}

void PrintTo(const Older& older, std::ostream* out) { *out << older.name; }

class ByOtherNodes : public testing::TestWithParam<Older> {};

TEST_P(ByOtherNodes, GivesTheSame) {
  const Model model = one_node(GetParam());
  const std::string bytes = serialize(model, {.opset = GetParam().opset});
  const Graph again = read(std::as_bytes(std::span(bytes)), "written", {}).graph;
  Tensor x = Tensor::allocate(DType::float32, Shape{2, 4, 3, 5});
  for (std::size_t i = 0; float& value : x.mutable_data<float>()) value = std::sin(static_cast<float>(7 * i++)) * 4;
  const Tensor expected = reference::evaluate(model.graph, std::span(&x, 1))[0],
               found = reference::evaluate(again, std::span(&x, 1))[0];
  ASSERT_EQ(found.shape(), expected.shape());
  const auto wanted = expected.values_as<double>(), values = found.values_as<double>();
  for (std::size_t i = 0; i < wanted.size(); ++i) ASSERT_NEAR(values[i], wanted[i], 2e-6 * (1 + std::abs(wanted[i]))) << i;
}

INSTANTIATE_TEST_SUITE_P(
    Each, ByOtherNodes,
    testing::Values(Older{"HardSwish", 7, 14, "y = HardSwish(x)"}, Older{"Swish", 7, 24, "y = Swish<alpha = 1.5>(x)"},
                    Older{"Mish", 7, 18, "y = Mish(x)"}, Older{"Celu", 7, 12, "y = Celu<alpha = 0.7>(x)"},
                    Older{"CeluOfASmallAlpha", 7, 12, "y = Celu<alpha = 1e-30>(x)"}, Older{"Gelu", 9, 20, "y = Gelu(x)"},
                    Older{"GeluByTanh", 7, 20, "y = Gelu<approximate = \"tanh\">(x)"},
                    Older{"GroupNormalization", 7, 21, "y = GroupNormalization<num_groups = 2>(x, scale, shift)"},
                    Older{"LayerNormalization", 7, 17, "y = LayerNormalization<axis = -1>(x, last, last)"},
                    Older{"LayerNormalizationWithoutBias", 7, 17, "y = LayerNormalization(x, last)"},
                    Older{"RMSNormalization", 7, 23, "y = RMSNormalization(x, last)"},
                    Older{"SoftmaxOfMaps", 7, 13, "y = Softmax<axis = 1>(x)"},
                    Older{"CoercedSoftmax", 17, 9, "y = Softmax<axis = 2>(x)"},
                    Older{"CoercedLogSoftmax", 13, 11, "y = LogSoftmax<axis = 1>(x)"},
                    Older{"GreaterOrEqual", 11, 12, "y = GreaterOrEqual(x, last)"},
                    Older{"PadOfSomeAxes", 7, 18, "y = Pad(x, pads, , axes)"},
                    Older{"UnevenSplit", 7, 18, "a, b = Split<axis = 3, num_outputs = 2>(x) y = Concat<axis = 3>(b, a)"},
                    Older{"ResizeByFactors", 11, 18, "y = Resize<axes = [3, 2]>(x, , factors)"},
                    Older{"ResizeBySizes", 11, 18, "y = Resize<axes = [2, 3], mode = \"linear\">(x, , , sizes)"},
                    Older{"ResizeThatKeepsTheAspect", 13, 18,
                          "y = Resize<axes = [2, 3], keep_aspect_ratio_policy = \"not_smaller\">(x, , , sizes)"},
                    Older{"ReductionOverNoAxes", 7, 18, "y = ReduceSum<noop_with_empty_axes = 1>(x, none)"}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(OlderForms, StatisticsOf16BitsStay) {
  const Model model = read_text(
      "<ir_version: 10, opset_import: [\"\": 22]> net (float16[2,4] x) => (float16[2,4] y) <float16[4] one = {1, 1, 1, 1}> "
      "{ y = LayerNormalization(x, one) }");
  EXPECT_THROW(serialize(model, {.opset = 16}), Error);
  EXPECT_NO_THROW(serialize(model, {.opset = 17}));
}

TEST(OlderForms, TheLowestOpsetOfOthersIsNamed) {
  try {
    written("y = Gelu(x)  z = Shape(y)", 8);
    ADD_FAILURE() << "was written";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("the lowest opset that can is 9"));
  }
}

TEST(OlderForms, NothingToDo) {
  EXPECT_FALSE(older_forms(network("y = Relu(x)  z = Shape<start = 1>(x)").graph, 15));
  EXPECT_FALSE(older_forms(network("y = Relu(x)  z = Shape(x)").graph, 7));
}

}  // namespace
}  // namespace resnet::onnx

// A network of 16-bit floats, in float32 throughout.
#include <gmock/gmock.h>

#include "formats/onnx/read.h"
#include "lib/base/error.h"
#include "tests/passes/support.h"

namespace resnet {
namespace {

Graph network(const std::string& type, const std::string& head) {
  return onnx::read_text("<ir_version: 8, opset_import: [\"\": 17, \"elsewhere\": 1]> net (" + type +
                         "[N,2] x, int64[N,2] i) => (" + type + "[N,2] y, int64[N,2] j) { c = Cast<to = " +
                         (type == "float16" ? "10" : "16") + ">(i)  z = Add(x, c)  y = " + head + "(z)  j = Identity(i) }")
      .graph;
}

TEST(WidenFloats, InputsAndOutputsToo) {
  for (const std::string type : {"float16", "bfloat16"}) {
    PassLog log;
    const Graph wide = widen_floats(network(type, "Relu"), log);
    EXPECT_EQ(verify(wide), std::vector<std::string>{});
    EXPECT_EQ(wide.fact(wide.inputs()[0]).to_string(), "float Nx2");
    EXPECT_EQ(wide.fact(wide.inputs()[1]).dtype, DType::int64);
    EXPECT_EQ(wide.fact(wide.outputs()[0]).to_string(), "float Nx2");
    EXPECT_EQ(wide.fact(wide.outputs()[1]).dtype, DType::int64);
    EXPECT_EQ(log.done.size(), 1u);
    const auto y = reference::evaluate(
        wide, std::vector{Tensor::from<float>(Shape{1, 2}, {0.1f, -3}), Tensor::from<std::int64_t>(Shape{1, 2}, {1, 2})});
    EXPECT_EQ(y[0].values_as<float>(), (std::vector<float>{1.1f, 0}));
  }
}

TEST(WidenFloats, WithInputsAndOutputsAsTheyAre) {
  for (const std::string type : {"float16", "bfloat16"}) {
    PassLog log;
    const Graph graph = network(type, "Relu");
    const Graph wide = compute_in_float32(graph, log);
    EXPECT_EQ(verify(wide), std::vector<std::string>{});
    for (const auto& [ours, theirs] : {std::pair(wide.inputs(), graph.inputs()), std::pair(wide.outputs(), graph.outputs())}) {
      for (std::size_t i = 0; i < theirs.size(); ++i) {
        EXPECT_EQ(wide.fact(ours[i]), graph.fact(theirs[i]));
        EXPECT_EQ(wide.value(ours[i]).name, graph.value(theirs[i]).name);
      }
    }
    for (const Node& node : wide.nodes()) {
      if (holds_alternative<Relu>(node.op) || holds_alternative<Add>(node.op)) {
        EXPECT_EQ(node.outputs[0].fact.dtype, DType::float32);
      }
    }
  }
}

TEST(WidenFloats, WhatReadsAnOutputReadsItAsItIsGivenOut) {
  PassLog log;
  const Graph graph = onnx::read_text(
                          "<ir_version: 8, opset_import: [\"\": 17]> net (float16[2] x) => (float16[2] y, float[2] z) { y = "
                          "Sqrt(x)  w = Neg(y)  z = Cast<to = 1>(w) }")
                          .graph;
  const Graph wide = compute_in_float32(graph, log);
  const std::vector<float> values = {2, 3};
  Tensor x = Tensor::allocate(DType::float16, Shape{2});
  for (std::size_t i = 0; i < 2; ++i) x.mutable_data<Float16>()[i] = Float16(values[i]);
  const auto y = reference::evaluate(wide, std::vector{x});
  EXPECT_EQ(y[0].dtype(), DType::float16);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(y[1].data<float>()[i], -y[0].values_as<float>()[i]);
}

TEST(WidenFloats, ConstantsAloneDoNotCount) {
  const Graph graph =
      onnx::read_text(
          "<ir_version: 8, opset_import: [\"\": 17]> net (float[2] x) => (float[2] y) <float16[2] h = {1, 2}> { w "
          "= Cast<to = 1>(h)  y = Add(x, w) }")
          .graph;
  PassLog log;
  EXPECT_EQ(print(compute_in_float32(graph, log)), print(graph));
}

TEST(WidenFloats, NotWhatNobodyKnows) {
  PassLog log;
  EXPECT_THROW(widen_floats(network("float16", "elsewhere.Frobnicate"), log), Error);
}

}  // namespace
}  // namespace resnet

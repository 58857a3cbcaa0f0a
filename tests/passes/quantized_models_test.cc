// Real quantized networks, in the forms that exporters write: what is left of their pairs, and that they compute the same.
#include <gmock/gmock.h>

#include <random>

#include "formats/onnx/read.h"
#include "tests/passes/support.h"
#include "tests/support/assets.h"

namespace resnet {
namespace {

Graph read(const std::string& name) { return onnx::read(*test::assets() / "models" / "int8" / (name + ".onnx")).graph; }

Graph rewritten(const Graph& graph) {
  PassLog log;
  Graph after = optimize(integer_arithmetic(graph, log), log);
  EXPECT_EQ(verify(after), std::vector<std::string>{});
  return after;
}

std::size_t count_of(const Graph& graph, const std::string& type) {
  std::size_t found = 0;
  for (const Node& node : graph.nodes()) found += traits_of(node.op).type == type ? 1u : 0u;
  return found;
}

// A picture as a network of this input takes it.
Tensor picture(const Graph& graph) {
  std::vector<std::int64_t> sizes;
  for (const Dim& dim : *graph.fact(graph.inputs()[0]).dims) sizes.push_back(dim.is_number() ? dim.number() : 1);
  return filled(Shape(sizes), 5, -2, 2);
}

struct Expected {
  const char* name;
  std::size_t convolutions, additions, tables;
};
class QuantizedModels : public ::testing::TestWithParam<Expected> {};

// One QuantizeLinear at the input and one DequantizeLinear at the output.
TEST_P(QuantizedModels, NoPairIsLeftInside) {
  RESNET_REQUIRE_ASSETS();
  const Graph after = rewritten(read(GetParam().name));
  EXPECT_EQ(count_of(after, "QuantizeLinear"), 1u) << print_operators(after);
  EXPECT_EQ(count_of(after, "DequantizeLinear"), 1u);
  EXPECT_EQ(count_of(after, "QLinearConv"), GetParam().convolutions);
  EXPECT_EQ(count_of(after, "QLinearAdd"), GetParam().additions);
  EXPECT_EQ(count_of(after, "LookupTable"), GetParam().tables) << print_operators(after);
  EXPECT_EQ(count_of(after, "QGemm"), 1u);
  for (const char* type : {"Conv", "Add", "Gemm", "Relu", "BatchNormalization", "AveragePool", "GlobalAveragePool"})
    EXPECT_EQ(count_of(after, type), 0u) << type;
}

constexpr Expected expected[] = {
    {"cifar10-resnet20-qdq-u8s8", 19, 9, 1},      {"cifar10-resnet20-qdq-u8u8", 19, 9, 1},
    {"cifar10-resnet20-qdq-s8s8", 19, 9, 20},     {"cifar10-resnet20-qoperator", 19, 9, 2},
    {"cifar10-resnet20-qoperator-bn", 19, 9, 21}, {"imagenet-resnet18-qdq-u8s8", 20, 8, 0},
    {"imagenet-resnet18-qoperator", 20, 8, 0},    {"imagenet-resnet18-qoperator-bn", 20, 8, 20},
};
INSTANTIATE_TEST_SUITE_P(All, QuantizedModels, ::testing::ValuesIn(expected), [](const auto& test) {
  std::string name = test.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

// Integer operators and tables are exact: nothing changes.
TEST(QuantizedModel, OperatorsOnIntegersKeepEveryBit) {
  RESNET_REQUIRE_ASSETS();
  for (const char* name : {"cifar10-resnet20-qoperator", "cifar10-resnet20-qoperator-bn"}) {
    const Graph graph = read(name);
    const std::vector<Tensor> inputs = {picture(graph)};
    EXPECT_EQ(reference::evaluate(graph, inputs), reference::evaluate(rewritten(graph), inputs)) << name;
  }
}

// Floats between pairs, and integers: near each other.
TEST(QuantizedModel, PairsBecomeIntegers) {
  RESNET_REQUIRE_ASSETS();
  for (const char* name : {"cifar10-resnet20-qdq-u8s8", "cifar10-resnet20-qdq-s8s8", "cifar10-resnet20-qdq-u8u8"}) {
    SCOPED_TRACE(name);
    const Graph graph = read(name);
    const std::vector<Tensor> inputs = {picture(graph)};
    const Graph after = rewritten(graph);
    const auto a = reference::evaluate(graph, inputs)[0].values_as<double>();
    const auto b = reference::evaluate(after, inputs)[0].values_as<double>();
    // Both are numbers of steps of the output's scale.
    const Node& last = after.node(after.outputs()[0].node);
    const double step = after.fact(last.inputs[1]).value->values_as<double>()[0];
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_LE(std::abs(a[i] - b[i]), 5.001 * step) << i;
  }
}

// The same network with the same parameters, by pairs and by operators on integers: one network.
TEST(QuantizedModel, BothFormsOfResNet18GiveTheSameBits) {
  RESNET_REQUIRE_ASSETS();
  const Graph pairs = rewritten(read("imagenet-resnet18-qdq-u8s8")), operators = rewritten(read("imagenet-resnet18-qoperator"));
  const std::vector<Tensor> inputs = {picture(pairs)};
  EXPECT_EQ(reference::evaluate(pairs, inputs), reference::evaluate(operators, inputs));
}

// From one form to the other and back, with the same bits.
TEST(QuantizedModel, IsWrittenInTheOtherForm) {
  RESNET_REQUIRE_ASSETS();
  const Graph pairs = read("cifar10-resnet20-qdq-u8s8"), given = read("cifar10-resnet20-qoperator");
  PassLog log;
  const Graph operators = in_form(pairs, QuantizedForm::qoperator, log), back = in_form(operators, QuantizedForm::qdq, log);
  EXPECT_EQ(count_of(operators, "Conv"), 0u);
  EXPECT_EQ(count_of(operators, "QLinearConv"), 19u);
  EXPECT_EQ(count_of(operators, "LookupTable"), 0u);
  EXPECT_EQ(count_of(back, "QLinearConv"), 0u);
  EXPECT_EQ(count_of(back, "Conv"), count_of(pairs, "Conv"));
  const std::vector<Tensor> inputs = {picture(pairs)};
  const auto answers = reference::evaluate(rewritten(pairs), inputs);
  EXPECT_EQ(reference::evaluate(rewritten(operators), inputs), answers);
  EXPECT_EQ(reference::evaluate(rewritten(back), inputs), answers);
  EXPECT_EQ(reference::evaluate(rewritten(in_form(given, QuantizedForm::qdq, log)), inputs),
            reference::evaluate(rewritten(given), inputs));
}

TEST(QuantizedForm, WhatKeepsItsFormIsNamed) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::uint8, Dims{1, 2, 4, 4}));
  const std::vector<std::int8_t> weights = {1, 2, 3, 4};
  const ValueId w = graph.add_constant("w", Tensor::from<std::int8_t>(Shape{2, 2, 1, 1}, std::span(weights)));
  graph.set_outputs({graph.append(ConvInteger{}, {x, w}, "sum", {"y"})});
  PassLog log;
  in_form(graph, QuantizedForm::qdq, log);
  ASSERT_EQ(log.declined.size(), 1u);
  EXPECT_THAT(log.declined[0], ::testing::HasSubstr("'sum'"));
}

// Nothing is changed that has no other form, and floats have none.
TEST(QuantizedModel, FloatsHaveNoOtherForm) {
  RESNET_REQUIRE_ASSETS();
  const Graph floats = onnx::read(*test::assets() / "models/cifar10-resnet20-torch-op11.onnx").graph;
  PassLog log;
  for (const QuantizedForm form : {QuantizedForm::qdq, QuantizedForm::qoperator})
    EXPECT_EQ(in_form(floats, form, log).nodes().size(), floats.nodes().size());
  EXPECT_TRUE(log.done.empty());
}

}  // namespace
}  // namespace resnet

// Each operator against lib/reference, over odd sizes, single channels, every padding, groups and layouts.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/xnnpack/network.h"

namespace resnet {
namespace {

using test::expect_as_reference;
using test::float_fact;
using test::graph_of;
using test::integers;
using test::kinds;
using test::random_tensor;
using ::testing::Contains;
using ::testing::ElementsAre;

void check(Op op, const std::vector<Shape>& inputs, const std::vector<Tensor>& constants = {}, double tolerance = 1e-5) {
  std::vector<Tensor> values;
  for (const Shape& shape : inputs) values.push_back(random_tensor(shape, static_cast<unsigned>(values.size()) + 11));
  expect_as_reference(graph_of(std::move(op), inputs, constants), values, tolerance);
}

struct ConvCase {
  const char* name;
  std::int64_t batch, inputs, height, width, outputs, kernel_height, kernel_width;
  Conv conv;
};

class Convolution : public ::testing::TestWithParam<ConvCase> {};

TEST_P(Convolution, AsReference) {
  const ConvCase& c = GetParam();
  const Shape x{c.batch, c.inputs, c.height, c.width};
  const Tensor weight = random_tensor({c.outputs, c.inputs / c.conv.group, c.kernel_height, c.kernel_width}, 3);
  const Tensor bias = random_tensor({c.outputs}, 4);
  ASSERT_THAT(kinds(*xnnpack::Plan::make(graph_of(c.conv, {x}, {weight}))), ElementsAre("convolution"));
  check(c.conv, {x}, {weight});
  check(c.conv, {x}, {weight, bias});
}

Conv conv(std::vector<std::int64_t> pads, std::vector<std::int64_t> strides = {}, std::int64_t group = 1,
          std::vector<std::int64_t> dilations = {}, AutoPad auto_pad = AutoPad::notset) {
  return {.auto_pad = auto_pad,
          .dilations = std::move(dilations),
          .kernel_shape = {},
          .pads = std::move(pads),
          .strides = std::move(strides),
          .group = group};
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Convolution,
    ::testing::Values(ConvCase{"pointwise", 2, 16, 7, 5, 24, 1, 1, conv({})},
                      ConvCase{"pointwise_strided", 1, 9, 9, 7, 17, 1, 1, conv({}, {2, 2})},
                      ConvCase{"pointwise_padded", 1, 3, 4, 5, 6, 1, 1, conv({1, 0, 2, 1})},
                      ConvCase{"square", 3, 8, 13, 11, 16, 3, 3, conv({1, 1, 1, 1})},
                      ConvCase{"one_channel", 2, 1, 9, 9, 1, 3, 3, conv({1, 1, 1, 1})},
                      ConvCase{"one_to_many", 1, 1, 6, 7, 5, 3, 3, conv({})},
                      ConvCase{"many_to_one", 1, 7, 6, 7, 1, 3, 3, conv({1, 1, 1, 1})},
                      ConvCase{"first_layer", 1, 3, 33, 31, 16, 7, 7, conv({3, 3, 3, 3}, {2, 2})},
                      ConvCase{"asymmetric_padding", 2, 4, 8, 9, 6, 3, 3, conv({0, 2, 1, 0}, {2, 1})},
                      ConvCase{"flat_kernel", 1, 5, 8, 9, 7, 1, 5, conv({0, 2, 0, 2})},
                      ConvCase{"dilated", 1, 6, 15, 14, 8, 3, 3, conv({2, 2, 2, 2}, {}, 1, {2, 2})},
                      ConvCase{"grouped", 2, 12, 9, 7, 8, 3, 3, conv({1, 1, 1, 1}, {}, 4)},
                      ConvCase{"grouped_pointwise", 2, 12, 5, 5, 18, 1, 1, conv({}, {}, 3)},
                      ConvCase{"depthwise", 2, 19, 9, 8, 19, 3, 3, conv({1, 1, 1, 1}, {}, 19)},
                      ConvCase{"depthwise_multiplied", 1, 5, 9, 8, 15, 3, 3, conv({1, 1, 1, 1}, {2, 2}, 5)},
                      ConvCase{"depthwise_wide", 1, 6, 14, 14, 6, 7, 7, conv({3, 3, 3, 3}, {}, 6)},
                      ConvCase{"per_channel", 2, 13, 5, 4, 13, 1, 1, conv({}, {}, 13)},
                      ConvCase{"same_upper", 1, 4, 9, 10, 5, 3, 3, conv({}, {2, 2}, 1, {}, AutoPad::same_upper)},
                      ConvCase{"same_lower", 1, 4, 10, 9, 5, 4, 2, conv({}, {2, 2}, 1, {}, AutoPad::same_lower)},
                      ConvCase{"valid", 1, 4, 10, 9, 5, 4, 2, conv({}, {3, 2}, 1, {}, AutoPad::valid)}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(Convolution, RandomShapes) {
  std::mt19937 generator(7);
  const auto draw = [&](std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(generator);
  };
  for (int i = 0; i < 60; ++i) {
    SCOPED_TRACE(i);
    const std::int64_t group = draw(1, 3), kernel_height = draw(1, 5), kernel_width = draw(1, 5);
    Conv op = conv({draw(0, 2), draw(0, 2), draw(0, 2), draw(0, 2)}, {draw(1, 3), draw(1, 3)}, group);
    const Shape x{draw(1, 3), group * draw(1, 9), draw(5, 14), draw(5, 14)};
    check(op, {x}, {random_tensor({group * draw(1, 20), x[1] / group, kernel_height, kernel_width}, static_cast<unsigned>(i))});
  }
}

TEST(Convolution, WithoutConstantWeights) { check(conv({1, 1, 1, 1}), {{1, 3, 5, 5}, {4, 3, 3, 3}}); }
TEST(Convolution, OneAndThreeSpatialAxes) {
  check(Conv{}, {{2, 3, 9}}, {random_tensor({4, 3, 3}, 1)});
  check(Conv{}, {{1, 2, 5, 4, 6}}, {random_tensor({3, 2, 2, 3, 2}, 1)});
}

TEST(Pooling, MaxPool) {
  for (const bool ceil : {false, true}) {
    for (const auto& pads : std::vector<std::vector<std::int64_t>>{{}, {1, 1, 1, 1}, {0, 1, 1, 0}, {1, 0, 0, 1}}) {
      for (const std::int64_t stride : {1, 2, 3}) {
        for (const std::int64_t size : {5, 6, 7, 10}) {
          SCOPED_TRACE(::testing::Message() << "ceil " << ceil << " pads " << ::testing::PrintToString(pads) << " stride "
                                            << stride << " size " << size);
          check(MaxPool{.ceil_mode = ceil, .dilations = {}, .kernel_shape = {3, 3}, .pads = pads, .strides = {stride, stride}},
                {{2, 5, size, size + 1}});
        }
      }
    }
  }
}

TEST(Pooling, MaxPoolThatXnnpackRefuses) {
  check(MaxPool{.dilations = {}, .kernel_shape = {1, 1}, .pads = {}, .strides = {2, 2}}, {{1, 3, 7, 8}});
  check(MaxPool{.dilations = {}, .kernel_shape = {2, 2}, .pads = {}, .strides = {3, 3}}, {{1, 3, 8, 8}});
  check(MaxPool{.dilations = {2, 2}, .kernel_shape = {3, 3}, .pads = {2, 2, 2, 2}, .strides = {}}, {{1, 3, 9, 8}});
  check(MaxPool{.dilations = {2, 2}, .kernel_shape = {3, 3}, .pads = {}, .strides = {}}, {{1, 3, 9, 8}});
}

TEST(Pooling, AveragePool) {
  for (const bool include : {false, true}) {
    for (const bool ceil : {false, true}) {
      for (const auto& pads : std::vector<std::vector<std::int64_t>>{{}, {1, 1, 1, 1}, {0, 0, 2, 2}, {1, 0, 0, 1}}) {
        for (const std::int64_t size : {3, 4, 5, 9}) {
          SCOPED_TRACE(::testing::Message() << "include " << include << " ceil " << ceil << " pads "
                                            << ::testing::PrintToString(pads) << " size " << size);
          check(AveragePool{.ceil_mode = ceil,
                            .count_include_pad = include,
                            .dilations = {},
                            .kernel_shape = {3, 3},
                            .pads = pads,
                            .strides = {2, 2}},
                {{2, 5, size, size + 1}});
        }
      }
    }
  }
}

// More rows of end padding than rows of output.
TEST(Pooling, AveragePoolOfTinyImages) {
  for (const std::int64_t size : {1, 2, 3}) {
    check(AveragePool{.dilations = {}, .kernel_shape = {3, 3}, .pads = {0, 0, 2, 2}, .strides = {}}, {{1, 5, size, size}});
    check(AveragePool{.dilations = {}, .kernel_shape = {3, 3}, .pads = {2, 2, 2, 2}, .strides = {}}, {{1, 5, size, size}});
  }
}

// Windows that begin before the image and end after it.
TEST(Pooling, AveragePoolOverBothEnds) {
  for (const std::int64_t size : {1, 2, 3, 4, 5}) {
    for (const std::int64_t stride : {1, 2, 3}) {
      for (const auto& pads : std::vector<std::vector<std::int64_t>>{{1, 1, 3, 3}, {3, 3, 1, 1}, {4, 0, 4, 0}, {0, 2, 0, 3}}) {
        const std::int64_t wide = std::max<std::int64_t>(size, 5);
        check(AveragePool{.dilations = {}, .kernel_shape = {5, 5}, .pads = pads, .strides = {stride, stride}},
              {{2, 3, pads[0] > 0 ? size : wide, pads[1] > 0 ? size : wide}});
      }
    }
  }
}

TEST(Pooling, Global) {
  check(GlobalAveragePool{}, {{3, 17, 7, 5}});
  check(GlobalAveragePool{}, {{2, 1, 3, 3}});
  check(GlobalAveragePool{}, {{2, 4, 1, 1}});
}

TEST(Reduction, EverySetOfAxes) {
  for (const std::vector<std::int64_t>& axes : test::sets_of_axes()) {
    for (const bool keep : {true, false}) {
      SCOPED_TRACE(::testing::Message() << ::testing::PrintToString(axes) << keep);
      check(ReduceMean{.keepdims = keep}, {{2, 3, 5, 4}}, {integers(axes)});
    }
  }
}

TEST(Arithmetic, Broadcasting) {
  const std::vector<std::pair<Shape, Shape>> shapes = {{{2, 3, 4, 5}, {2, 3, 4, 5}},
                                                       {{2, 3, 4, 5}, {3, 1, 1}},
                                                       {{2, 3, 4, 5}, {5}},
                                                       {{1, 3, 1, 5}, {2, 1, 4, 1}},
                                                       {{2, 3}, {}},
                                                       {{4}, {2, 3, 1}},
                                                       {{1, 1, 1, 1}, {2, 3, 4, 5}}};
  for (const auto& [a, b] : shapes) {
    SCOPED_TRACE(a.to_string() + " and " + b.to_string());
    for (const Op& op : std::vector<Op>{Add{}, Sub{}, Mul{}}) {
      check(op, {a, b});
      check(op, {a}, {random_tensor(b, 8)});
    }
    Tensor divisor = random_tensor(b, 9);
    for (float& value : divisor.mutable_data<float>()) value += value < 0 ? -1.0f : 1.0f;
    check(Div{}, {a}, {divisor});
  }
}

TEST(Arithmetic, AValueAddedToItself) {
  Graph graph;
  const ValueId x = graph.add_input("x", float_fact({2, 3, 4, 5}));
  const ValueId r = graph.append(Relu{}, {x}, "r");
  graph.set_outputs({graph.append(Add{}, {r, r}, "sum", {"y"})});
  expect_as_reference(graph, {random_tensor({2, 3, 4, 5}, 1)});
}

TEST(Arithmetic, Sum) {
  check(Sum{}, {{2, 3, 4, 5}, {2, 3, 4, 5}});
  check(Sum{}, {{2, 3}, {3}, {2, 1}});
}

TEST(Activation, Alone) {
  for (const Shape& shape : {Shape{2, 3, 5, 7}, Shape{33}, Shape{}, Shape{1, 1, 1, 1}}) {
    check(Relu{}, {shape});
    check(Sigmoid{}, {shape});
    check(HardSigmoid{}, {shape});
    check(Clip{}, {shape}, {Tensor::scalar(-0.25f), Tensor::scalar(0.5f)});
    // Bounds that cross: the upper one wins.
    check(Clip{}, {shape}, {Tensor::scalar(0.5f), Tensor::scalar(-0.25f)});
  }
}

TEST(Products, Gemm) {
  for (const bool transposed : {false, true}) {
    const Tensor b = random_tensor(transposed ? Shape{7, 19} : Shape{19, 7}, 2);
    const Gemm op{.alpha = 0.5f, .beta = 2.0f, .transB = transposed};
    check(op, {{3, 19}}, {b});
    for (const Shape& c : {Shape{7}, Shape{1, 7}, Shape{}, Shape{1}, Shape{3, 7}, Shape{3, 1}}) {
      SCOPED_TRACE(c.to_string());
      check(op, {{3, 19}}, {b, random_tensor(c, 5)});
    }
  }
  check(Gemm{.transA = true}, {{19, 3}}, {random_tensor({19, 7}, 2)});
  check(Gemm{}, {{3, 5}, {5, 4}});
}

TEST(Products, MatMul) {
  check(MatMul{}, {{4, 19}}, {random_tensor({19, 7}, 2)});
  check(MatMul{}, {{2, 3, 4, 5}}, {random_tensor({5, 6}, 2)});
  check(MatMul{}, {{5}}, {random_tensor({5, 6}, 2)});
  check(MatMul{}, {{2, 3, 5}, {2, 5, 4}});
}

TEST(SoftmaxOperator, EveryAxis) {
  for (const std::int64_t axis : {0, 1, 2, 3, -1}) check(Softmax{.axis = axis}, {{2, 3, 4, 5}});
  check(Softmax{.axis = 1, .coerce_to_2d = true}, {{2, 3, 4, 5}});
  check(LogSoftmax{.axis = -1}, {{3, 10}});
}

TEST(Movement, SlicesPadsAndConcatenations) {
  check(Slice{}, {{2, 6, 7, 8}}, {integers({1, 6, 0}), integers({5, -9, 8}), integers({1, 2, 3}), integers({1, -2, 3})});
  check(Pad{}, {{2, 3, 4, 5}}, {integers({0, 2, 1, 0, 0, 1, 0, 2})});
  check(Pad{}, {{2, 3, 4, 5}}, {integers({0, -1, 1, 0, 0, 0, -1, 2}), Tensor::scalar(3.5f)});
  for (const Pad::Mode mode : {Pad::Mode::reflect, Pad::Mode::edge})
    check(Pad{.mode = mode}, {{1, 2, 4, 5}}, {integers({0, 0, 2, 1, 0, 0, 1, 2})});
  for (const std::int64_t axis : {0, 1, -1}) check(Concat{.axis = axis}, {{2, 3, 4, 5}, {2, 3, 4, 5}});
}

// Between convolutions values lie as NHWC: each of these has to find the right axes there.
class BehindConvolution : public ::testing::TestWithParam<std::pair<const char*, Op>> {};

TEST_P(BehindConvolution, AsReference) {
  const auto& op = GetParam().second;
  Graph graph;
  const ValueId x = graph.add_input("x", float_fact({2, 3, 9, 8}));
  ValueId value = graph.append(conv({1, 1, 1, 1}), {x, graph.add_constant("w", random_tensor({5, 3, 3, 3}, 2))}, "conv");
  std::vector<ValueId> arguments = {value};
  if (holds_alternative<Slice>(op)) {
    for (const auto& list : std::vector<std::vector<std::int64_t>>{{0, 1}, {9, 4}, {2, 1}, {2, 1}})
      arguments.push_back(graph.add_constant("s" + std::to_string(arguments.size()), integers(list)));
  } else if (holds_alternative<Pad>(op)) {
    arguments.push_back(graph.add_constant("p", integers({0, 2, 0, 1, 0, 3, 0, 0})));
  } else if (holds_alternative<Reshape>(op)) {
    arguments.push_back(graph.add_constant("shape", integers({2, -1, 4})));
  } else if (holds_alternative<Concat>(op) || holds_alternative<Add>(op)) {
    arguments.push_back(value);
  } else if (holds_alternative<Mul>(op)) {
    arguments.push_back(graph.add_constant("m", random_tensor({5, 1, 1}, 6)));
  } else if (holds_alternative<ReduceMean>(op)) {
    arguments.push_back(graph.add_constant("axes", integers({1})));
  } else if (holds_alternative<Gather>(op)) {
    arguments.push_back(graph.add_constant("indices", integers({2, 0})));
  }
  value = graph.append(op, arguments, "node", {"y"});
  graph.set_outputs({value});
  expect_as_reference(graph, {random_tensor({2, 3, 9, 8}, 1)});
}

INSTANTIATE_TEST_SUITE_P(Operators, BehindConvolution,
                         ::testing::Values(std::pair<const char*, Op>{"slice", Slice{}}, std::pair<const char*, Op>{"pad", Pad{}},
                                           std::pair<const char*, Op>{"reshape", Reshape{}},
                                           std::pair<const char*, Op>{"flatten", Flatten{}},
                                           std::pair<const char*, Op>{"transpose", Transpose{{0, 3, 1, 2}}},
                                           std::pair<const char*, Op>{"concat", Concat{.axis = 1}},
                                           std::pair<const char*, Op>{"add", Add{}}, std::pair<const char*, Op>{"mul", Mul{}},
                                           std::pair<const char*, Op>{"mean", ReduceMean{.keepdims = false}},
                                           std::pair<const char*, Op>{"gather", Gather{.axis = 1}},
                                           std::pair<const char*, Op>{"softmax", Softmax{.axis = 1}},
                                           std::pair<const char*, Op>{"hard_sigmoid", HardSigmoid{}},
                                           std::pair<const char*, Op>{"cast", Cast{DType::int32}},
                                           std::pair<const char*, Op>{"global_pool", GlobalAveragePool{}}),
                         [](const auto& tested) { return std::string(tested.param.first); });

TEST(Quantization, PerTensor) {
  Graph graph;
  const ValueId x = graph.add_input("x", float_fact({2, 3, 5, 4}));
  const ValueId scale = graph.add_constant("scale", Tensor::scalar(0.01f));
  const ValueId zero = graph.add_constant("zero", Tensor::scalar<std::int8_t>(-5));
  const ValueId q = graph.append(QuantizeLinear{}, {x, scale, zero}, "q");
  graph.set_outputs({graph.append(DequantizeLinear{}, {q, scale, zero}, "d", {"y"}), q});
  expect_as_reference(graph, {random_tensor({2, 3, 5, 4}, 1)});
}

// An activation goes into the step before it where it alone reads that step; one whose input is wanted elsewhere, too, may not.
TEST(Fusion, TakesActivationsOnlyWhereNothingElseReadsTheirInput) {
  for (const bool wanted : {false, true}) {
    Graph graph;
    const ValueId x = graph.add_input("x", float_fact({1, 3, 6, 6}));
    const ValueId c =
        graph.append(conv({1, 1, 1, 1}), {x, graph.add_constant("w", random_tensor({4, 3, 3, 3}, 2))}, "conv", {"c"});
    const ValueId y = graph.append(Relu{}, {c}, "relu", {"y"});
    graph.set_outputs(wanted ? std::vector<ValueId>{y, c} : std::vector<ValueId>{y});
    const auto found = kinds(*xnnpack::Plan::make(graph));
    if (wanted) {
      EXPECT_THAT(found, ElementsAre("convolution", "elementwise"));
    } else {
      EXPECT_THAT(found, ElementsAre("convolution"));
    }
    expect_as_reference(graph, {random_tensor({1, 3, 6, 6}, 1)});
  }
}

TEST(Fusion, ResidualAddition) {
  for (const bool clip : {false, true}) {
    Graph graph;
    const ValueId x = graph.add_input("x", float_fact({2, 3, 6, 6}));
    const auto weight = [&](const char* name, unsigned seed) {
      return graph.add_constant(name, random_tensor({3, 3, 3, 3}, seed));
    };
    const ValueId a = graph.append(conv({1, 1, 1, 1}), {x, weight("wa", 2)}, "a");
    const ValueId b = graph.append(conv({1, 1, 1, 1}), {a, weight("wb", 3)}, "b");
    const ValueId sum = graph.append(Add{}, {b, a}, "sum");
    const ValueId y = clip ? graph.append(Clip{},
                                          {sum, graph.add_constant("low", Tensor::scalar(-0.5f)),
                                           graph.add_constant("high", Tensor::scalar(0.5f))},
                                          "clip", {"y"})
                           : graph.append(Relu{}, {sum}, "relu", {"y"});
    graph.set_outputs({y, a});  // a is read again after the addition: it may not be written over
    EXPECT_THAT(kinds(*xnnpack::Plan::make(graph)), ElementsAre("convolution", "convolution", "elementwise"));
    expect_as_reference(graph, {random_tensor({2, 3, 6, 6}, 1)});
  }
}

TEST(Fusion, BatchNormalizationThatStays) {
  Graph graph;
  const ValueId x = graph.add_input("x", float_fact({2, 5, 4, 3}));
  Tensor variance = random_tensor({5}, 6);
  for (float& value : variance.mutable_data<float>()) value = value * value + 0.1f;
  std::vector<ValueId> inputs = {x};
  for (unsigned i = 0; i < 3; ++i) inputs.push_back(graph.add_constant("c" + std::to_string(i), random_tensor({5}, i)));
  inputs.push_back(graph.add_constant("variance", variance));
  graph.set_outputs({graph.append(Relu{}, {graph.append(BatchNormalization{}, inputs, "bn")}, "relu", {"y"})});
  EXPECT_THAT(kinds(*xnnpack::Plan::make(graph)), ElementsAre("normalization"));
  expect_as_reference(graph, {random_tensor({2, 5, 4, 3}, 1)});
}

// What TensorFlow writes: the Transpose before the first convolution only renames axes.
TEST(Layouts, TransposeFromNhwcMovesNothing) {
  Graph graph;
  const ValueId x = graph.add_input("x", float_fact({2, 6, 5, 3}));
  const ValueId t = graph.append(Transpose{{0, 3, 1, 2}}, {x}, "to_nchw");
  graph.set_outputs({graph.append(
      GlobalAveragePool{},
      {graph.append(conv({1, 1, 1, 1}), {t, graph.add_constant("w", random_tensor({4, 3, 3, 3}, 2))}, "conv")}, "pool", {"y"})});
  ThreadPool pool(1);
  xnnpack::Session session(xnnpack::Plan::make(graph), pool);
  session.reshape(std::vector<Shape>{{2, 6, 5, 3}});
  std::vector<std::string> run;
  for (std::size_t i = 0; i < session.step_count(); ++i) run.push_back(session.step_info(i).kind);
  EXPECT_THAT(run, ElementsAre("convolution", "mean"));
  expect_as_reference(graph, {random_tensor({2, 6, 5, 3}, 1)});
}

TEST(OtherTypes, RunByTheReference) {
  Graph graph;
  const ValueId a = graph.add_input("a", Fact::of(DType::int64, {2, 3})), b = graph.add_input("b", Fact::of(DType::int64, {3}));
  graph.set_outputs({graph.append(Mul{}, {a, b}, "product", {"y"})});
  expect_as_reference(graph, {Tensor::from<std::int64_t>({2, 3}, {1, -2, 3, 4, 5, -6}), integers({7, 8, 9})});
  Graph doubles;
  const ValueId x = doubles.add_input("x", Fact::of(DType::float64, {4}));
  doubles.set_outputs({doubles.append(Relu{}, {x}, "relu", {"y"})});
  expect_as_reference(doubles, {Tensor::from<double>({4}, {-1.5, 0.0, 1e-300, 2.0})});
}

}  // namespace
}  // namespace resnet

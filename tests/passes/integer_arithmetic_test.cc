// Groups of quantized values: which integer operators they become, and that these give the same numbers: exactly, where nothing
// is summed up in float32 before.
#include <gmock/gmock.h>

#include <cmath>

#include "tests/passes/support.h"

namespace resnet {
namespace {

constexpr DType u8 = DType::uint8, s8 = DType::int8;

struct Network {
  Graph graph;
  ValueId x;
  unsigned seed = 0;

  explicit Network(Dims dims = {2, 3, 6, 6}) : x(graph.add_input("x", Fact::of(DType::float32, std::move(dims)))) {}

  std::string fresh() { return "v" + std::to_string(graph.nodes().size()); }
  ValueId put(Op op, std::vector<ValueId> inputs) { return add(graph, std::move(op), std::move(inputs), fresh()); }
  ValueId constant(Tensor tensor) { return graph.add_constant(fresh(), std::move(tensor)); }
  ValueId number(float value) { return constant(Tensor::scalar(value)); }
  ValueId numbers(const Shape& shape, float low, float high) { return constant(filled(shape, ++seed, low, high)); }
  ValueId zero(DType type, int value) {
    return constant(type == u8 ? Tensor::scalar(static_cast<std::uint8_t>(value))
                               : Tensor::scalar(static_cast<std::int8_t>(value)));
  }
  Tensor random_bytes(const Shape& shape, DType type) {
    const Tensor floats = filled(shape, ++seed, type == u8 ? 0.0f : -128.0f, type == u8 ? 255.9f : 127.9f);
    const Tensor* input = &floats;
    return reference::evaluate(Cast{type}, std::span(&input, 1)).front();
  }
  ValueId bytes(const Shape& shape, DType type) { return constant(random_bytes(shape, type)); }

  ValueId quantize(ValueId v, float scale, DType type = u8, int zero_point = 100) {
    return put(QuantizeLinear{}, {v, number(scale), zero(type, zero_point)});
  }
  ValueId dequantize(ValueId v, float scale, DType type = u8, int zero_point = 100) {
    return put(DequantizeLinear{}, {v, number(scale), zero(type, zero_point)});
  }
  ValueId pair(ValueId v, float scale, DType type = u8, int zero_point = 100) {
    return dequantize(quantize(v, scale, type, zero_point), scale, type, zero_point);
  }
  // Of `count` output channels along `axis`.
  ValueId weight(const Shape& shape, DType type = s8, std::size_t axis = 0, bool per_channel = true) {
    const std::int64_t count = shape[axis];
    const ValueId w = bytes(shape, type);
    const ValueId scale = per_channel ? numbers(Shape{count}, 0.001f, 0.003f) : number(0.002f);
    const ValueId zeros = per_channel ? constant(Tensor::allocate(type, Shape{count})) : zero(type, type == u8 ? 131 : -3);
    return put(DequantizeLinear{.axis = static_cast<std::int64_t>(axis)}, {w, scale, zeros});
  }

  Graph after() {
    PassLog log;
    return integer_arithmetic(graph, log);
  }
  // The operators that are left, in order, and that outputs are at most so far from what they were.
  void expect(ValueId y, const std::string& operators, double tolerance = 0) {
    graph.set_outputs({y});
    const Graph rewritten = after();
    EXPECT_EQ(operators_of(rewritten), operators);
    std::vector<std::int64_t> sizes;
    for (const Dim& dim : *graph.fact(x).dims) sizes.push_back(dim.is_number() ? dim.number() : 2);
    expect_near(rewritten, filled(Shape(sizes), 7, -3, 3), tolerance);
  }
  static std::string operators_of(const Graph& g) {
    std::string found;
    for (const Node& node : g.nodes()) {
      if (holds_alternative<Input>(node.op) || holds_alternative<Constant>(node.op)) continue;
      found += (found.empty() ? "" : " ") + std::string(traits_of(node.op).type);
    }
    return found;
  }
  void expect_near(const Graph& rewritten, const Tensor& input, double tolerance) const {
    EXPECT_EQ(verify(rewritten), std::vector<std::string>{});
    const auto before = reference::evaluate(graph, std::vector{input}), now = reference::evaluate(rewritten, std::vector{input});
    ASSERT_EQ(before[0].shape(), now[0].shape());
    ASSERT_EQ(before[0].dtype(), now[0].dtype());
    const auto a = before[0].values_as<double>(), b = now[0].values_as<double>();
    std::size_t differ = 0;
    double most = 0, least = HUGE_VAL, largest = -HUGE_VAL;
    for (std::size_t i = 0; i < a.size(); ++i) {
      most = std::max(most, std::abs(a[i] - b[i]));
      differ += a[i] != b[i] ? 1u : 0u;
      least = std::min(least, a[i]);
      largest = std::max(largest, a[i]);
    }
    EXPECT_LE(most, tolerance * 1.001);
    // In floats there is noise; bytes differ where sums fall near a half.
    if (tolerance > 1e-4) {
      EXPECT_LE(differ, a.size() / 50 + 1);
    }
    EXPECT_LT(least, largest) << "a value that is the same everywhere shows nothing";
  }
};

constexpr float step = 0.02f;

TEST(IntegerArithmetic, AConvolutionOfAnyTypes) {
  for (const DType from : {u8, s8}) {
    for (const DType to : {u8, s8}) {
      for (const DType of : {u8, s8}) {
        for (const bool per_channel : {false, true}) {
          Network n;
          const ValueId w = n.weight(Shape{4, 3, 3, 3}, of, 0, per_channel);
          const ValueId y = n.put(Conv{.pads = {1, 1, 1, 1}}, {n.pair(n.x, 0.03f, from, from == u8 ? 90 : 20), w});
          n.expect(n.pair(y, step, to, 30), "QuantizeLinear QLinearConv DequantizeLinear", step);
        }
      }
    }
  }
}

// What QLinearConv is given: the very parameters, and the bias as the file has it.
TEST(IntegerArithmetic, ABiasOfInt32IsTakenAsItIs) {
  Network n;
  const ValueId scales = n.numbers(Shape{4}, 0.001f, 0.003f);
  const ValueId w = n.put(DequantizeLinear{.axis = 0}, {n.bytes(Shape{4, 3, 3, 3}, s8), scales});
  Tensor units = Tensor::allocate(DType::float32, Shape{4});
  for (std::size_t i = 0; i < 4; ++i) units.mutable_data<float>()[i] = 0.03f * n.graph.fact(scales).value->data<float>()[i];
  // More than a float holds.
  const Tensor whole = Tensor::from<std::int32_t>(Shape{4}, {16777217, -16777219, 5, 0});
  const ValueId b = n.put(DequantizeLinear{.axis = 0}, {n.constant(whole), n.constant(units)});
  const ValueId y = n.put(Conv{}, {n.pair(n.x, 0.03f), w, b});
  n.graph.set_outputs({n.pair(y, 20, s8, 3)});
  const Graph after = n.after();
  for (const Node& node : after.nodes()) {
    if (!holds_alternative<QLinearConv>(node.op)) continue;
    EXPECT_EQ(*after.fact(node.inputs[8]).value, whole);
    EXPECT_EQ(*after.fact(node.inputs[4]).value, *n.graph.fact(scales).value);
    EXPECT_EQ(after.fact(node.inputs[6]).value->values_as<float>()[0], 20);
    EXPECT_EQ(*after.fact(node.inputs[7]).value, Tensor::scalar(std::int8_t{3}));
    return;
  }
  FAIL() << print_operators(after);
}

TEST(IntegerArithmetic, ABiasOfFloatsIsRounded) {
  Network n;
  const ValueId y = n.put(Conv{}, {n.pair(n.x, 0.03f), n.weight(Shape{4, 3, 3, 3}), n.numbers(Shape{4}, -1, 1)});
  n.expect(n.pair(y, step), "QuantizeLinear QLinearConv DequantizeLinear", step);
}

TEST(IntegerArithmetic, WeightsThatTheFileHasAsFloats) {
  Network n;
  const ValueId scale = n.numbers(Shape{4}, 0.005f, 0.01f), zero = n.constant(Tensor::allocate(s8, Shape{4}));
  const ValueId q = n.put(QuantizeLinear{.axis = 0}, {n.numbers(Shape{4, 3, 3, 3}, -1, 1), scale, zero});
  const ValueId w = n.put(DequantizeLinear{.axis = 0}, {q, scale, zero});
  n.expect(n.pair(n.put(Conv{}, {n.pair(n.x, 0.03f), w}), step), "QuantizeLinear QLinearConv DequantizeLinear", step);
}

TEST(IntegerArithmetic, ReluAndClipBeforeQuantizing) {
  Network n;
  ValueId y = n.put(Conv{}, {n.pair(n.x, 0.03f), n.weight(Shape{4, 3, 3, 3})});
  y = n.put(Clip{}, {n.put(Relu{}, {y}), n.number(0.1f), n.number(0.7f)});
  n.expect(n.pair(y, step, s8, -10), "QuantizeLinear QLinearConv LookupTable DequantizeLinear", step);
  // Where 0 is the least byte, saturation is the Relu.
  Network m;
  y = m.put(Relu{}, {m.put(Conv{}, {m.pair(m.x, 0.03f), m.weight(Shape{4, 3, 3, 3})})});
  m.expect(m.pair(y, step, u8, 0), "QuantizeLinear QLinearConv DequantizeLinear", step);
}

TEST(IntegerArithmetic, MatrixProducts) {
  for (const bool transB : {false, true}) {
    Network n({2, 5});
    const ValueId w = n.weight(transB ? Shape{4, 5} : Shape{5, 4}, s8, transB ? 0 : 1);
    const ValueId y = n.put(Gemm{.transB = transB}, {n.pair(n.x, 0.03f), w, n.numbers(Shape{4}, -1, 1)});
    n.expect(n.pair(y, step), "QuantizeLinear QGemm DequantizeLinear", step);
  }
  Network n({2, 5});
  const ValueId product = n.put(MatMul{}, {n.pair(n.x, 0.03f), n.weight(Shape{5, 4}, s8, 1)});
  n.expect(n.pair(n.put(Add{}, {product, n.numbers(Shape{4}, -1, 1)}), step), "QuantizeLinear QGemm DequantizeLinear", step);
  Network deep({2, 3, 5});
  deep.expect(deep.pair(deep.put(MatMul{}, {deep.pair(deep.x, 0.03f), deep.weight(Shape{5, 4}, s8, 1)}), step),
              "QuantizeLinear QLinearMatMul DequantizeLinear", step);
  // Weights as PyTorch keeps them, turned about.
  Network turned({2, 5});
  const ValueId w = turned.put(Transpose{{1, 0}}, {turned.weight(Shape{4, 5})});
  turned.expect(turned.pair(turned.put(MatMul{}, {turned.pair(turned.x, 0.03f), w}), step),
                "QuantizeLinear QGemm DequantizeLinear", step);
  // A scale for each row of what is multiplied is not one for each column of what comes out.
  Network other({2, 4});
  other.graph.set_outputs({other.pair(other.put(MatMul{}, {other.pair(other.x, 0.03f), other.weight(Shape{4, 4})}), step)});
  EXPECT_EQ(Network::operators_of(other.after()), Network::operators_of(other.graph));
}

TEST(IntegerArithmetic, ProductsThatAreNotQuantizedAfterwards) {
  Network n;
  const ValueId q = n.pair(n.x, 0.03f);
  n.expect(n.put(Sigmoid{}, {n.put(Conv{}, {q, n.weight(Shape{4, 3, 3, 3}), n.numbers(Shape{4}, -1, 1)})}),
           "QuantizeLinear ConvInteger Cast Mul Add Sigmoid", 1e-5);
  Network last({2, 5});
  last.expect(last.put(Gemm{.transB = true}, {last.pair(last.x, 0.03f), last.weight(Shape{4, 5}), last.numbers(Shape{4}, -1, 1)}),
              "QuantizeLinear QGemm Add", 1e-5);
  Network deep({2, 3, 5});
  deep.expect(deep.put(MatMul{}, {deep.pair(deep.x, 0.03f), deep.weight(Shape{5, 4}, u8, 1, false)}),
              "QuantizeLinear MatMulInteger Cast Mul", 1e-5);
}

TEST(IntegerArithmetic, Additions) {
  for (const DType b : {u8, s8}) {
    Network n;
    const ValueId y = n.put(Add{}, {n.pair(n.x, 0.0313f), n.pair(n.put(Sigmoid{}, {n.x}), 0.0107f, b, 5)});
    const std::string table = b == u8 ? "" : " LookupTable";
    n.expect(n.pair(y, step), "QuantizeLinear Sigmoid QuantizeLinear" + table + " QLinearAdd DequantizeLinear", step);
  }
}

TEST(IntegerArithmetic, AResidualBlockOfSymmetricBytes) {
  Network n({2, 3, 6, 6});
  const ValueId x = n.pair(n.x, 0.03f, s8, 0);
  ValueId y = n.pair(n.put(Conv{.pads = {1, 1, 1, 1}}, {x, n.weight(Shape{3, 3, 3, 3})}), 0.02f, s8, 0);
  y = n.pair(n.put(Relu{}, {y}), 0.015f, s8, 0);
  y = n.pair(n.put(Conv{.pads = {1, 1, 1, 1}}, {y, n.weight(Shape{3, 3, 3, 3})}), 0.02f, s8, 0);
  y = n.pair(n.put(Add{}, {y, x}), 0.04f, s8, 0);
  y = n.pair(n.put(Relu{}, {y}), 0.025f, s8, 0);
  n.expect(y, "QuantizeLinear QLinearConv LookupTable QLinearConv QLinearAdd LookupTable DequantizeLinear", 0.08);
}

// A Relu that nobody quantizes again: its bytes by the parameters that it comes from.
TEST(IntegerArithmetic, ReluBetweenAPairAndAProduct) {
  Network n;
  const ValueId x = n.put(Relu{}, {n.pair(n.x, 0.03f)});
  n.expect(n.pair(n.put(Conv{}, {x, n.weight(Shape{4, 3, 3, 3})}), step),
           "QuantizeLinear LookupTable QLinearConv DequantizeLinear", step);
}

TEST(IntegerArithmetic, Averages) {
  Network n;
  n.expect(
      n.pair(n.put(AveragePool{.kernel_shape = {2, 2}, .pads = {1, 1, 0, 0}, .strides = {2, 2}}, {n.pair(n.x, 0.03f)}), step),
      "QuantizeLinear QLinearAveragePool DequantizeLinear", step);
  Network global;
  global.expect(global.pair(global.put(GlobalAveragePool{}, {global.pair(global.x, 0.03f)}), 0.005f, u8, 128),
                "QuantizeLinear QLinearGlobalAveragePool DequantizeLinear", 0.005);
  Network mean;
  const ValueId axes = mean.constant(integers({-1, 2}));
  mean.expect(mean.pair(mean.put(ReduceMean{.keepdims = false}, {mean.pair(mean.x, 0.03f), axes}), 0.005f, u8, 128),
              "QuantizeLinear QLinearGlobalAveragePool Squeeze DequantizeLinear", 0.005);
  // Over another axis, it stays.
  Network other;
  other.expect(other.pair(other.put(ReduceMean{}, {other.pair(other.x, 0.03f), other.constant(integers({1}))}), 0.005f, u8, 128),
               "QuantizeLinear DequantizeLinear ReduceMean QuantizeLinear DequantizeLinear");
}

TEST(IntegerArithmetic, WhatMovesElementsMovesBytes) {
  Network n;
  ValueId y = n.pair(n.x, 0.03f);
  y = n.pair(n.put(MaxPool{.kernel_shape = {3, 3}, .pads = {1, 1, 1, 1}, .strides = {2, 2}}, {y}), 0.03f);
  y = n.put(Pad{}, {y, n.constant(integers({0, 1, 0, 0, 0, 1, 0, 0}))});
  y = n.put(Transpose{{0, 2, 3, 1}}, {y});
  y = n.put(Slice{}, {y, n.constant(integers({1})), n.constant(integers({3})), n.constant(integers({2}))});
  n.expect(n.pair(n.put(Flatten{}, {y}), 0.03f), "QuantizeLinear MaxPool Pad Transpose Slice Flatten DequantizeLinear");
  Network other;
  other.expect(other.pair(other.put(Flatten{}, {other.pair(other.x, 0.03f)}), 0.05f, s8, 3),
               "QuantizeLinear Flatten LookupTable DequantizeLinear");
}

TEST(IntegerArithmetic, JoinedWithOtherParameters) {
  Network n;
  const ValueId a = n.pair(n.x, 0.03f), b = n.pair(n.put(Sigmoid{}, {n.x}), 0.004f, s8, -128);
  n.expect(n.pair(n.put(Concat{.axis = 1}, {a, b}), 0.03f),
           "QuantizeLinear Sigmoid QuantizeLinear LookupTable Concat DequantizeLinear");
}

TEST(IntegerArithmetic, FunctionsOfOneTensorAreATable) {
  Network n;
  ValueId y = n.put(BatchNormalization{}, {n.pair(n.x, 0.03f), n.numbers(Shape{3}, -1, 1), n.numbers(Shape{3}, -1, 1),
                                           n.numbers(Shape{3}, -1, 1), n.numbers(Shape{3}, 0.5f, 1.5f)});
  y = n.put(LeakyRelu{0.1f}, {y});
  y = n.put(Mul{}, {y, n.put(Sigmoid{}, {y})});
  y = n.put(Add{}, {y, n.numbers(Shape{3, 1, 1}, -1, 1)});
  n.expect(n.pair(y, step, s8, 3), "QuantizeLinear LookupTable DequantizeLinear");
  const Graph after = n.after();
  for (const Node& node : after.nodes()) {
    if (holds_alternative<LookupTable>(node.op)) {
      EXPECT_EQ(after.fact(node.inputs[1]).to_string(), "int8 3x256");
    }
  }
  // Two pairs in a row.
  Network pairs;
  pairs.expect(pairs.pair(pairs.pair(pairs.pair(pairs.x, 0.03f), 0.05f, s8, 5), 0.02f),
               "QuantizeLinear LookupTable DequantizeLinear");
  // Of a map, it is not a table.
  Network map;
  map.expect(map.pair(map.put(Mul{}, {map.pair(map.x, 0.03f), map.numbers(Shape{6, 6}, -1, 1)}), step),
             "QuantizeLinear DequantizeLinear Mul QuantizeLinear DequantizeLinear");
}

TEST(IntegerArithmetic, SharedValuesAndOutputsInBetween) {
  Network n;
  const ValueId q = n.quantize(n.x, 0.03f), x = n.dequantize(q, 0.03f);
  const ValueId first = n.put(Conv{.pads = {1, 1, 1, 1}}, {x, n.weight(Shape{3, 3, 3, 3})});
  const ValueId y = n.pair(n.put(Add{}, {n.pair(first, step), n.dequantize(q, 0.03f)}), 0.04f);
  n.graph.set_outputs({y, first, x});
  PassLog log;
  const Graph after = integer_arithmetic(n.graph, log);
  EXPECT_EQ(verify(after), std::vector<std::string>{});
  // The convolution is given out in float32, and quantized from there.
  EXPECT_EQ(Network::operators_of(after),
            "QuantizeLinear DequantizeLinear ConvInteger Cast Mul QuantizeLinear QLinearAdd DequantizeLinear");
  const std::vector<Tensor> inputs = {filled(Shape{2, 3, 6, 6}, 1, -3, 3)};
  const auto before = reference::evaluate(n.graph, inputs), now = reference::evaluate(after, inputs);
  EXPECT_EQ(before[2], now[2]);
  EXPECT_EQ(after.value(after.outputs()[1]).name, n.graph.value(first).name);
}

TEST(IntegerArithmetic, WhatHasNoIntegerFormKeepsItsPairs) {
  Network n({2, 5});
  n.expect(n.pair(n.put(Softmax{}, {n.pair(n.x, 0.03f)}), 0.004f, u8, 0),
           "QuantizeLinear DequantizeLinear Softmax QuantizeLinear DequantizeLinear");
  // Parameters of the channels, and ones that are computed.
  Network channels({2, 3});
  const ValueId scales = channels.numbers(Shape{3}, 0.02f, 0.03f);
  const ValueId q = channels.put(DequantizeLinear{}, {channels.put(QuantizeLinear{}, {channels.x, scales}), scales});
  channels.expect(channels.pair(channels.put(Relu{}, {q}), step),
                  "QuantizeLinear DequantizeLinear Relu QuantizeLinear DequantizeLinear");
  Network computed({2, 3});
  const ValueId scale = computed.graph.add_input("scale", Fact::of(DType::float32, {}));
  const ValueId dynamic = computed.put(DequantizeLinear{}, {computed.put(QuantizeLinear{}, {computed.x, scale}), scale});
  computed.graph.set_outputs({computed.pair(computed.put(Relu{}, {dynamic}), step)});
  EXPECT_EQ(Network::operators_of(computed.after()), Network::operators_of(computed.graph));
}

// A scale of 0, of infinity, below 0: whatever they mean, it is not integer arithmetic.
TEST(IntegerArithmetic, OnlyByScalesThatAreNumbers) {
  for (const float scale : {0.0f, -0.1f, HUGE_VALF, std::nanf("")}) {
    Network n({2, 3});
    n.graph.set_outputs({n.pair(n.put(Relu{}, {n.pair(n.x, scale)}), step)});
    EXPECT_EQ(Network::operators_of(n.after()), Network::operators_of(n.graph));
  }
}

// An int32 sum would wrap around where a float does not.
TEST(IntegerArithmetic, NotWhereSumsCouldOverflow) {
  Network n({1, 40000});
  n.graph.set_outputs({n.pair(n.put(MatMul{}, {n.pair(n.x, 0.03f), n.weight(Shape{40000, 1}, s8, 1)}), step)});
  EXPECT_EQ(Network::operators_of(n.after()), Network::operators_of(n.graph));
  Network bias;
  const ValueId b = bias.constant(Tensor::from<float>(Shape{4}, {0, 1e9f, 0, 0}));
  bias.graph.set_outputs({bias.pair(bias.put(Conv{}, {bias.pair(bias.x, 0.03f), bias.weight(Shape{4, 3, 3, 3}), b}), step)});
  EXPECT_EQ(Network::operators_of(bias.after()), "QuantizeLinear ConvInteger Cast Mul Add QuantizeLinear DequantizeLinear");
}

TEST(IntegerArithmetic, AnOpenBatchStaysOpen) {
  Network n({Dim::symbol("batch"), 3, 6, 6});
  ValueId y = n.put(Conv{.pads = {1, 1, 1, 1}}, {n.pair(n.x, 0.03f), n.weight(Shape{3, 3, 3, 3})});
  y = n.pair(n.put(GlobalAveragePool{}, {n.pair(y, step)}), 0.005f, u8, 128);
  n.expect(n.pair(n.put(Flatten{}, {y}), 0.005f, u8, 128),
           "QuantizeLinear QLinearConv QLinearGlobalAveragePool Flatten DequantizeLinear", 0.005);
  EXPECT_EQ(n.after().fact(n.after().outputs()[0]).to_string(), "float batchx3");
}

}  // namespace
}  // namespace resnet

// Steps of 8-bit integers against lib/reference, bit by bit.
#include <gmock/gmock.h>

#include <numeric>
#include <random>

#include "tests/xnnpack/network.h"

namespace resnet {
namespace {

using testing::ElementsAre;

Tensor random_bytes(DType dtype, Shape shape, unsigned seed) {
  Tensor tensor = Tensor::allocate(dtype, std::move(shape));
  std::mt19937 generator(seed);
  for (std::byte& byte : tensor.mutable_bytes()) byte = static_cast<std::byte>(generator() & 255);
  return tensor;
}

Tensor byte_of(DType dtype, int value) {
  return dtype == DType::int8 ? Tensor::scalar(static_cast<std::int8_t>(value))
                              : Tensor::scalar(static_cast<std::uint8_t>(value));
}

Tensor random_scales(std::int64_t count, float least, float most, unsigned seed) {
  Tensor scales = Tensor::allocate(DType::float32, Shape{count});
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(least, most);
  for (float& scale : scales.mutable_data<float>()) scale = uniform(generator);
  return scales;
}

Tensor random_bias(std::int64_t count, unsigned seed) {
  Tensor bias = Tensor::allocate(DType::int32, Shape{count});
  std::mt19937 generator(seed);
  for (std::int32_t& value : bias.mutable_data<std::int32_t>()) value = static_cast<std::int32_t>(generator() % 8000) - 4000;
  return bias;
}

// A graph over inputs of bytes or floats.
struct Bytes {
  Graph graph;
  std::vector<Tensor> inputs;

  ValueId input(Tensor tensor) {
    Dims dims(tensor.shape().dims().begin(), tensor.shape().dims().end());
    const ValueId id = graph.add_input("x" + std::to_string(inputs.size()), Fact::of(tensor.dtype(), std::move(dims)));
    inputs.push_back(std::move(tensor));
    return id;
  }
  ValueId constant(Tensor value) {
    return graph.add_constant("constant" + std::to_string(graph.nodes().size()), std::move(value));
  }
  ValueId scale(float value) { return constant(Tensor::scalar(value)); }
  ValueId zero(DType dtype, int value) { return constant(byte_of(dtype, value)); }
  ValueId append(Op op, std::vector<ValueId> operands, std::size_t outputs = 1) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < outputs; ++i)
      names.push_back("y" + std::to_string(graph.nodes().size()) + "_" + std::to_string(i));
    return graph.append(std::move(op), std::move(operands), "node" + std::to_string(graph.nodes().size()), names);
  }
  ValueId convolution(ValueId x, const Conv& conv, const Shape& weight, DType x_type, DType w_type, DType y_type,
                      bool per_channel, unsigned seed, bool bias = true) {
    const std::int64_t outputs = weight[0], depth = weight.elements() / outputs, count = per_channel ? outputs : 1;
    Tensor zero_points = random_bytes(w_type, Shape{count}, seed + 1);
    const float size = 1.0f / std::sqrt(static_cast<float>(depth)) / 100;
    std::vector<ValueId> operands = {x,
                                     scale(0.02f),
                                     zero(x_type, x_type == DType::int8 ? -7 : 121),
                                     constant(random_bytes(w_type, weight, seed)),
                                     constant(random_scales(count, size, 2 * size, seed + 2)),
                                     constant(std::move(zero_points)),
                                     scale(0.015f),
                                     zero(y_type, y_type == DType::int8 ? 3 : 100)};
    if (bias) operands.push_back(constant(random_bias(outputs, seed + 3)));
    return append(QLinearConv{conv}, operands);
  }
  ValueId addition(ValueId a, ValueId b, DType type) {
    return append(QLinearAdd{}, {a, scale(0.02f), zero(type, 5), b, scale(0.013f), zero(type, 9), scale(0.025f), zero(type, 7)});
  }
  ValueId dynamic_convolution(ValueId x, std::int64_t outputs, bool scales_per_channel = false) {
    const std::int64_t channels = (*graph.fact(x).dims)[1].number();
    const ValueId q = append(DynamicQuantizeLinear{}, {x}, 3);
    const ValueId sums =
        append(ConvInteger{Conv{.pads = {1, 1, 1, 1}}},
               {q, constant(random_bytes(DType::uint8, {outputs, channels, 3, 3}, 3)), {q.node, 2}, zero(DType::uint8, 119)});
    const ValueId scales = scales_per_channel ? constant(random_scales(outputs, 0.001f, 0.01f, 4).reshaped({outputs, 1, 1}))
                                              : constant(Tensor::scalar(0.004f));
    const ValueId factor = append(Mul{}, {{q.node, 1}, scales});
    const ValueId y = append(Mul{}, {append(Cast{DType::float32}, {sums}), factor});
    return append(Add{}, {y, constant(test::random_tensor({1, outputs, 1, 1}, 8))});
  }

  // The kinds of the plan's steps, once all is as lib/reference has it.
  std::vector<std::string> run(ValueId output, double tolerance = 0) {
    graph.set_outputs({output});
    test::expect_as_reference(graph, inputs, tolerance);
    return test::kinds(*xnnpack::Plan::make(graph));
  }
};

struct Layer {
  const char* name;
  Conv conv;
  Shape weight, x;
};
const Layer layers[] = {
    {"first", {.pads = {3, 3, 3, 3}, .strides = {2, 2}}, {24, 3, 7, 7}, {2, 3, 17, 19}},
    {"square", {.pads = {1, 1, 1, 1}}, {20, 16, 3, 3}, {2, 16, 7, 9}},
    {"strided", {.pads = {1, 1, 1, 1}, .strides = {2, 2}}, {64, 32, 3, 3}, {1, 32, 9, 8}},
    {"point", {}, {70, 65, 1, 1}, {3, 65, 5, 3}},
    {"strided_point", {.strides = {2, 2}}, {16, 64, 1, 1}, {1, 64, 7, 7}},
    {"grouped", {.pads = {1, 1, 1, 1}, .group = 4}, {32, 8, 3, 3}, {2, 32, 6, 5}},
    {"depthwise", {.pads = {1, 1, 1, 1}, .group = 19}, {19, 1, 3, 3}, {2, 19, 6, 5}},
    {"dilated", {.dilations = {2, 3}, .pads = {2, 3, 2, 3}}, {8, 5, 3, 3}, {2, 5, 9, 11}},
    {"lopsided", {.pads = {0, 2, 1, 0}, .strides = {1, 2}}, {9, 7, 2, 5}, {1, 7, 8, 9}},
    {"same", {.auto_pad = AutoPad::same_upper}, {9, 7, 3, 3}, {1, 7, 8, 9}},
};

class IntegerLayer : public testing::TestWithParam<Layer> {};

TEST_P(IntegerLayer, OfEachType) {
  const Layer& layer = GetParam();
  for (const DType x_type : {DType::uint8, DType::int8}) {
    for (const DType w_type : {DType::uint8, DType::int8}) {
      for (const bool per_channel : {false, true}) {
        SCOPED_TRACE(testing::Message() << name_of(x_type) << " by " << name_of(w_type) << (per_channel ? " per channel" : ""));
        Bytes b;
        const ValueId x = b.input(random_bytes(x_type, layer.x, 1));
        const ValueId y = b.convolution(x, layer.conv, layer.weight, x_type, w_type, x_type, per_channel, 5, per_channel);
        EXPECT_THAT(b.run(y), ElementsAre("convolution"));
        Bytes sums;
        const ValueId z = sums.append(ConvInteger{layer.conv}, {sums.input(random_bytes(x_type, layer.x, 1)),
                                                                sums.constant(random_bytes(w_type, layer.weight, 5)),
                                                                sums.zero(x_type, 11), sums.zero(w_type, 100)});
        EXPECT_THAT(sums.run(z), ElementsAre("convolution"));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Layers, IntegerLayer, testing::ValuesIn(layers),
                         [](const auto& tested) { return std::string(tested.param.name); });

const Conv same_size{.pads = {1, 1, 1, 1}};

// The byte of each value as f has it.
template <typename F>
Tensor table_of(DType dtype, const F& f) {
  Tensor table = Tensor::allocate(dtype, Shape{256});
  for (int place = 0; place < 256; ++place) {
    const int value = dtype == DType::int8 ? static_cast<std::int8_t>(place) : place;
    table.mutable_bytes()[static_cast<std::size_t>(place)] = static_cast<std::byte>(f(value) & 255);
  }
  return table;
}

TEST(IntegerConvolution, TakesWhatFollows) {
  for (const DType type : {DType::uint8, DType::int8}) {
    for (const bool first : {true, false}) {
      SCOPED_TRACE(testing::Message() << name_of(type) << (first ? " first" : " second"));
      Bytes b;
      const ValueId x = b.input(random_bytes(type, {2, 16, 7, 5}, 1));
      ValueId y = b.convolution(x, same_size, {16, 16, 3, 3}, type, DType::int8, type, true, 7);
      y = b.append(LookupTable{}, {y, b.constant(table_of(type, [](int v) { return std::max(v, 20); }))});
      y = b.append(LookupTable{}, {y, b.constant(table_of(type, [](int v) { return std::min(v, 90); }))});
      y = b.append(LookupTable{}, {y, b.constant(random_bytes(type, {16, 256}, 9))});
      y = first ? b.addition(y, x, type) : b.addition(x, y, type);
      y = b.append(LookupTable{}, {y, b.constant(table_of(type, [](int v) { return v / 3 + 4; }))});
      EXPECT_THAT(b.run(y), ElementsAre("convolution"));
    }
  }
}

TEST(IntegerConvolution, IsReadTwice) {
  Bytes b;
  const ValueId x = b.input(random_bytes(DType::uint8, {2, 16, 7, 5}, 1));
  const ValueId y = b.convolution(x, same_size, {16, 16, 3, 3}, DType::uint8, DType::int8, DType::uint8, true, 7);
  const ValueId z = b.append(LookupTable{}, {y, b.constant(table_of(DType::uint8, [](int v) { return 255 - v; }))});
  EXPECT_THAT(b.run(b.addition(y, z, DType::uint8)), ElementsAre("convolution", "look_up", "byte_addition"));
}

TEST(IntegerConvolution, AnOpenBatch) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::uint8, {Dim::symbol("N"), 3, 9, 8}));
  Bytes b;
  b.graph = graph;
  const ValueId y = b.convolution(x, same_size, {16, 3, 3, 3}, DType::uint8, DType::int8, DType::uint8, true, 7);
  const ValueId z = b.convolution(y, same_size, {16, 16, 3, 3}, DType::uint8, DType::int8, DType::uint8, true, 8);
  b.graph.set_outputs({b.addition(z, y, DType::uint8)});
  EXPECT_THAT(test::kinds(*xnnpack::Plan::make(b.graph)), ElementsAre("convolution", "convolution"));
  for (const std::int64_t batch : {1, 2, 5})
    test::expect_as_reference(b.graph, {random_bytes(DType::uint8, {batch, 3, 9, 8}, 1)});
}

TEST(IntegerConvolution, OfADynamicRange) {
  for (const bool per_channel : {false, true}) {
    Bytes b;
    const ValueId x = b.input(test::random_tensor({1, 6, 7, 9}, 1));
    ValueId y = b.dynamic_convolution(x, 20, per_channel);
    y = b.append(Relu{}, {y});
    const ValueId z = b.dynamic_convolution(y, 20, !per_channel);
    EXPECT_THAT(
        b.run(b.append(Relu{}, {b.append(Add{}, {z, y})})),
        ElementsAre("dynamic_quantization", "elementwise", "convolution", "dynamic_quantization", "elementwise", "convolution"));
  }
}

TEST(IntegerProduct, InEachForm) {
  for (const DType type : {DType::uint8, DType::int8}) {
    Bytes b;
    const ValueId x = b.input(random_bytes(type, {3, 70}, 1));
    const std::vector<ValueId> first = {x, b.scale(0.02f), b.zero(type, 30)};
    const auto with = [&](std::vector<ValueId> rest) {
      rest.insert(rest.begin(), first.begin(), first.end());
      return rest;
    };
    const ValueId turned = b.constant(random_bytes(DType::int8, {11, 70}, 2)),
                  matrix = b.constant(random_bytes(type, {70, 11}, 3)), scales = b.constant(random_scales(11, 0.001f, 0.002f, 4)),
                  zeros = b.constant(random_bytes(DType::int8, {11}, 5)), bias = b.constant(random_bias(11, 6)),
                  y_scale = b.scale(0.1f), y_zero = b.zero(type, 17);
    const ValueId bytes = b.append(QGemm{.alpha = 0.75f, .transB = true}, with({turned, scales, zeros, bias, y_scale, y_zero}));
    EXPECT_THAT(b.run(bytes), ElementsAre("product"));
    const ValueId floats = b.append(QGemm{}, with({matrix, b.scale(0.01f), b.zero(type, 3)}));
    EXPECT_THAT(b.run(b.append(Relu{}, {floats})), ElementsAre("product"));
    EXPECT_THAT(b.run(b.append(Mul{}, {floats, b.constant(random_scales(11, 0.5f, 2.0f, 7))})), ElementsAre("product"));
    const ValueId product = b.append(QLinearMatMul{}, with({matrix, b.scale(0.001f), b.zero(type, 3), y_scale, y_zero}));
    b.run(b.append(LookupTable{}, {product, b.constant(random_bytes(type, {11, 256}, 9))}));
    const ValueId sums = b.append(MatMulInteger{}, {x, matrix, b.zero(type, 30), b.zero(type, 3)});
    b.run(sums);
  }
}

TEST(IntegerPool, InEachForm) {
  for (const DType type : {DType::uint8, DType::int8}) {
    Bytes b;
    const ValueId x = b.input(random_bytes(type, {2, 19, 9, 7}, 1));
    const std::vector<ValueId> operands = {x, b.scale(0.02f), b.zero(type, 30), b.scale(0.017f), b.zero(type, 40)};
    EXPECT_THAT(b.run(b.append(QLinearGlobalAveragePool{}, operands)), ElementsAre("average_pool"));
    EXPECT_THAT(b.run(b.append(QLinearGlobalAveragePool{.channels_last = true}, operands)), ElementsAre("average_pool"));
    const AveragePool windows{.ceil_mode = true, .kernel_shape = {3, 2}, .pads = {1, 0, 1, 1}, .strides = {2, 2}};
    AveragePool counting = windows;
    counting.count_include_pad = true;
    b.run(b.append(QLinearAveragePool{.pool = windows}, operands));
    b.run(b.append(QLinearAveragePool{.pool = counting}, operands));
    b.run(b.append(QLinearAveragePool{.pool = windows, .channels_last = true}, operands));
    Bytes m;
    const ValueId y = m.append(MaxPool{.kernel_shape = {3, 3}, .pads = {1, 1, 1, 1}, .strides = {2, 2}},
                               {m.input(random_bytes(type, {2, 64, 9, 7}, 1))});
    EXPECT_THAT(m.run(y), ElementsAre("max_pool"));
  }
}

// In the graph's order of axes, and as a convolution leaves it.
TEST(LookUp, OfEachChannel) {
  for (const bool nhwc : {false, true}) {
    Bytes b;
    ValueId x = b.input(random_bytes(DType::uint8, {2, 16, 7, 5}, 1));
    if (nhwc) {
      const ValueId y = b.convolution(x, same_size, {16, 16, 3, 3}, DType::uint8, DType::int8, DType::uint8, true, 7);
      x = b.append(MaxPool{.kernel_shape = {2, 2}}, {y});
    }
    const ValueId y = b.append(LookupTable{}, {x, b.constant(random_bytes(DType::int8, {16, 256}, 9))});
    const auto kinds = b.run(y);
    EXPECT_EQ(kinds.back(), "look_up");
  }
}

// A chain of functions that begins and ends with bytes, per tensor and per channel.
TEST(Chains, BetweenBytes) {
  for (const DType type : {DType::uint8, DType::int8}) {
    for (const std::int64_t count : {1, 6}) {
      Bytes b;
      const ValueId x = b.input(random_bytes(type, {2, 6, 5, 3}, 1)), other = b.input(random_bytes(type, {2, 6, 5, 3}, 2));
      const ValueId scales = b.constant(random_scales(count, 0.01f, 0.02f, 3)),
                    zeros = b.constant(random_bytes(type, {count}, 4));
      const ValueId a = b.append(DequantizeLinear{}, {x, scales, zeros}),
                    c = b.append(DequantizeLinear{}, {other, scales, zeros});
      const ValueId product = b.append(Mul{}, {a, c});
      const ValueId y = b.append(QuantizeLinear{}, {product, scales, zeros});
      EXPECT_THAT(b.run(y), ElementsAre("elementwise", "elementwise"));
    }
  }
}

// What no network should hold is saturated, too.
TEST(Chains, QuantizeWhatIsNotFinite) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  Bytes b;
  const ValueId x = b.input(
      Tensor::from<float>(Shape{7}, {infinity, -infinity, std::numeric_limits<float>::quiet_NaN(), 1e30f, -1e30f, 0.25f, 0.75f}));
  EXPECT_THAT(b.run(b.append(QuantizeLinear{}, {x, b.scale(0.5f), b.zero(DType::int8, 1)})), ElementsAre("elementwise"));
}

// Bytes move as NHWC, on all threads.
TEST(Movement, OfBytes) {
  Bytes b;
  const ValueId x = b.input(random_bytes(DType::uint8, {2, 16, 8, 6}, 1));
  ValueId y = b.convolution(x, same_size, {16, 16, 3, 3}, DType::uint8, DType::int8, DType::uint8, true, 7);
  const auto list = [&](const std::vector<std::int64_t>& values) { return b.constant(test::integers(values)); };
  const ValueId part = b.append(Slice{}, {y, list({0, 0}), list({8, 6}), list({2, 3}), list({2, 2})});
  const ValueId padded = b.append(Pad{}, {part, list({0, 4, 0, 0, 0, 4, 0, 0}), b.zero(DType::uint8, 77)});
  const ValueId joined = b.append(Concat{.axis = 1}, {padded, part});
  EXPECT_THAT(b.run(joined), ElementsAre("convolution", "slice", "pad", "concat"));
  ThreadPool pool(1);
  xnnpack::Session session(xnnpack::Plan::make(b.graph), pool);
  session.reshape(std::vector<Shape>{{2, 16, 8, 6}});
  std::vector<std::string> kinds;
  for (std::size_t i = 0; i < session.step_count(); ++i) kinds.push_back(session.step_info(i).kind);
  EXPECT_THAT(kinds, ElementsAre("convolution", "slice", "pad", "concat", "transpose"));
}

// Weights of 16 bits are widened once; what remains of the type are the graph's inputs and outputs.
TEST(HalfFloats, AreComputedInFloat32) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float16, {2, 3, 9, 8}));
  const auto half = [](const Tensor& tensor) {
    Tensor result = Tensor::allocate(DType::float16, tensor.shape());
    for (std::size_t i = 0; i < tensor.data<float>().size(); ++i)
      result.mutable_data<Float16>()[i] = Float16(tensor.data<float>()[i]);
    return result;
  };
  const ValueId weight = graph.add_constant("w", half(test::random_tensor({16, 3, 3, 3}, 1)));
  const ValueId y = graph.append(Conv{.pads = {1, 1, 1, 1}}, {x, weight}, "conv");
  graph.set_outputs({graph.append(Relu{}, {y}, "relu")});
  const auto plan = xnnpack::Plan::make(graph);
  EXPECT_THAT(test::kinds(*plan), ElementsAre("elementwise", "convolution", "fallback"));
  ThreadPool pool(2);
  const std::vector<Tensor> inputs = {half(test::random_tensor({2, 3, 9, 8}, 2))};
  const Tensor actual = xnnpack::Session(plan, pool).run(inputs)[0], expected = reference::evaluate(graph, inputs)[0];
  ASSERT_EQ(actual.dtype(), DType::float16);
  const auto a = actual.values_as<float>(), e = expected.values_as<float>();
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], e[i], 1e-3 * std::max(1.0f, std::abs(e[i]))) << i;
}

}  // namespace
}  // namespace resnet

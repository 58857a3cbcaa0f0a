// Chains of elementwise operators, and the activations that other steps do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/xnnpack/support.h"

namespace resnet {
namespace {

using test::expect_as_reference;
using test::float_fact;
using test::kinds;
using test::random_tensor;
using ::testing::ElementsAre;

struct Network {
  explicit Network(Shape shape) : size(std::move(shape)), x(graph.add_input("x", float_fact(size))) {}

  ValueId constant(Tensor value) {
    return graph.add_constant("constant" + std::to_string(graph.nodes().size()), std::move(value));
  }
  ValueId vector(Shape shape) { return constant(random_tensor(std::move(shape), 7)); }
  ValueId append(Op op, std::vector<ValueId> inputs) {
    return graph.append(std::move(op), std::move(inputs), "node" + std::to_string(graph.nodes().size()));
  }
  ValueId convolution(ValueId from, std::int64_t outputs, std::int64_t side, std::int64_t group = 1) {
    const std::int64_t channels = (*graph.fact(from).dims)[1].number(), pad = side / 2;
    return append(Conv{.pads = {pad, pad, pad, pad}, .group = group},
                  {from, vector({outputs, channels / group, side, side}), vector({outputs})});
  }
  // The kinds of the steps, after a comparison with lib/reference.
  std::vector<std::string> run(std::vector<ValueId> outputs, double tolerance = 1e-5) {
    graph.set_outputs(std::move(outputs));
    expect_as_reference(graph, {random_tensor(size, 1)}, tolerance);
    return kinds(*xnnpack::Plan::make(graph));
  }

  Shape size;
  Graph graph;
  ValueId x;
};

const Op functions[] = {LeakyRelu{.alpha = 0.2f},
                        ThresholdedRelu{.alpha = 0.1f},
                        Elu{.alpha = 1.5f},
                        Selu{},
                        Celu{.alpha = 1.5f},
                        HardSigmoid{},
                        HardSwish{},
                        Sigmoid{},
                        Swish{.alpha = 1.5f},
                        Mish{},
                        Gelu{},
                        Gelu{.approximate = Gelu::Approximate::tanh},
                        Softplus{},
                        Softsign{},
                        Tanh{},
                        Erf{},
                        Exp{},
                        Floor{},
                        Ceil{},
                        Round{},
                        Sin{},
                        Cos{},
                        Abs{},
                        Neg{},
                        Relu{}};

// Alone, over a size that no vector divides and several parts of a loop share.
TEST(Chains, EveryFunction) {
  for (const Op& op : functions) {
    SCOPED_TRACE(type_of(op));
    Network n({3, 7, 41, 43});
    EXPECT_THAT(n.run({n.append(op, {n.x})}), ElementsAre("elementwise"));
  }
  for (const Op& op : {Op(Log{}), Op(Sqrt{}), Op(Reciprocal{})}) {
    SCOPED_TRACE(type_of(op));
    Network n({2, 3, 5, 7});
    const ValueId positive = n.append(Add{}, {n.append(Abs{}, {n.x}), n.constant(Tensor::scalar(0.1f))});
    EXPECT_THAT(n.run({n.append(op, {positive})}), ElementsAre("elementwise"));
  }
}

TEST(Chains, Powers) {
  for (const float exponent : {1.0f, 2.0f, 3.0f, 0.5f, -1.0f, -1.5f}) {
    Network n({2, 3, 5});
    const ValueId positive = n.append(Add{}, {n.append(Abs{}, {n.x}), n.constant(Tensor::scalar(0.1f))});
    EXPECT_THAT(n.run({n.append(Pow{}, {positive, n.constant(Tensor::scalar(exponent))})}), ElementsAre("elementwise"));
  }
}

// Operands of every form join one pass, before and after a convolution's layout.
TEST(Chains, OperandsOfEveryForm) {
  for (const bool in_nhwc : {false, true}) {
    Network n({2, 6, 9, 8});
    ValueId y = in_nhwc ? n.convolution(n.x, 6, 1) : n.x;
    const ValueId other = n.append(Neg{}, {n.x});
    y = n.append(Mul{}, {n.vector({6, 1, 1}), n.append(Tanh{}, {y})});
    y = n.append(Sub{}, {n.constant(Tensor::scalar(0.5f)), y});
    y = n.append(Div{}, {y, n.constant(Tensor::scalar(0.25f))});
    y = n.append(Max{}, {y, other, n.vector({8})});
    y = n.append(PRelu{}, {y, n.vector({6, 1, 1})});
    y = n.append(Mean{}, {y, n.vector({1, 6, 9, 1}), n.vector({9, 8})});
    y = n.append(Add{}, {other, y});
    const auto found = n.run({y});
    EXPECT_EQ(std::count(found.begin(), found.end(), "elementwise"), 2) << ::testing::PrintToString(found);
    EXPECT_EQ(std::count(found.begin(), found.end(), "fallback"), 0);
  }
}

TEST(Chains, NotWhereTheShapeGrowsOrAnotherReads) {
  Network grows({1, 6, 1, 8});
  EXPECT_THAT(grows.run({grows.append(Add{}, {grows.append(Tanh{}, {grows.x}), grows.vector({6, 5, 1})})}),
              ElementsAre("elementwise", "elementwise"));
  Network reads({1, 6, 1, 8});
  const ValueId tanh = reads.append(Tanh{}, {reads.x});
  EXPECT_THAT(reads.run({reads.append(Add{}, {reads.append(Abs{}, {tanh}), tanh})}), ElementsAre("elementwise", "elementwise"));
}

// Both operands broadcast.
TEST(Chains, Across) {
  Network n({5, 1, 7});
  EXPECT_THAT(n.run({n.append(Mul{}, {n.x, n.vector({4, 1})})}), ElementsAre("elementwise"));
}

// In-graph normalization of a photo.
TEST(Chains, OfBytes) {
  Graph graph;
  const ValueId photo = graph.add_input("photo", Fact::of(DType::uint8, {2, 9, 8, 3}));
  const ValueId floats = graph.append(Cast{DType::float32}, {photo}, "cast");
  const ValueId mean = graph.add_constant("mean", Tensor::from<float>(Shape{3}, std::vector{120.0f, 110.0f, 100.0f}));
  const ValueId deviation = graph.add_constant("deviation", Tensor::from<float>(Shape{3}, std::vector{58.0f, 57.0f, 56.0f}));
  const ValueId centred = graph.append(Sub{}, {floats, mean}, "sub");
  const ValueId scaled = graph.append(Div{}, {centred, deviation}, "div");
  graph.set_outputs({graph.append(Transpose{{0, 3, 1, 2}}, {scaled}, "transpose")});
  Tensor bytes = Tensor::allocate(DType::uint8, Shape{2, 9, 8, 3});
  std::uint8_t next = 0;
  for (std::uint8_t& value : bytes.mutable_data<std::uint8_t>()) value = next += 37;
  expect_as_reference(graph, {bytes});
  EXPECT_THAT(kinds(*xnnpack::Plan::make(graph)), ElementsAre("elementwise", "transpose"));
}

// A photo with its channels first is filled as the convolution wants it.
TEST(Chains, OfBytesBeforeAConvolution) {
  Graph graph;
  const ValueId photo = graph.add_input("photo", Fact::of(DType::uint8, {2, 3, 9, 8}));
  const ValueId floats = graph.append(Cast{DType::float32}, {photo}, "cast");
  const ValueId mean = graph.add_constant("mean", Tensor::from<float>(Shape{3, 1, 1}, std::vector{120.0f, 110.0f, 100.0f}));
  const ValueId centred = graph.append(Sub{}, {floats, mean}, "sub");
  const ValueId scaled = graph.append(Div{}, {centred, graph.add_constant("deviation", Tensor::scalar(58.0f))}, "div");
  const ValueId weight = graph.add_constant("weight", random_tensor({4, 3, 3, 3}, 2));
  graph.set_outputs({graph.append(Conv{}, {scaled, weight}, "conv")});
  Tensor bytes = Tensor::allocate(DType::uint8, Shape{2, 3, 9, 8});
  std::uint8_t next = 0;
  for (std::uint8_t& value : bytes.mutable_data<std::uint8_t>()) value = static_cast<std::uint8_t>(next += 37);
  expect_as_reference(graph, {bytes});
  ThreadPool pool(1);
  xnnpack::Session session(xnnpack::Plan::make(graph), pool);
  session.reshape(std::vector<Shape>{{2, 3, 9, 8}});
  ASSERT_EQ(session.step_count(), 3u);
  EXPECT_EQ(session.step_info(0).kind, "elementwise");
  EXPECT_EQ(session.step_info(1).kind, "convolution");
  EXPECT_EQ(session.step_info(2).kind, "transpose");  // of the output
}

// Convolutions of each kind: direct and Winograd's (as the machine has them), in groups, of few channels.
TEST(Activations, OfConvolutions) {
  struct Form {
    std::int64_t outputs, side, group;
  };
  for (const Form form : {Form{32, 1, 1}, Form{40, 3, 1}, Form{16, 3, 16}, Form{5, 3, 1}}) {
    for (const Op& op : functions) {
      if (holds_alternative<Floor>(op) || holds_alternative<Ceil>(op) || holds_alternative<Round>(op)) continue;
      SCOPED_TRACE(::testing::Message() << form.outputs << " " << form.side << " " << form.group << " " << type_of(op));
      Network n({2, 16, 11, 9});
      EXPECT_THAT(n.run({n.append(op, {n.convolution(n.x, form.outputs, form.side, form.group)})}, 2e-5),
                  ElementsAre("convolution"));
    }
  }
}

// What has channels of its own, more than one function, and what is added before.
TEST(Activations, WithVectorsAndAdditions) {
  for (const std::int64_t outputs : {24, 5}) {
    for (const bool adds : {false, true}) {
      SCOPED_TRACE(::testing::Message() << outputs << adds);
      Network n({2, 16, 11, 9});
      const ValueId shortcut = n.convolution(n.x, outputs, 1);
      ValueId y = n.convolution(shortcut, outputs, 3);
      if (adds) y = n.append(Add{}, {shortcut, y});
      y = n.append(PRelu{}, {y, n.vector({outputs, 1, 1})});
      y = n.append(Relu{}, {n.append(Mul{}, {y, n.vector({1, outputs, 1, 1})})});
      const auto found = n.run({y, shortcut});
      if (!adds || outputs == 24) {
        EXPECT_LE(found.size(), adds ? 3u : 2u) << ::testing::PrintToString(found);
      }
    }
  }
}

// What is a vector along another axis than the channels' is not an activation.
TEST(Activations, NotOfOtherAxes) {
  Network n({2, 16, 9, 9});
  EXPECT_THAT(n.run({n.append(PRelu{}, {n.convolution(n.x, 9, 1), n.vector({9})})}), ElementsAre("convolution", "elementwise"));
}

TEST(Activations, OfProductsAndNormalizations) {
  for (const std::int64_t inputs : {32, 5}) {
    Network n({6, inputs});
    const ValueId y = n.append(Gemm{}, {n.x, n.vector({inputs, 24}), n.vector({24})});
    EXPECT_THAT(n.run({n.append(PRelu{}, {n.append(Gelu{}, {y}), n.vector({24})})}), ElementsAre("product"));
  }
  Network n({2, 5, 4, 3});
  const auto positive = [&] { return n.constant(Tensor::from<float>(Shape{5}, std::vector<float>(5, 0.5f))); };
  const ValueId y = n.append(BatchNormalization{}, {n.x, positive(), n.vector({5}), n.vector({5}), positive()});
  EXPECT_THAT(n.run({n.append(PRelu{}, {y, n.vector({5, 1, 1})})}), ElementsAre("normalization"));
}

// Squeeze and excitation: the multiplication, the addition and its activation in one pass.
TEST(Activations, SqueezeAndExcitation) {
  Network n({2, 16, 11, 9});
  const ValueId map = n.convolution(n.x, 16, 3);
  const ValueId gate = n.append(Sigmoid{}, {n.convolution(n.append(GlobalAveragePool{}, {map}), 16, 1)});
  const ValueId scaled = n.append(Mul{}, {map, gate});
  const auto found = n.run({n.append(Relu{}, {n.append(Add{}, {scaled, n.x})})});
  EXPECT_THAT(found, ElementsAre("convolution", "mean", "convolution", "elementwise"));
}

}  // namespace
}  // namespace resnet

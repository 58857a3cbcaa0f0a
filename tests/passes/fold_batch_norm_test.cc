#include <gmock/gmock.h>

#include <limits>

#include "lib/arch/build.h"
#include "tests/passes/support.h"

namespace resnet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Rounding of the weights to float, seen through a few layers.
constexpr double tolerance = 2e-6;

class Net {
 public:
  explicit Net(Dims input = {2, 4, 5, 6}) { x = graph.add_input("x", Fact::of(DType::float32, std::move(input))); }

  ValueId constant(const std::string& name, Tensor value) { return graph.add_constant(name, std::move(value)); }
  ValueId weight(const std::string& name = "conv.weight", const Shape& shape = {3, 4, 3, 3}) {
    return constant(name, filled(shape, 11));
  }
  ValueId conv(ValueId input, ValueId w, ValueId bias = ValueId::none(), const std::string& name = "conv",
               std::int64_t group = 1) {
    Conv op;
    op.group = group;
    op.pads = {1, 1, 1, 1};
    return add(graph, op, {input, w, bias}, name);
  }
  std::vector<ValueId> norm_parameters(const std::string& name, std::int64_t channels = 3) {
    return {constant(name + ".weight", filled(Shape{channels}, 21, 0.5f, 2)),
            constant(name + ".bias", filled(Shape{channels}, 22)), constant(name + ".running_mean", filled(Shape{channels}, 23)),
            constant(name + ".running_var", filled(Shape{channels}, 24, 0.1f, 3))};
  }
  ValueId norm(ValueId input, const std::string& name = "bn", std::int64_t channels = 3,
               BatchNormalization op = {.epsilon = 1e-3f}) {
    std::vector<ValueId> inputs = norm_parameters(name, channels);
    inputs.insert(inputs.begin(), input);
    return add(graph, op, inputs, name);
  }
  ValueId relu(ValueId input, const std::string& name = "y") { return add(graph, Relu{}, {input}, name); }

  Graph graph;
  ValueId x;
};

void expect_folded(const Graph& graph, const std::vector<Tensor>& inputs, const std::string& operators) {
  PassLog log;
  const Graph after = fold_batch_norm(graph, log);
  EXPECT_EQ(print_operators(after), operators);
  EXPECT_THAT(log.declined, IsEmpty());
  expect_same_outputs(graph, after, inputs, tolerance);
}

void expect_apart(const Graph& graph, const std::vector<std::string>& reasons) {
  PassLog log;
  const Graph after = fold_batch_norm(graph, log);
  EXPECT_EQ(print(after), print(graph));
  EXPECT_EQ(log.declined, reasons);
  EXPECT_THAT(log.done, IsEmpty());
}

const std::vector<Tensor> image = {filled(Shape{2, 4, 5, 6}, 1)};
const char* const one_conv =
    "%x = Input() : float 2x4x5x6\n%bn = Conv(%x, %conv.weight, %conv.bias) {pads=[1,1,1,1]} : float 2x3x5x6\n"
    "%y = Relu(%bn) : float 2x3x5x6\nreturn %y\n";

TEST(FoldBatchNorm, IntoAConvWithoutABias) {
  Net net;
  net.graph.set_outputs({net.relu(net.norm(net.conv(net.x, net.weight())))});
  expect_folded(net.graph, image, one_conv);
  PassLog log;
  const Graph after = fold_batch_norm(net.graph, log);
  EXPECT_THAT(log.done, ElementsAre("fold_batch_norm: node 'bn' (BatchNormalization) into node 'conv' (Conv)"));
  // The formula, for one weight and one bias.
  const auto at = [&](const char* name) { return static_cast<double>(constant(net.graph, name).data<float>()[1]); };
  const double f = at("bn.weight") / std::sqrt(at("bn.running_var") + static_cast<double>(1e-3f));
  const auto w = static_cast<double>(constant(net.graph, "conv.weight").data<float>()[36 + 5]);
  EXPECT_EQ(constant(after, "conv.weight").data<float>()[36 + 5], static_cast<float>(w * f));
  EXPECT_EQ(constant(after, "conv.bias").data<float>()[1], static_cast<float>(at("bn.bias") - at("bn.running_mean") * f));
  // Nothing is left of the batch norm.
  EXPECT_FALSE(has_constant(after, "bn.weight"));
  EXPECT_FALSE(has_constant(after, "bn.running_var"));
}

TEST(FoldBatchNorm, IntoAConvWithABias) {
  Net net;
  const ValueId bias = net.constant("conv.bias", filled(Shape{3}, 12));
  net.graph.set_outputs({net.relu(net.norm(net.conv(net.x, net.weight(), bias)))});
  expect_folded(net.graph, image, one_conv);
}

TEST(FoldBatchNorm, IntoAGroupedConv) {
  Net net;
  const ValueId w = net.weight("conv.weight", {6, 2, 3, 3});
  net.graph.set_outputs({net.relu(net.norm(net.conv(net.x, w, ValueId::none(), "conv", 2), "bn", 6))});
  expect_folded(
      net.graph, image,
      "%x = Input() : float 2x4x5x6\n%bn = Conv(%x, %conv.weight, %conv.bias) {pads=[1,1,1,1], group=2} : float 2x6x5x6\n"
      "%y = Relu(%bn) : float 2x6x5x6\nreturn %y\n");
}

TEST(FoldBatchNorm, ThroughIdentities) {
  Net net;
  const ValueId conv = net.conv(net.x, net.weight());
  const ValueId once = add(net.graph, Identity{}, {conv}, "once"), twice = add(net.graph, Identity{}, {once}, "twice");
  net.graph.set_outputs({net.relu(net.norm(twice))});
  expect_folded(net.graph, image, one_conv);
}

TEST(FoldBatchNorm, AnOutputKeepsItsNameAndTheConvItsNode) {
  Net net;
  const ValueId conv = net.conv(net.x, net.weight());
  net.graph.node(conv.node).doc_string = "the first";
  net.graph.node(conv.node).metadata["scope"] = "stem";
  net.graph.set_outputs({net.norm(conv, "logits")});
  PassLog log;
  const Graph after = fold_batch_norm(net.graph, log);
  expect_same_outputs(net.graph, after, image, tolerance);
  const Node& node = after.node(after.outputs()[0].node);
  EXPECT_EQ(describe(node), "node 'conv' (Conv)");
  EXPECT_EQ(node.doc_string, "the first");
  EXPECT_EQ(node.metadata.at("scope"), "stem");
}

TEST(FoldBatchNorm, IntoAGemm) {
  for (const bool transposed : {false, true}) {
    for (const int c : {0, 1, 2, 3}) {  // no C; a vector; a row; one number
      Net net({5, 4});
      const ValueId w = net.weight("fc.weight", transposed ? Shape{3, 4} : Shape{4, 3});
      std::vector<ValueId> inputs = {net.x, w};
      if (c == 1) inputs.push_back(net.constant("fc.bias", filled(Shape{3}, 3)));
      if (c == 2) inputs.push_back(net.constant("fc.bias", filled(Shape{1, 3}, 3)));
      if (c == 3) inputs.push_back(net.constant("fc.bias", Tensor::scalar(0.75f)));
      const ValueId gemm =
          add(net.graph, Gemm{.alpha = 0.5f, .beta = c == 0 ? 1.0f : 3.0f, .transA = false, .transB = transposed}, inputs, "fc");
      net.graph.set_outputs({net.norm(gemm)});
      expect_folded(net.graph, {filled(Shape{5, 4}, 1)},
                    std::string("%x = Input() : float 5x4\n%bn = Gemm(%x, %fc.weight, %fc.bias) {alpha=0.5") +
                        (transposed ? ", transB=true" : "") + "} : float 5x3\nreturn %bn\n");
    }
  }
}

TEST(FoldBatchNorm, NotIntoAGemmWhoseBiasIsOnePerRow) {
  Net net({5, 4});
  const ValueId c = net.constant("c", filled(Shape{5, 1}, 3));
  net.graph.set_outputs({net.norm(add(net.graph, Gemm{}, {net.x, net.weight("w", {4, 3}), c}, "fc"))});
  expect_apart(net.graph,
               {"fold_batch_norm: node 'bn' (BatchNormalization): the bias of node 'fc' (Gemm) is not one constant per "
                "channel"});
}

// Caffe's BatchNorm and Scale, as converters write them.
TEST(FoldBatchNorm, ScaleLayers) {
  Net net;
  ValueId y = net.norm(net.conv(net.x, net.weight()), "norm");
  y = add(net.graph, Mul{}, {y, net.constant("gamma", filled(Shape{3, 1, 1}, 31, 0.5f, 2))}, "scaled");
  y = add(net.graph, Add{}, {net.constant("beta", filled(Shape{1, 3, 1, 1}, 32)), y}, "bn");
  net.graph.set_outputs({net.relu(y)});
  expect_folded(net.graph, image, one_conv);
  PassLog log;
  fold_batch_norm(net.graph, log);
  EXPECT_EQ(log.done.size(), 3u);
}

TEST(FoldBatchNorm, SubDivAndNumbersForAll) {
  Net net;
  ValueId y = net.conv(net.x, net.weight());
  y = add(net.graph, Sub{}, {y, net.constant("minus", filled(Shape{3, 1, 1}, 33))}, "a");
  y = add(net.graph, Div{}, {y, net.constant("by", filled(Shape{3, 1, 1}, 34, 1, 2))}, "b");
  y = add(net.graph, Mul{}, {net.constant("times", Tensor::scalar(-2.0f)), y}, "c");
  y = add(net.graph, Add{}, {y, net.constant("plus", Tensor::from<float>(Shape{1}, {0.5f}))}, "bn");
  net.graph.set_outputs({net.relu(y)});
  expect_folded(net.graph, image, one_conv);
}

TEST(FoldBatchNorm, AnAddedBiasLeavesTheWeightAlone) {
  Net net;
  const ValueId bias = net.constant("beta", filled(Shape{3, 1, 1}, 33));
  net.graph.set_outputs({net.relu(add(net.graph, Add{}, {net.conv(net.x, net.weight()), bias}, "bn"))});
  expect_folded(net.graph, image, one_conv);
  PassLog log;
  EXPECT_EQ(constant(fold_batch_norm(net.graph, log), "conv.weight").bytes().data(),
            constant(net.graph, "conv.weight").bytes().data());
}

TEST(FoldBatchNorm, NotWhatIsNotPerChannel) {
  for (const Shape& shape :
       {Shape{6}, Shape{5, 6}, Shape{5, 1}, Shape{1, 1, 6}, Shape{2, 1, 1, 1}, Shape{3, 5, 6}, Shape{1, 1, 1, 1, 1}}) {
    Net net;
    const ValueId other = net.constant("other", filled(shape, 35));
    net.graph.set_outputs({add(net.graph, Mul{}, {net.conv(net.x, net.weight()), other}, "y")});
    expect_apart(net.graph, {});
  }
  // A residual addition is not a bias; nor is a quotient of the convolution.
  Net net;
  const ValueId first = net.conv(net.x, net.weight()), second = net.conv(net.x, net.weight("w2"), ValueId::none(), "conv2");
  const ValueId sum = add(net.graph, Add{}, {first, second}, "sum");
  net.graph.set_outputs({sum});
  expect_apart(net.graph, {});
  Net quotient;
  const ValueId one = quotient.constant("one", Tensor::scalar(1.0f));
  quotient.graph.set_outputs({add(quotient.graph, Div{}, {one, quotient.conv(quotient.x, quotient.weight())}, "y")});
  expect_apart(quotient.graph, {});
}

TEST(FoldBatchNorm, DeclinesWithAReason) {
  const std::string norm = "fold_batch_norm: node 'bn' (BatchNormalization): ";
  {
    Net net;
    const ValueId conv = net.conv(net.x, net.weight());
    net.graph.set_outputs({net.norm(conv), net.relu(conv)});
    expect_apart(net.graph, {norm + "node 'conv' (Conv) has other readers"});
  }
  {
    Net net;
    const ValueId conv = net.conv(net.x, net.weight());
    net.graph.set_outputs({net.norm(conv), conv});
    expect_apart(net.graph, {norm + "node 'conv' (Conv) gives an output of the graph"});
  }
  {
    Net net;
    const ValueId same = add(net.graph, Identity{}, {net.conv(net.x, net.weight())}, "same");
    net.graph.set_outputs({net.norm(same), net.relu(same)});
    expect_apart(net.graph, {norm + "node 'same' (Identity) has other readers"});
  }
  {
    Net net;
    const ValueId w = net.graph.add_input("w", Fact::of(DType::float32, {3, 4, 3, 3}));
    net.graph.set_outputs({net.norm(net.conv(net.x, w))});
    expect_apart(net.graph, {norm + "the weight of node 'conv' (Conv) is not constant"});
  }
  {
    Net net;
    const ValueId bias = net.graph.add_input("b", Fact::of(DType::float32, {3}));
    net.graph.set_outputs({net.norm(net.conv(net.x, net.weight(), bias))});
    expect_apart(net.graph, {norm + "the bias of node 'conv' (Conv) is not one constant per channel"});
  }
  {
    Net net;
    net.graph.set_outputs({net.norm(net.conv(net.x, net.weight()), "bn", 3, {.training_mode = true})});
    expect_apart(net.graph, {norm + "it is in training mode"});
  }
  {
    Net net;
    net.graph.set_outputs({net.norm(net.relu(net.x), "bn", 4)});
    expect_apart(net.graph, {norm + "it does not directly follow a Conv or Gemm"});
  }
  {
    Net net;
    std::vector<ValueId> inputs = net.norm_parameters("bn");
    inputs[1] = net.graph.add_input("shift", Fact::of(DType::float32, {3}));
    inputs.insert(inputs.begin(), net.conv(net.x, net.weight()));
    net.graph.set_outputs({add(net.graph, BatchNormalization{}, inputs, "bn")});
    expect_apart(net.graph, {norm + "its parameters are not constant"});
  }
  {
    Net net;
    std::vector<ValueId> inputs = net.norm_parameters("bn");
    inputs[3] = net.constant("negative", Tensor::from<float>(Shape{3}, {1, 1, -5}));
    inputs.insert(inputs.begin(), net.conv(net.x, net.weight()));
    net.graph.set_outputs({add(net.graph, BatchNormalization{}, inputs, "bn")});
    PassLog log;
    EXPECT_EQ(print(fold_batch_norm(net.graph, log)), print(net.graph));
    ASSERT_EQ(log.declined.size(), 1u);
    EXPECT_THAT(log.declined[0], ::testing::StartsWith(norm + "channel 2 would be multiplied by "));
  }
  {
    Net net;
    std::vector<ValueId> inputs = net.norm_parameters("bn");
    inputs[0] = net.constant("huge", Tensor::from<float>(Shape{3}, {1, 3e38f, 1}));
    inputs[3] = net.constant("tiny", Tensor::from<float>(Shape{3}, {1, 0, 1}));
    inputs.insert(inputs.begin(), net.conv(net.x, net.weight()));
    net.graph.set_outputs({add(net.graph, BatchNormalization{}, inputs, "bn")});
    expect_apart(net.graph, {norm + "the weights of node 'conv' (Conv) would not be finite"});
  }
}

TEST(FoldBatchNorm, OldFormsWithUnreadStatistics) {
  Net net;
  std::vector<ValueId> inputs = net.norm_parameters("bn");
  inputs.insert(inputs.begin(), net.conv(net.x, net.weight()));
  const ValueId norm = net.graph.append(BatchNormalization{}, inputs, "bn", {"bn", "mean", "var", "saved_mean", "saved_var"});
  net.graph.set_outputs({net.relu(norm)});
  expect_folded(net.graph, image, one_conv);
  net.graph.set_outputs({norm, {norm.node, 1}});
  expect_apart(net.graph, {"fold_batch_norm: node 'bn' (BatchNormalization): its statistics are read"});
}

TEST(FoldBatchNorm, SharedWeightsAreCopiedPerConv) {
  Net net({2, 3, 5, 6});
  const ValueId w = net.weight("shared.weight", {3, 3, 3, 3});
  const ValueId a = net.norm(net.conv(net.x, w, ValueId::none(), "conv_a"), "bn_a");
  const ValueId b = net.norm(net.conv(a, w, ValueId::none(), "conv_b"), "bn_b");
  const ValueId c = net.conv(b, w, ValueId::none(), "conv_c");
  net.graph.set_outputs({net.relu(c)});
  const std::vector<Tensor> inputs = {filled(Shape{2, 3, 5, 6}, 1)};
  expect_folded(net.graph, inputs,
                "%x = Input() : float 2x3x5x6\n"
                "%bn_a = Conv(%x, %conv_a.weight, %conv_a.bias) {pads=[1,1,1,1]} : float 2x3x5x6\n"
                "%bn_b = Conv(%bn_a, %conv_b.weight, %conv_b.bias) {pads=[1,1,1,1]} : float 2x3x5x6\n"
                "%conv_c = Conv(%bn_b, %shared.weight, -) {pads=[1,1,1,1]} : float 2x3x5x6\n"
                "%y = Relu(%conv_c) : float 2x3x5x6\nreturn %y\n");
  // With all readers folded the shared one is gone.
  net.graph.set_outputs({net.relu(net.norm(c, "bn_c"), "z")});
  PassLog log;
  const Graph cleaned = remove_dead_nodes(net.graph, log);
  const Graph after = fold_batch_norm(cleaned, log);
  EXPECT_FALSE(has_constant(after, "shared.weight"));
  EXPECT_TRUE(has_constant(after, "conv_c.weight"));
  expect_same_outputs(cleaned, after, inputs, tolerance);
}

TEST(FoldBatchNorm, SharedParametersOfTheNorm) {
  Net net({2, 3, 5, 6});
  const std::vector<ValueId> shared = net.norm_parameters("shared");
  ValueId y = net.x;
  for (const char* name : {"1", "2"}) {
    y = net.conv(y, net.weight(std::string("w") + name, {3, 3, 3, 3}), ValueId::none(), std::string("conv") + name);
    std::vector<ValueId> inputs = shared;
    inputs.insert(inputs.begin(), y);
    y = add(net.graph, BatchNormalization{}, inputs, std::string("bn") + name);
  }
  net.graph.set_outputs({y});
  PassLog log;
  const Graph after = fold_batch_norm(net.graph, log);
  EXPECT_EQ(count(after, "BatchNormalization"), 0u);
  EXPECT_FALSE(has_constant(after, "shared.weight"));
  expect_same_outputs(net.graph, after, {filled(Shape{2, 3, 5, 6}, 1)}, tolerance);
}

TEST(FoldBatchNorm, WeightsByAnIdentity) {
  Net net;
  const ValueId same = add(net.graph, Identity{}, {net.weight()}, "same");
  net.graph.set_outputs({net.relu(net.norm(net.conv(net.x, same)))});
  PassLog log;
  const Graph after = fold_batch_norm(net.graph, log);
  EXPECT_EQ(count(after, "BatchNormalization"), 0u);
  expect_same_outputs(net.graph, after, image, tolerance);
}

TEST(FoldBatchNorm, DoublePrecisionStays) {
  Graph graph;
  const auto doubles = [](const Shape& shape, unsigned seed, float low) {
    const Tensor floats = filled(shape, seed, low, 1);
    const auto values = floats.values_as<double>();
    return Tensor::from<double>(shape, std::span<const double>(values));
  };
  const ValueId x = graph.add_input("x", Fact::of(DType::float64, {1, 2, 4, 4}));
  const ValueId w = graph.add_constant("w", doubles({3, 2, 3, 3}, 1, -1));
  std::vector<ValueId> inputs = {add(graph, Conv{}, {x, w}, "conv")};
  for (const char* name : {"scale", "shift", "mean", "var"}) inputs.push_back(graph.add_constant(name, doubles({3}, 5, 0.5f)));
  graph.set_outputs({add(graph, BatchNormalization{}, inputs, "y")});
  PassLog log;
  const Graph after = fold_batch_norm(graph, log);
  EXPECT_EQ(constant(after, "w").dtype(), DType::float64);
  expect_same_outputs(graph, after, {doubles({1, 2, 4, 4}, 9, -1)}, 1e-14);
}

// The builder folds its own initialisation; the pass must come to the same bytes.
TEST(FoldBatchNorm, AgreesWithABuiltNetThatIsFolded) {
  for (const char* name : {"resnet8", "resnet18d", "resnet8v2"}) {
    const arch::Spec spec = *arch::find_spec(name);
    PassLog log;
    const Graph after = fold_batch_norm(arch::build(spec), log);
    const Graph built = arch::build(spec, {.fold_batch_norm = true});
    EXPECT_EQ(count(after, "BatchNormalization"), count(built, "BatchNormalization")) << name;
    for (const Node& node : built.nodes()) {
      if (const auto* value = get_if<Constant>(&node.op)) {
        EXPECT_EQ(constant(after, node.name), value->value) << node.name;
      }
    }
    EXPECT_EQ(after.nodes().size(), built.nodes().size()) << name;
  }
}

}  // namespace
}  // namespace resnet

#include "lib/arch/build.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

#include "lib/base/error.h"
#include "lib/reference/reference.h"

namespace resnet::arch {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Tensor& constant(const Graph& graph, const std::string& name) {
  for (const Node& node : graph.nodes()) {
    if (const auto* found = get_if<Constant>(&node.op); found != nullptr && node.name == name) return found->value;
  }
  throw std::out_of_range(name);
}

const Node& node(const Graph& graph, const std::string& name) {
  for (const Node& found : graph.nodes()) {
    if (found.name == name) return found;
  }
  throw std::out_of_range(name);
}

std::string input_of(const Graph& graph, const std::string& name, std::size_t index = 0) {
  return graph.value(node(graph, name).inputs.at(index)).name;
}

// FNV-1a over the bytes of every constant, in order.
std::uint64_t hash(const Graph& graph) {
  std::uint64_t result = 0xcbf29ce484222325u;
  for (const Node& n : graph.nodes()) {
    const auto* value = get_if<Constant>(&n.op);
    if (value == nullptr) continue;
    for (const std::byte byte : value->value.bytes()) result = (result ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3u;
  }
  return result;
}

Tensor picture(const Shape& shape) {
  Tensor x = Tensor::allocate(DType::float32, shape);
  float value = 0;
  for (float& v : x.mutable_data<float>()) {
    value += 0.37f;
    if (value > 1) value -= 2;
    v = value;
  }
  return x;
}

class EveryNet : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryNet, IsWholeAndEveryShapeKnown) {
  const Spec spec = *find_spec(GetParam());
  for (const bool fold : {false, true}) {
    const Graph graph = build(spec, {.init = Init::none, .fold_batch_norm = fold});
    EXPECT_THAT(verify(graph), IsEmpty());
    ASSERT_EQ(graph.outputs().size(), 1u);
    EXPECT_EQ(graph.value(graph.outputs()[0]).name, "logits");
    EXPECT_EQ(graph.fact(graph.outputs()[0]).to_string(), "float batchx" + std::to_string(spec.classes));
    EXPECT_EQ(graph.value(graph.inputs()[0]).name, "input");
    EXPECT_EQ(graph.fact(graph.inputs()[0]).to_string(),
              "float batchx3x" + std::to_string(spec.height) + "x" + std::to_string(spec.width));
    std::set<std::string> names;
    for (const Node& n : graph.nodes()) {
      EXPECT_TRUE(names.insert(n.name).second) << n.name;
      for (const Value& value : n.outputs) EXPECT_TRUE(value.fact.dims && value.fact.dtype) << value.name;
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Names, EveryNet, ::testing::ValuesIn(names()), [](const auto& net) { return net.param; });

TEST(Build, TakesClassesSizeAndBatch) {
  const Graph graph =
      build(with_options(*find_spec("resnet18"), {.classes = 7, .batch = 4, .height = 64, .width = 96}), {.init = Init::none});
  EXPECT_EQ(graph.fact(graph.inputs()[0]).to_string(), "float 4x3x64x96");
  EXPECT_EQ(graph.fact(graph.outputs()[0]).to_string(), "float 4x7");
  EXPECT_EQ(node(graph, "layer4.1.add").outputs[0].fact.to_string(), "float 4x512x2x3");
}

TEST(Build, SmallestInputs) {
  for (const char* name : {"resnet18", "resnet50", "resnet20", "resnet18v2", "seresnet50", "plain18"}) {
    EXPECT_NO_THROW(build(with_options(*find_spec(name), {.height = 1, .width = 1}), {.init = Init::none})) << name;
  }
  try {
    build(with_options(*find_spec("resnet18d"), {.height = 8, .width = 8}), {.init = Init::none});
    FAIL() << "a 2x2 pool on one pixel";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("node 'layer3.0.downsample.0' (AveragePool): a window of 2 does not fit into 1"));
  }
}

TEST(Build, ChecksTheSpec) {
  Spec spec = *find_spec("resnet18");
  spec.classes = -1;
  EXPECT_THROW(build(spec), Error);
}

TEST(Build, WithoutClassesItGivesFeatures) {
  Spec spec = *find_spec("resnet50");
  spec.classes = 0;
  const Graph graph = build(spec, {.init = Init::none});
  EXPECT_EQ(graph.value(graph.outputs()[0]).name, "features");
  EXPECT_EQ(graph.fact(graph.outputs()[0]).to_string(), "float batchx2048");
}

// The blur against its definition: 1-2-1 in both directions, every second position, the border reflected.
TEST(Build, ABlurIsAFilterOfAReflectedMap) {
  const Graph graph =
      build(with_options(*find_spec("resnetblur18"), {.batch = 1, .height = 28, .width = 20}), {.init = Init::none});
  EXPECT_EQ(input_of(graph, "layer1.0.conv1"), "maxpool.1.1");
  EXPECT_EQ(input_of(graph, "layer2.0.conv2"), "layer2.0.aa.1");
  EXPECT_EQ(input_of(graph, "layer2.0.aa.pad"), "layer2.0.relu1");
  EXPECT_TRUE(get<Conv>(node(graph, "layer2.0.conv1").op).strides.empty());
  Graph part;
  const ValueId x = part.add_input("x", Fact::of(DType::float32, {1, 1, 5, 6}));
  const Node& pads = node(graph, "layer2.0.aa.pads");
  ValueId y = part.append(node(graph, "layer2.0.aa.pad").op, {x, part.add_constant("pads", get<Constant>(pads.op).value)}, "pad");
  for (const char* name : {"layer2.0.aa.0", "layer2.0.aa.1"}) y = part.append(node(graph, name).op, {y}, name);
  part.set_outputs({y});
  const Tensor image = picture(Shape{1, 1, 5, 6});
  const Tensor found = reference::evaluate(part, std::vector{image}).at(0);
  ASSERT_EQ(found.shape(), (Shape{1, 1, 3, 3}));
  const auto reflected = [](int i, int size) { return i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i; };
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      float sum = 0;
      for (int i = -1; i <= 1; ++i) {
        for (int k = -1; k <= 1; ++k) {
          const float weight = static_cast<float>((2 - std::abs(i)) * (2 - std::abs(k))) / 16;
          sum += weight *
                 image.data<float>()[static_cast<std::size_t>(reflected(2 * row + i, 5) * 6 + reflected(2 * column + k, 6))];
        }
      }
      EXPECT_NEAR(found.data<float>()[static_cast<std::size_t>(row * 3 + column)], sum, 1e-6) << row << " " << column;
    }
  }
}

TEST(Build, EfficientAttentionFiltersTheChannelsMeans) {
  const Graph graph = build(*find_spec("ecaresnet50d"), {.init = Init::none});
  const Node& conv = node(graph, "layer4.0.se.conv");
  EXPECT_EQ(graph.fact(conv.inputs[0]).to_string(), "float batchx1x2048x1");
  EXPECT_EQ(conv.outputs[0].fact.to_string(), "float batchx1x2048x1");
  EXPECT_EQ(graph.fact(conv.inputs[1]).to_string(), "float 1x1x7x1");
  EXPECT_EQ(input_of(graph, "layer4.0.se.scale", 0), "layer4.0.bn3");
}

TEST(Build, StrideByVariant) {
  using Strides = std::vector<std::int64_t>;
  const auto strides = [](Variant variant, const std::string& name) {
    const Graph graph = build(with_options(*find_spec("resnet50"), {.variant = variant}), {.init = Init::none});
    return get<Conv>(node(graph, name).op).strides;
  };
  EXPECT_EQ(strides(Variant::v1, "layer2.0.conv1"), (Strides{2, 2}));
  EXPECT_EQ(strides(Variant::v1, "layer2.0.conv2"), Strides{});
  EXPECT_EQ(strides(Variant::v1_5, "layer2.0.conv1"), Strides{});
  EXPECT_EQ(strides(Variant::v1_5, "layer2.0.conv2"), (Strides{2, 2}));
  EXPECT_EQ(strides(Variant::v1, "layer1.0.conv1"), Strides{});  // conv2_x keeps its size: the pool has halved it
}

TEST(Build, ShortcutOptions) {
  const auto net = [](const char* name, Shortcut shortcut) {
    return build(with_options(*find_spec(name), {.shortcut = shortcut}), {.init = Init::none});
  };
  const Graph a = net("resnet18", Shortcut::A), b = net("resnet18", Shortcut::B), c = net("resnet18", Shortcut::C);
  EXPECT_EQ(input_of(a, "layer1.0.add", 1), "maxpool");
  EXPECT_EQ(input_of(a, "layer2.0.add", 1), "layer2.0.shortcut.pad");
  EXPECT_EQ(input_of(a, "layer2.0.shortcut.pad"), "layer2.0.shortcut.slice");
  EXPECT_EQ(input_of(a, "layer2.0.shortcut.slice"), "layer1.1.relu2");
  EXPECT_EQ(input_of(b, "layer1.0.add", 1), "maxpool");
  EXPECT_EQ(input_of(b, "layer2.0.add", 1), "layer2.0.downsample.1");
  EXPECT_EQ(input_of(b, "layer2.1.add", 1), "layer2.0.relu2");
  EXPECT_EQ(input_of(c, "layer1.0.add", 1), "layer1.0.downsample.1");
  EXPECT_EQ(input_of(c, "layer2.1.add", 1), "layer2.1.downsample.1");
  // The widening of conv2_x in a bottleneck net keeps the map's size: channels are padded, nothing is sliced.
  const Graph wide = net("resnet50", Shortcut::A);
  EXPECT_EQ(input_of(wide, "layer1.0.shortcut.pad"), "maxpool");
}

// Option A against its definition: main path 0 (zero weights), so that a block gives relu(shortcut).
TEST(Build, OptionATakesEverySecondPixelBetweenZeroChannels) {
  Spec spec = *find_spec("resnet8");
  spec.batch = 2;
  Graph graph = build(spec, {.init = Init::zeros});
  const auto at = [&](const std::string& name) {
    for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
      if (graph.nodes()[i].name == name) return ValueId{static_cast<NodeId>(i), 0};
    }
    throw std::out_of_range(name);
  };
  Graph part;
  const ValueId x = part.add_input("x", Fact::of(DType::float32, {2, 16, 5, 6}));
  const Node& slice = graph.node(at("layer2.0.shortcut.slice").node);
  const Node& pad = graph.node(at("layer2.0.shortcut.pad").node);
  std::vector<ValueId> inputs = {x};
  for (std::size_t i = 1; i < slice.inputs.size(); ++i) {
    const Node& list = graph.node(slice.inputs[i].node);
    inputs.push_back(part.add_constant(list.name, get<Constant>(list.op).value));
  }
  const ValueId sliced = part.append(slice.op, inputs, "slice", {"slice"});
  const Node& pads = graph.node(pad.inputs[1].node);
  part.set_outputs({part.append(pad.op, {sliced, part.add_constant("pads", get<Constant>(pads.op).value)}, "pad", {"y"})});
  const Tensor image = picture(Shape{2, 16, 5, 6});
  const Tensor y = reference::evaluate(part, std::vector{image}).at(0);
  ASSERT_EQ(y.shape(), (Shape{2, 32, 3, 3}));
  for (std::int64_t n = 0; n < 2; ++n) {
    for (std::int64_t k = 0; k < 32; ++k) {
      for (std::int64_t row = 0; row < 3; ++row) {
        for (std::int64_t column = 0; column < 3; ++column) {
          const float found = y.data<float>()[static_cast<std::size_t>(((n * 32 + k) * 3 + row) * 3 + column)];
          const bool inside = k >= 8 && k < 24;
          const float expected =
              inside ? image.data<float>()[static_cast<std::size_t>(((n * 16 + k - 8) * 5 + 2 * row) * 6 + 2 * column)] : 0;
          EXPECT_EQ(found, expected) << n << " " << k << " " << row << " " << column;
        }
      }
    }
  }
}

TEST(Build, PreActivationFollowsThePaper) {
  const Graph graph = build(*find_spec("resnet50v2"), {.init = Init::none});
  // The first block's input is activated by the stem; both paths take it.
  EXPECT_EQ(input_of(graph, "layer1.0.conv1"), "maxpool");
  EXPECT_EQ(input_of(graph, "layer1.0.downsample.0"), "maxpool");
  EXPECT_EQ(input_of(graph, "layer1.0.bn2"), "layer1.0.conv1");
  EXPECT_EQ(input_of(graph, "layer1.0.add", 0), "layer1.0.conv3");
  EXPECT_EQ(input_of(graph, "layer1.0.add", 1), "layer1.0.downsample.0");
  // Inside a stage the shortcut is the identity of what was added, not of its activation.
  EXPECT_EQ(input_of(graph, "layer1.1.bn1"), "layer1.0.add");
  EXPECT_EQ(input_of(graph, "layer1.1.conv1"), "layer1.1.relu1");
  EXPECT_EQ(input_of(graph, "layer1.1.add", 1), "layer1.0.add");
  // Where the size changes, the activation is shared.
  EXPECT_EQ(input_of(graph, "layer2.0.bn1"), "layer1.2.add");
  EXPECT_EQ(input_of(graph, "layer2.0.downsample.0"), "layer2.0.relu1");
  EXPECT_EQ(input_of(graph, "norm"), "layer4.2.add");
  EXPECT_EQ(input_of(graph, "avgpool"), "relu_last");
}

TEST(Build, ResNetDHalvesByAPool) {
  const Graph graph = build(*find_spec("resnet50d"), {.init = Init::none});
  const auto& pool = get<AveragePool>(node(graph, "layer2.0.downsample.0").op);
  EXPECT_EQ(pool.kernel_shape, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(pool.strides, (std::vector<std::int64_t>{2, 2}));
  EXPECT_TRUE(pool.ceil_mode);
  EXPECT_FALSE(pool.count_include_pad);
  EXPECT_EQ(input_of(graph, "layer2.0.downsample.1"), "layer2.0.downsample.0");
  EXPECT_TRUE(get<Conv>(node(graph, "layer2.0.downsample.1").op).strides.empty());
  EXPECT_EQ(input_of(graph, "layer1.0.downsample.1"), "maxpool");  // nothing is halved there
  EXPECT_EQ(input_of(graph, "conv1.3"), "conv1.2");
  EXPECT_EQ(input_of(graph, "bn1"), "conv1.6");
}

TEST(Build, SqueezeAndExcitationScalesTheMainPath) {
  const Graph graph = build(*find_spec("seresnet50"), {.init = Init::none});
  EXPECT_EQ(input_of(graph, "layer1.0.se.pool"), "layer1.0.bn3");
  EXPECT_EQ(input_of(graph, "layer1.0.se.fc1"), "layer1.0.se.pool");
  EXPECT_EQ(input_of(graph, "layer1.0.se.gate"), "layer1.0.se.fc2");
  EXPECT_EQ(input_of(graph, "layer1.0.se.scale", 0), "layer1.0.bn3");
  EXPECT_EQ(input_of(graph, "layer1.0.se.scale", 1), "layer1.0.se.gate");
  EXPECT_EQ(input_of(graph, "layer1.0.add", 0), "layer1.0.se.scale");
}

TEST(Build, HeInitialisationHasThePapersDeviation) {
  const Graph graph = build(*find_spec("resnet50"));
  std::size_t checked = 0;
  for (const Node& n : graph.nodes()) {
    const auto* value = get_if<Constant>(&n.op);
    if (value == nullptr || value->value.shape().rank() != 4 || value->value.elements() < 100'000) continue;
    const Shape& shape = value->value.shape();
    const double expected = std::sqrt(2.0 / static_cast<double>(shape[0] * shape[2] * shape[3]));
    double sum = 0, squares = 0;
    for (const float v : value->value.data<float>()) {
      sum += static_cast<double>(v);
      squares += static_cast<double>(v) * static_cast<double>(v);
    }
    const auto count = static_cast<double>(value->value.elements());
    EXPECT_NEAR(std::sqrt(squares / count) / expected, 1, 0.01) << n.name;
    EXPECT_NEAR(sum / count / expected, 0, 0.015) << n.name;
    ++checked;
  }
  EXPECT_EQ(checked, 34u);
  for (const float v : constant(graph, "layer3.2.bn1.weight").data<float>()) EXPECT_EQ(v, 1.0f);
  for (const float v : constant(graph, "layer3.2.bn1.bias").data<float>()) EXPECT_EQ(v, 0.0f);
  for (const float v : constant(graph, "layer3.2.bn1.running_mean").data<float>()) EXPECT_EQ(v, 0.0f);
  for (const float v : constant(graph, "layer3.2.bn1.running_var").data<float>()) EXPECT_EQ(v, 1.0f);
  const auto fc = constant(graph, "fc.weight").data<float>();
  const auto bound = static_cast<float>(1 / std::sqrt(2048.0));
  EXPECT_LE(*std::max_element(fc.begin(), fc.end()), bound);
  EXPECT_GT(*std::max_element(fc.begin(), fc.end()), 0.999f * bound);
  EXPECT_LT(*std::min_element(fc.begin(), fc.end()), -0.999f * bound);
}

// The same bytes on every machine and with every compiler: these numbers may only change with the initialisation itself.
TEST(Build, ASeedGivesTheSameBytesEverywhere) {
  EXPECT_EQ(hash(build(*find_spec("resnet20"))), 630333941942378455u);
  EXPECT_EQ(hash(build(*find_spec("resnet18"), {.seed = 2015})), 1770845403759165u);
}

TEST(Build, OtherSeedsGiveOtherWeights) {
  const Graph a = build(*find_spec("resnet20")), b = build(*find_spec("resnet20"), {.seed = 1});
  EXPECT_NE(constant(a, "conv1.weight"), constant(b, "conv1.weight"));
  EXPECT_NE(constant(a, "fc.bias"), constant(b, "fc.bias"));
  EXPECT_NE(constant(a, "layer1.0.conv1.weight"), constant(a, "layer1.0.conv2.weight"));
}

TEST(Build, ZerosGiveLogitsOfZero) {
  Spec spec = *find_spec("resnet8");
  const Graph graph = build(spec, {.init = Init::zeros});
  const Tensor logits = reference::evaluate(graph, std::vector{picture(Shape{2, 3, 32, 32})}).at(0);
  ASSERT_EQ(logits.shape(), (Shape{2, 10}));
  for (const float v : logits.data<float>()) EXPECT_EQ(v, 0.0f);
}

TEST(Build, NoneMakesParametersInputs) {
  const Graph with = build(*find_spec("resnet20")), without = build(*find_spec("resnet20"), {.init = Init::none});
  EXPECT_EQ(with.inputs().size(), 1u);
  ASSERT_EQ(without.inputs().size(), 98u);
  EXPECT_EQ(without.value(without.inputs()[1]).name, "conv1.weight");
  // Given the parameters, it computes the same.
  std::vector<Tensor> inputs = {picture(Shape{1, 3, 32, 32})};
  const Tensor expected = reference::evaluate(with, inputs).at(0);
  for (std::size_t i = 1; i < without.inputs().size(); ++i)
    inputs.push_back(constant(with, without.value(without.inputs()[i]).name));
  EXPECT_EQ(reference::evaluate(without, inputs).at(0), expected);
}

TEST(Build, FoldedNetsComputeTheSame) {
  for (const char* name : {"resnet8", "resnet8v2"}) {
    const Tensor x = picture(Shape{1, 3, 32, 32});
    const Tensor apart = reference::evaluate(build(*find_spec(name)), std::vector{x}).at(0);
    const Tensor folded = reference::evaluate(build(*find_spec(name), {.fold_batch_norm = true}), std::vector{x}).at(0);
    double largest = 0;
    for (std::size_t i = 0; i < 10; ++i) {
      EXPECT_NEAR(apart.data<float>()[i], folded.data<float>()[i], 2e-5) << name;
      largest = std::max(largest, std::abs(static_cast<double>(apart.data<float>()[i])));
    }
    EXPECT_GT(largest, 0.1) << name;
  }
}

TEST(Build, IsQuick) {
  const auto seconds = [](const char* name, Init init) {
    const auto start = std::chrono::steady_clock::now();
    const Graph graph = build(*find_spec(name), {.init = init});
    EXPECT_FALSE(graph.nodes().empty());
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  // Bounds that a loaded machine or a sanitizer keeps, but nothing quadratic: resnet1202 has 13,000 nodes.
  EXPECT_LT(seconds("resnet1202", Init::none), 10);
  EXPECT_LT(seconds("resnet152", Init::he), 30);
}

}  // namespace
}  // namespace resnet::arch

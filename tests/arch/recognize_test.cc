// Which network a graph is, seen through other names, other orders and the habits of exporters.
#include "lib/arch/recognize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "formats/onnx/read.h"
#include "lib/arch/build.h"
#include "tests/support/assets.h"

namespace resnet::arch {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

Graph built(const Spec& spec, bool fold_batch_norm = false) {
  return build(spec, {.init = Init::none, .fold_batch_norm = fold_batch_norm});
}

// The same network with no name left but numbers, its nodes in another order that runs and the inputs of additions exchanged.
Graph disguised(const Graph& graph, unsigned seed) {
  std::mt19937 random(seed);
  Graph result;
  const std::size_t count = graph.nodes().size();
  std::vector<ValueId> made(count);
  std::vector<std::size_t> waits(count, 0), ready;
  std::vector<std::vector<NodeId>> consumers = graph.consumers();
  for (std::size_t i = 0; i < count; ++i) {
    for (const ValueId input : graph.nodes()[i].inputs) waits[i] += input.is_none() ? 0 : 1;
  }
  // The image stays the first input.
  std::vector<bool> done(count, false);
  std::size_t serial = 0;
  const auto place = [&](std::size_t i) {
    const Node& node = graph.nodes()[i];
    std::vector<ValueId> inputs;
    for (const ValueId input : node.inputs) {
      inputs.push_back(input.is_none() ? input : ValueId{made[static_cast<std::size_t>(input.node)].node, input.slot});
    }
    if (holds_alternative<Add>(node.op) && random() % 2 == 0) std::swap(inputs[0], inputs[1]);
    const std::string name = std::to_string(serial++);
    if (holds_alternative<Input>(node.op)) {
      made[i] = result.add_input(name, node.outputs[0].fact);
    } else if (const auto* constant = get_if<Constant>(&node.op)) {
      made[i] = result.add_constant(name, constant->value);
    } else {
      made[i] = result.append(node.op, inputs, "", std::vector<std::string>(node.outputs.size(), name));
    }
    done[i] = true;
    for (const NodeId reader : consumers[i]) {
      if (--waits[static_cast<std::size_t>(reader)] == 0) ready.push_back(static_cast<std::size_t>(reader));
    }
  };
  place(static_cast<std::size_t>(graph.inputs()[0].node));
  for (std::size_t i = 0; i < count; ++i) {
    if (!done[i] && graph.nodes()[i].inputs.empty()) place(i);
  }
  while (!ready.empty()) {
    std::swap(ready[random() % ready.size()], ready.back());
    const std::size_t next = ready.back();
    ready.pop_back();
    place(next);
  }
  std::vector<ValueId> outputs;
  for (const ValueId output : graph.outputs()) outputs.push_back({made[static_cast<std::size_t>(output.node)].node, output.slot});
  result.set_outputs(outputs);
  return result;
}

std::string differences_of(const Recognition& recognition) {
  std::string text;
  for (const Difference& difference : recognition.differences) text += difference.to_string() + "\n";
  return text;
}

class Named : public testing::TestWithParam<std::string> {};

TEST_P(Named, IsRecognisedInDisguise) {
  const Spec named = *find_spec(GetParam());
  unsigned seed = 0;
  for (const Variant variant : {Variant::v1, Variant::v1_5}) {
    for (const Shortcut shortcut : {Shortcut::A, Shortcut::B, Shortcut::C}) {
      for (const bool folded : {false, true}) {
        Spec spec = named;
        spec.variant = variant;
        if (spec.shortcut != Shortcut::none) spec.shortcut = shortcut;
        spec.classes = 7;
        // Anti-aliasing is v1.5's, and option A shows no pools in the shortcuts: a deep stem means ResNet-D then.
        if (spec.anti_alias != AntiAlias::none && variant == Variant::v1) continue;
        if (shortcut == Shortcut::A && spec.average_shortcut != (spec.stem == Stem::deep)) continue;
        // Where every block changes the size, and where every reader of the stem is activated, two Specs are one network.
        if (shortcut == Shortcut::C && (named.name == "resnet14t" || named.name == "resnet18v2_cifar")) continue;
        SCOPED_TRACE(testing::Message() << describe(spec) << (folded ? ", folded" : ""));
        const Recognition recognition = recognize(disguised(built(spec, folded), ++seed));
        EXPECT_EQ(differences_of(recognition), "");
        // Without a bottleneck, and in a first stage alone, both variants are the same network.
        if (spec.block != Block::bottleneck) spec.variant = Variant::v1_5;
        EXPECT_EQ(describe(recognition.spec), describe(spec));
        EXPECT_TRUE(recognition.spec == spec);
        EXPECT_EQ(recognition.batch_norm, spec.norm == Norm::group || spec.block == Block::single ? BatchNorm::none
                                          : spec.pre_activation && folded                         ? BatchNorm::partly_folded
                                          : folded                                                ? BatchNorm::folded
                                                                                                  : BatchNorm::unfused);
      }
    }
  }
}

std::vector<std::string> all_names() {
  std::vector<std::string> result = names();
  std::erase(result, "resnet1202");  // a test of its own
  result.insert(result.end(), {"resnet8", "resnet20v2", "resnet110v2", "seresnext50_32x4d", "resnext50_64x3d"});
  return result;
}

INSTANTIATE_TEST_SUITE_P(All, Named, testing::ValuesIn(all_names()), [](const auto& tested) { return tested.param; });

TEST(Recognize, TheDeepestCifarNet) {
  const Recognition recognition = recognize(disguised(built(*find_spec("resnet1202")), 1));
  EXPECT_EQ(recognition.to_string(), "ResNet-1202 (CIFAR), option A, 10 classes, unfused batch norm");
}

TEST(Recognize, ZeroChannelsAtTheEnd) {
  for (const char* name : {"resnet20", "resnet50", "resnet20v2"}) {
    Spec spec = *find_spec(name);
    spec.shortcut = Shortcut::A;
    spec.zero_channels = ZeroChannels::end;
    const Recognition recognition = recognize(disguised(built(spec), 3));
    EXPECT_EQ(differences_of(recognition), "") << name;
    EXPECT_TRUE(recognition.spec == spec) << describe(recognition.spec);
    EXPECT_THAT(recognition.to_string(), HasSubstr("option A (zero channels at the end)"));
    EXPECT_EQ(find_name(recognition.spec), name);
  }
}

TEST(Recognize, OtherSizesAndDepths) {
  Spec spec = *find_spec("resnet50");
  spec.blocks = {1, 5, 1, 9};
  spec.first_channels = 32;
  spec.height = spec.width = 96;
  spec.batch = 4;
  const Recognition recognition = recognize(built(spec));
  EXPECT_EQ(differences_of(recognition), "");
  EXPECT_EQ(recognition.spec.blocks, spec.blocks);
  EXPECT_EQ(recognition.to_string(),
            "ResNet-50 v1.5, option B, 1+5+1+9 bottleneck blocks, 32 channels, 1000 classes, unfused batch norm");
}

TEST(Recognize, EveryNetworkIsDescribed) {
  const auto text = [](const std::string& name) { return describe(*find_spec(name)); };
  EXPECT_EQ(text("resnet18"), "ResNet-18, option B, 1000 classes");
  EXPECT_EQ(text("resnet50"), "ResNet-50 v1.5, option B, 1000 classes");
  EXPECT_EQ(text("plain34"), "plain-34, 1000 classes");
  EXPECT_EQ(text("resnet56"), "ResNet-56 (CIFAR), option A, 10 classes");
  EXPECT_EQ(text("resnet101v2"), "ResNet-101 v2, v1.5, option B, 1000 classes");
  EXPECT_EQ(text("resnext50_32x4d"), "ResNeXt-50 32x4d v1.5, option B, 1000 classes");
  EXPECT_EQ(text("wide_resnet50_2"), "Wide ResNet-50-2 v1.5, option B, 1000 classes");
  EXPECT_EQ(text("resnet50d"), "ResNet-50-D v1.5, option B, 1000 classes");
  EXPECT_EQ(text("seresnet50"), "SE-ResNet-50 v1.5, option B, 1000 classes");
  EXPECT_EQ(text("resnet26_bottleneck"), "ResNet-26 v1.5, option B, 1000 classes");
  EXPECT_EQ(text("resnet50c"), "ResNet-50-C v1.5, option B, 1000 classes");
  EXPECT_EQ(text("resnet50s"), "ResNet-50-S v1.5, option B, 1000 classes");
  EXPECT_EQ(text("resnet10t"), "ResNet-10-T, option B, 1000 classes");
  EXPECT_EQ(text("seresnext26d_32x4d"), "SE-ResNeXt-26 32x4d-D v1.5, option B, 1000 classes");
  EXPECT_EQ(text("resnetaa50d"), "ResNet-50-D v1.5, option B, anti-aliased by average pools, 1000 classes");
  EXPECT_EQ(text("resnetblur18"), "ResNet-18, option B, anti-aliased by a blur, 1000 classes");
  EXPECT_EQ(text("ecaresnetlight"), "ECA-ResNet-50 v1.5, option B, average pools in its shortcuts, 1000 classes");
  EXPECT_EQ(text("resnetrs50"), "ResNet-RS-50 v1.5, option B, 1000 classes");
  EXPECT_EQ(text("resnetv2_18"), "ResNet-18 v2, option B, no norm in its stem, 1000 classes");
  EXPECT_EQ(text("resnet18v2_cifar"), "ResNet-18 v2 (CIFAR), option B, no norm in its stem, no norm at its end, 10 classes");
}

// PyTorch has a depthwise convolution with a constant filter.
TEST(Recognize, ABlurAsItIsExported) {
  const Graph graph = built(*find_spec("resnetblur18"));
  Graph exported;
  std::vector<ValueId> made;
  for (const Node& node : graph.nodes()) {
    std::vector<ValueId> inputs;
    for (const ValueId input : node.inputs) inputs.push_back(made[static_cast<std::size_t>(input.node)]);
    const auto* pool = get_if<AveragePool>(&node.op);
    if (holds_alternative<Input>(node.op)) {
      made.push_back(exported.add_input(node.name, node.outputs[0].fact));
    } else if (const auto* constant = get_if<Constant>(&node.op)) {
      made.push_back(exported.add_constant(node.name, constant->value));
    } else if (pool != nullptr && pool->strides.empty()) {
      made.push_back(inputs[0]);
    } else if (pool != nullptr) {
      const std::int64_t channels = (*graph.fact(node.inputs[0]).dims)[1].number();
      inputs.push_back(exported.add_constant(node.name + ".filt", Tensor::allocate(DType::float32, Shape{channels, 1, 3, 3})));
      Conv conv;
      conv.group = channels;
      conv.kernel_shape = {3, 3};
      conv.strides = {2, 2};
      made.push_back(exported.append(std::move(conv), inputs, node.name, {node.name}));
    } else {
      made.push_back(exported.append(node.op, inputs, node.name, {node.outputs[0].name}));
    }
  }
  exported.set_outputs({made.back()});
  const Recognition recognition = recognize(exported);
  EXPECT_EQ(differences_of(recognition), "");
  EXPECT_EQ(recognition.spec.name, "resnetblur18");
}

TEST(Recognize, WithoutAClassifierThereAreFeatures) {
  Spec spec = *find_spec("seresnet18");
  spec.classes = 0;
  EXPECT_EQ(recognize(built(spec)).to_string(), "SE-ResNet-18, option B, no classifier, unfused batch norm");
  // As files of before have it.
  spec.squeeze_multiple = 1;
  EXPECT_EQ(recognize(built(spec)).to_string(),
            "SE-ResNet-18, option B, squeezed to multiples of 1, 2+2+2+2 basic blocks, 64 channels, no classifier, unfused batch "
            "norm");
}

TEST(Recognize, WithoutAConvolutionThereIsNothing) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {1, 4}));
  graph.set_outputs({graph.append(Relu{}, {x}, "relu", {"y"})});
  EXPECT_ANY_THROW(recognize(graph));
}

// A copy of the graph with one node's operator changed.
Graph changed(const Graph& graph, const std::string& name, const std::function<void(Op&)>& change,
              const std::function<void(std::string&, Fact&)>& parameter = {}) {
  Graph result;
  for (const Node& node : graph.nodes()) {
    if (holds_alternative<Input>(node.op)) {
      std::string input = node.name;
      Fact fact = node.outputs[0].fact;
      if (parameter) parameter(input, fact);
      result.add_input(input, fact);
      continue;
    }
    if (const auto* constant = get_if<Constant>(&node.op)) {
      result.add_constant(node.outputs[0].name, constant->value);
      continue;
    }
    Op op = node.op;
    if (node.name == name) change(op);
    std::vector<std::string> names;
    for (const Value& value : node.outputs) names.push_back(value.name);
    result.append(std::move(op), node.inputs, node.name, names);
  }
  result.set_outputs({graph.outputs().begin(), graph.outputs().end()});
  return result;
}

TEST(Tampered, OneStride) {
  const Graph graph = changed(built(*find_spec("resnet50")), "conv1", [](Op& op) { get<Conv>(op).strides = {1, 1}; });
  const Recognition recognition = recognize(graph);
  EXPECT_EQ(recognition.spec.name, "resnet50");
  EXPECT_EQ(differences_of(recognition),
            "node 'conv1' (Conv): found convolution 7x7, 3 to 64 channels, stride 1, pads 3, expected convolution 7x7, 3 to 64 "
            "channels, stride 2, pads 3\n");
}

TEST(Tampered, AKernelOfFive) {
  const Graph graph = changed(
      built(*find_spec("resnet18")), "layer2.1.conv1",
      [](Op& op) {
        get<Conv>(op).kernel_shape = {5, 5};
        get<Conv>(op).pads = {2, 2, 2, 2};
      },
      [](std::string& name, Fact& fact) {
        if (name == "layer2.1.conv1.weight") fact.dims = Dims{128, 128, 5, 5};
      });
  const Recognition recognition = recognize(graph);
  EXPECT_EQ(recognition.spec.name, "resnet18");
  EXPECT_EQ(
      differences_of(recognition),
      "node 'layer2.1.conv1' (Conv): found convolution 5x5, 128 to 128 channels, stride 1, pads 2, expected convolution 3x3, "
      "128 to 128 channels, stride 1, pads 1\n");
}

TEST(Tampered, ABlockMissing) {
  Spec spec = *find_spec("resnet50");
  spec.blocks = {3, 4, 5, 3};
  const Recognition recognition = recognize(built(spec));
  EXPECT_EQ(recognition.spec.name, "resnet50");
  EXPECT_THAT(recognition.to_string(), HasSubstr("nearest to ResNet-50 v1.5"));
  EXPECT_EQ(recognition.differences.size(), 7u) << differences_of(recognition);
  EXPECT_THAT(differences_of(recognition), AllOf(HasSubstr("layer3."), HasSubstr("missing after it")));
}

TEST(Tampered, OneShortcutOfOptionC) {
  // A projection in a block that keeps its size, as option C has it.
  const Graph whole = built(*find_spec("resnet34"));
  Graph graph;
  for (const Node& node : whole.nodes()) {
    std::vector<ValueId> inputs = node.inputs;
    if (node.name == "layer1.1.add") {
      // By then every parameter is there; the new one is a constant.
      const ValueId weight = graph.add_constant("extra", Tensor::allocate(DType::float32, Shape{64, 64, 1, 1}));
      inputs[1] = graph.append(Conv{.kernel_shape = {1, 1}}, {inputs[1], weight}, "layer1.1.downsample.0");
    }
    // Ids after the new nodes move by two.
    for (ValueId& input : inputs) {
      if (node.name != "layer1.1.add" && !input.is_none() && input.node >= static_cast<NodeId>(0)) {
        const Node& source = whole.node(input.node);
        for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
          if (graph.nodes()[id].name == source.name && graph.nodes()[id].outputs[0].name == source.outputs[0].name) {
            input.node = static_cast<NodeId>(id);
          }
        }
      }
    }
    if (holds_alternative<Input>(node.op)) {
      graph.add_input(node.name, node.outputs[0].fact);
    } else if (const auto* constant = get_if<Constant>(&node.op)) {
      graph.add_constant(node.outputs[0].name, constant->value);
    } else {
      std::vector<std::string> names;
      for (const Value& value : node.outputs) names.push_back(value.name.empty() ? node.name + ".out" : value.name);
      graph.append(node.op, inputs, node.name, names);
    }
  }
  graph.set_outputs({{static_cast<NodeId>(graph.nodes().size()) - 1, 0}});
  const Recognition recognition = recognize(graph);
  EXPECT_EQ(recognition.spec.name, "resnet34");
  EXPECT_EQ(recognition.spec.shortcut, Shortcut::B);
  EXPECT_THAT(differences_of(recognition),
              HasSubstr("node 'layer1.1.downsample.0' (Conv): convolution 1x1, 64 to 64 channels, stride 1, pads 0 too many"));
}

struct File {
  const char* name;
  const char* text;
};
class RealFile : public testing::TestWithParam<File> {};

TEST_P(RealFile, IsRecognised) {
  RESNET_REQUIRE_ASSETS();
  const Recognition recognition = recognize(onnx::read(*test::assets() / "models" / GetParam().name).graph);
  EXPECT_EQ(recognition.to_string(), GetParam().text) << differences_of(recognition);
}

INSTANTIATE_TEST_SUITE_P(
    Models, RealFile,
    testing::Values(
        File{"imagenet-resnet18-torch-op17-bn.onnx", "ResNet-18, option B, 1000 classes, unfused batch norm"},
        File{"imagenet-resnet18-codebook-op13.onnx", "ResNet-18, option B, 1000 classes, unfused batch norm"},
        File{"imagenet-resnet50-torch-op13-bn.onnx", "ResNet-50 v1.5, option B, 1000 classes, unfused batch norm"},
        File{"caffe2-light-resnet50.onnx", "ResNet-50 v1.5, option B, 1000 classes, unfused batch norm, Softmax at its end"},
        File{"cifar10-resnet20-torch-op11.onnx", "ResNet-20 (CIFAR), option A, 10 classes, batch norm folded"},
        File{"cifar10-resnet56-torch-op16-bn.onnx", "ResNet-56 (CIFAR), option A, 10 classes, unfused batch norm"},
        // Its convolutions with a stride are padded at one end only.
        File{"cifar10-resnet8-nhwc-op11.onnx",
             "nearest to ResNet-8 (CIFAR), option B, 10 classes, batch norm folded, Softmax at its end: 2 differences"},
        File{"cifar10-resnet8-int8-qdq-op13.onnx",
             "nearest to ResNet-8 (CIFAR), option B, 10 classes, batch norm folded, Softmax at its end: 2 differences"},
        File{"int8/imagenet-resnet18-qoperator.onnx", "ResNet-18, option B, 1000 classes, batch norm folded"},
        File{"int8/imagenet-resnet18-qoperator-bn.onnx", "ResNet-18, option B, 1000 classes, unfused batch norm"},
        File{"int8/imagenet-resnet18-qdq-u8s8.onnx", "ResNet-18, option B, 1000 classes, batch norm folded"},
        File{"int8/cifar10-resnet20-qoperator.onnx", "ResNet-20 (CIFAR), option A, 10 classes, batch norm folded"},
        File{"int8/cifar10-resnet20-qdq-u8s8.onnx", "ResNet-20 (CIFAR), option A, 10 classes, batch norm folded"},
        File{"int8/cifar10-resnet20-qdq-s8s8.onnx", "ResNet-20 (CIFAR), option A, 10 classes, batch norm folded"},
        File{"int8/cifar10-resnet20-dynamic.onnx", "ResNet-20 (CIFAR), option A, 10 classes, batch norm folded"},
        File{"int8/cifar10-resnet20-qdq-u8u8.onnx", "ResNet-20 (CIFAR), option A, 10 classes, batch norm folded"}));

}  // namespace
}  // namespace resnet::arch

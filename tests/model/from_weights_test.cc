#include "lib/model/from_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "lib/arch/build.h"
#include "tests/support/observe.h"

namespace resnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Rename = std::function<std::string(std::string)>;

arch::Spec spec_of(const std::string& name, std::int64_t classes = 7) {
  return arch::with_options(*arch::find_spec(name), {.classes = classes});
}

// A state dict of the built network.
Weights weights_of(const arch::Spec& spec, const Rename& rename = {}) {
  Weights weights;
  weights.format = "test";
  const Graph graph = arch::build(spec);
  for (const Node& node : graph.nodes()) {
    const auto* constant = get_if<Constant>(&node.op);
    if (constant == nullptr || constant->value.dtype() != DType::float32) continue;
    weights.tensors.push_back({rename ? rename(node.name) : node.name, constant->value});
  }
  return weights;
}

NamedTensor& at(Weights& weights, const std::string& name) {
  for (NamedTensor& weight : weights.tensors) {
    if (weight.name == name) return weight;
  }
  throw std::out_of_range(name);
}

void remove(Weights& weights, const std::string& beginning) {
  std::erase_if(weights.tensors, [&](const NamedTensor& weight) { return weight.name.starts_with(beginning); });
}

std::string problem_of(Weights weights, const std::optional<arch::Spec>& asked = std::nullopt) {
  const auto [fault, line] = test::error_of([&] { from_weights(std::move(weights), asked); });
  EXPECT_EQ(fault, Fault::malformed);
  return line;
}

TEST(FromWeights, SharesTheBytesOfFloats) {
  Weights weights = weights_of(spec_of("resnet8"));
  const std::byte* bytes = at(weights, "layer1.0.conv1.weight").tensor.load().bytes().data();
  const Model model = from_weights(std::move(weights));
  EXPECT_EQ(model.spec->name, "resnet8");
  EXPECT_EQ(model.spec->classes, 7);
  EXPECT_EQ(model.provenance.format, "test");
  ASSERT_EQ(model.graph.inputs().size(), 1u);
  std::size_t found = 0;
  for (const Node& node : model.graph.nodes()) {
    if (node.name != "layer1.0.conv1.weight") continue;
    EXPECT_EQ(get<Constant>(node.op).value.bytes().data(), bytes);
    ++found;
  }
  EXPECT_EQ(found, 1u);
}

TEST(FromWeights, IsTheSameGraph) {
  for (const char* name : {"resnet8", "resnet20v2", "resnet10t"}) {
    const arch::Spec spec = spec_of(name);
    EXPECT_EQ(print(from_weights(weights_of(spec)).graph), print(arch::build(spec))) << name;
  }
}

TEST(FromWeights, WidensOtherFloats) {
  Weights weights = weights_of(spec_of("resnet8"));
  at(weights, "fc.bias").tensor = Tensor::from<double>(Shape{7}, {1, 2, 3, 4, 5, 6, 0.5});
  at(weights, "bn1.bias").tensor = Tensor::allocate(DType::float16, Shape{16});
  const Model model = from_weights(std::move(weights));
  float found = 0;
  for (const Node& node : model.graph.nodes()) {
    const auto* constant = get_if<Constant>(&node.op);
    if (constant == nullptr) continue;
    EXPECT_NE(constant->value.dtype(), DType::float16) << node.name;
    EXPECT_NE(constant->value.dtype(), DType::float64) << node.name;
    if (node.name == "fc.bias") found = constant->value.data<float>()[6];
  }
  EXPECT_EQ(found, 0.5f);
}

// What is loaded is counted, and how much of it there is at a time.
class Counted : public StoredTensor::Source {
 public:
  struct Counts {
    int loads = 0, checks = 0, now = 0, most = 0;
  };
  Counted(Tensor tensor, Counts& counts) : tensor_(std::move(tensor)), counts_(counts) {}
  Tensor load() override {
    ++counts_.loads;
    counts_.most = std::max(counts_.most, ++counts_.now);
    const std::shared_ptr<const void> owner(this, [&counts = counts_](const void*) { --counts.now; });
    return {tensor_.dtype(), tensor_.shape(), Buffer::view(tensor_.bytes(), owner)};
  }
  void check() override { ++counts_.checks; }

 private:
  Tensor tensor_;
  Counts& counts_;
};

Weights counted(Counted::Counts& counts) {
  Weights weights = weights_of(spec_of("resnet8"));
  for (NamedTensor& weight : weights.tensors) {
    Tensor half = Tensor::allocate(DType::float16, weight.tensor.shape());
    weight.tensor = {DType::float16, half.shape(), std::make_shared<Counted>(half, counts)};
  }
  return weights;
}

TEST(FromWeights, WidensOneAtATime) {
  Counted::Counts counts;
  Weights weights = counted(counts);
  const int count = static_cast<int>(weights.tensors.size());
  from_weights(std::move(weights));
  EXPECT_EQ(counts.loads, count);
  EXPECT_EQ(counts.most, 1);
}

TEST(FromWeights, ForALookNothingIsLoadedAndAllIsChecked) {
  Counted::Counts counts;
  Weights weights = counted(counts);
  const int count = static_cast<int>(weights.tensors.size());
  const Model model = from_weights(std::move(weights), std::nullopt, Fill::zeros);
  EXPECT_EQ(counts.loads, 0);
  EXPECT_EQ(counts.checks, count);
  EXPECT_EQ(print(model.graph), print(arch::build(spec_of("resnet8"), {.init = arch::Init::zeros})));
}

TEST(FromWeights, PrefixesCountersAndLossesAreTakenOff) {
  Weights weights = weights_of(spec_of("resnet8"), [](std::string name) { return "module.model._orig_mod." + std::move(name); });
  weights.tensors.push_back({"module.model._orig_mod.bn1.num_batches_tracked", Tensor::scalar<std::int64_t>(100)});
  weights.tensors.push_back({"module.model._orig_mod.layer1.0.total_ops", Tensor::scalar<double>(1)});
  weights.tensors.push_back({"module.criterion.weight", Tensor::scalar<float>(1)});
  EXPECT_EQ(from_weights(std::move(weights)).spec->name, "resnet8");
}

TEST(FromWeights, WithoutAClassifierThereAreFeatures) {
  Weights weights = weights_of(spec_of("resnet8"));
  remove(weights, "fc.");
  const Model model = from_weights(std::move(weights));
  EXPECT_EQ(model.spec->classes, 0);
  EXPECT_EQ(model.graph.value(model.graph.outputs()[0]).name, "features");
  EXPECT_EQ(model.graph.fact(model.graph.outputs()[0]).to_string(), "float batchx64");
}

TEST(FromWeights, TheClassifierMayBeBesideTheTrunk) {
  const Model model = from_weights(weights_of(
      spec_of("resnet8"), [](std::string name) { return name.starts_with("fc.") ? "model." + name : "model.backbone." + name; }));
  EXPECT_EQ(model.spec->classes, 7);
}

TEST(FromWeights, AProjectionIsNoClassifier) {
  Weights weights = weights_of(spec_of("resnet8", 128), [](std::string name) { return "module.encoder_k." + std::move(name); });
  for (NamedTensor& weight :
       weights_of(spec_of("resnet8", 128), [](std::string name) { return "module.encoder_q." + std::move(name); }).tensors) {
    weights.tensors.push_back(std::move(weight));
  }
  weights.tensors.push_back({"module.queue", Tensor::allocate(DType::float32, Shape{128, 16})});
  const Model model = from_weights(std::move(weights));
  EXPECT_EQ(model.spec->classes, 0);
  EXPECT_THAT(model.notes, ElementsAre("the weights of 2 networks: 'module.encoder_q.' was taken",
                                       "its fc is the projection of a contrastive loss, not a classifier: features only",
                                       HasSubstr("option A was assumed")));
}

TEST(FromWeights, ListsWhatDoesNotFit) {
  const std::string what = "the weights do not fit ResNet-8 (CIFAR), option A, 7 classes: ";
  Weights weights = weights_of(spec_of("resnet8"));
  remove(weights, "fc.bias");
  EXPECT_EQ(problem_of(weights), what + "1 is missing: 'fc.bias'");
  remove(weights, "bn1.");
  weights = weights_of(spec_of("resnet8"));
  remove(weights, "layer2.0.bn");
  EXPECT_EQ(problem_of(weights),
            what + "8 are missing: 'layer2.0.bn1.weight', 'layer2.0.bn1.bias', 'layer2.0.bn1.running_mean' and 5 more");
  weights = weights_of(spec_of("resnet8"));
  at(weights, "layer3.0.conv2.weight").tensor = Tensor::allocate(DType::float32, Shape{64, 63, 3, 3});
  at(weights, "bn1.bias").tensor = Tensor::allocate(DType::int32, Shape{16});
  weights.tensors.push_back({"layer1.0.attention\n.weight", Tensor::scalar<float>(1)});
  EXPECT_EQ(problem_of(weights),
            what +
                "1 has another shape: 'layer3.0.conv2.weight' is 64x63x3x3, expected 64x64x3x3; 1 has another "
                "type: 'bn1.bias' is int32, expected float; 1 is left over: 'layer1.0.attention?.weight'");
}

TEST(FromWeights, RefusesWhatIsNoResNet) {
  EXPECT_EQ(problem_of({}), "it holds no weights");
  Weights weights;
  weights.tensors.push_back({"features.0.weight", Tensor::scalar<float>(1)});
  EXPECT_THAT(problem_of(weights), HasSubstr("no known ResNet"));
  weights.tensors.push_back({"layer1.0.conv1.weight", Tensor::allocate(DType::float32, Shape{0, 3, 3, 3})});
  EXPECT_THAT(problem_of(weights), HasSubstr("running_mean"));
  weights.tensors.push_back({"bn1.running_mean", Tensor::allocate(DType::float32, Shape{64})});
  EXPECT_EQ(problem_of(weights),
            "the weights of no ResNet that is built: 'layer1.0.conv1.weight' is 0x3x3x3, expected weights of a layer");
  weights = weights_of(spec_of("resnet8"));
  weights.tensors.push_back({"bn1.bias", Tensor::scalar<float>(1)});
  EXPECT_EQ(problem_of(weights), "'bn1.bias' and 'bn1.bias' are the same weight of the network");
}

TEST(FromWeights, WhatIsAskedForIsBuilt) {
  const arch::Spec asked = *arch::find_spec("resnetblur18");
  const Model model = from_weights(weights_of(spec_of("resnet18")), asked);
  EXPECT_EQ(model.spec->anti_alias, arch::AntiAlias::blur);
  EXPECT_EQ(model.spec->classes, 7);
  EXPECT_THAT(model.notes, IsEmpty());
  EXPECT_THAT(problem_of(weights_of(spec_of("resnet18")), arch::find_spec("resnet34")),
              AllOf(HasSubstr("do not fit ResNet-34, option B, 7 classes"), HasSubstr("are missing")));
  // Option B under the name of a net that has option A.
  const arch::Spec b = arch::with_options(*arch::find_spec("resnet8"), {.shortcut = arch::Shortcut::B});
  EXPECT_EQ(from_weights(weights_of(b), arch::find_spec("resnet8")).spec->shortcut, arch::Shortcut::B);
}

TEST(FromWeights, SaysWhatWasAssumed) {
  EXPECT_THAT(from_weights(weights_of(spec_of("resnet18"))).notes,
              ElementsAre("resnet18 was assumed, by names and shapes alone: resnetblur18's are the same"));
}

TEST(FromWeights, TheRepositoriesOfCifarNetsHaveTheirPreprocessing) {
  const Model model = from_weights(weights_of(
      spec_of("resnet8"), [](std::string name) { return name.starts_with("fc.") ? "linear." + name.substr(3) : name; }));
  ASSERT_TRUE(model.preprocessing);
  EXPECT_EQ(model.preprocessing->mean[0], 0.485f);
  EXPECT_FALSE(model.preprocessing->resize);
  EXPECT_FALSE(from_weights(weights_of(spec_of("resnet8"))).preprocessing);
}

}  // namespace
}  // namespace resnet

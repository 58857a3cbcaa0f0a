// Networks of every exporter as the start of a run: the same function, in the graph that lib/arch builds.
#include "lib/train/transfer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "formats/npy/npy.h"
#include "formats/onnx/read.h"
#include "lib/arch/build.h"
#include "lib/base/error.h"
#include "lib/base/random.h"
#include "lib/reference/reference.h"
#include "lib/train/constants.h"
#include "lib/train/network.h"
#include "tests/support/assets.h"

namespace resnet::train {
namespace {

class RealModel : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(RealModel, AnswersAsBefore) {
  RESNET_REQUIRE_ASSETS();
  const auto folder = *test::assets();
  const Transferred start = transfer(onnx::read(folder / "models" / GetParam().first).graph, std::nullopt, 0);
  const Tensor images = npy::read(folder / "expected" / "imagenet-inputs-4.npy");
  const Tensor expected = npy::read(folder / "expected" / GetParam().second);
  Network network(start.graph, 4);
  std::copy(images.data<float>().begin(), images.data<float>().end(), network.input().begin());
  const auto logits = network.forward(Mode::inference);
  for (std::size_t i = 0; i < logits.size(); ++i) ASSERT_NEAR(logits[i], expected.data<float>()[i], 1e-3) << i;
}

INSTANTIATE_TEST_SUITE_P(ImageNet, RealModel,
                         testing::Values(std::pair{"imagenet-resnet18-torch-op17-bn.onnx", "imagenet-resnet18.npy"},
                                         std::pair{"imagenet-resnet18-codebook-op13.onnx", "imagenet-resnet18.npy"},
                                         std::pair{"imagenet-resnet50-torch-op13-bn.onnx", "imagenet-resnet50.npy"}));

// CIFAR's: the file's own graph is the yardstick.
class CifarModel : public testing::TestWithParam<const char*> {};

TEST_P(CifarModel, AnswersAsBefore) {
  RESNET_REQUIRE_ASSETS();
  const Graph given = onnx::read(*test::assets() / "models" / GetParam()).graph;
  const Transferred start = transfer(given, std::nullopt, 0);
  Network network(start.graph, 2);
  fill_normal(network.input(), stream_key(1, "input"), 1);
  const Tensor input = Tensor::from<float>(Shape{2, 3, 32, 32}, std::span<const float>(network.input()));
  const Tensor expected = reference::evaluate(given, std::vector<Tensor>{input})[0];
  const auto logits = network.forward(Mode::inference);
  ASSERT_EQ(logits.size(), expected.data<float>().size());
  for (std::size_t i = 0; i < logits.size(); ++i) EXPECT_NEAR(logits[i], expected.data<float>()[i], 1e-3) << i;
}

INSTANTIATE_TEST_SUITE_P(Cifar, CifarModel,
                         testing::Values("cifar10-resnet20-torch-op11.onnx", "cifar10-resnet56-torch-op16-bn.onnx"));

// The graph with batch norms as they are after some training.
Graph trained(const arch::Spec& spec) {
  const Graph graph = arch::build(spec, {.seed = 4});
  std::map<std::string, Tensor> values = float_constants(graph);
  for (auto& [name, value] : values) {
    if (value.shape().rank() != 1) continue;
    Tensor changed = Tensor::allocate(DType::float32, value.shape());
    fill_normal(changed.mutable_data<float>(), stream_key(8, name), 0.1);
    for (std::size_t i = 0; i < changed.data<float>().size(); ++i) changed.mutable_data<float>()[i] += value.data<float>()[i];
    value = changed;
  }
  return with_constants(graph, values);
}

TEST(TransferTest, WhatIsFoldedStandsApartAgain) {
  for (const char* name : {"resnet20", "resnet50", "seresnet50", "resnet50d"}) {
    const arch::Spec spec = *arch::find_spec(name);
    const Graph folded = arch::build(spec, {.seed = 4, .fold_batch_norm = true});
    const Transferred start = transfer(folded, std::nullopt, 0);
    EXPECT_GT(start.unfolded, 5u);
    EXPECT_TRUE(float_constants(start.graph).contains("bn1.running_mean")) << name;
    if (spec.height > 64) continue;  // too slow for the plain evaluator
    Tensor input = Tensor::allocate(DType::float32, Shape{1, 3, spec.height, spec.width});
    fill_normal(input.mutable_data<float>(), stream_key(1, "input"), 1);
    const Tensor a = reference::evaluate(folded, std::vector<Tensor>{input})[0];
    const Tensor b = reference::evaluate(start.graph, std::vector<Tensor>{input})[0];
    for (std::size_t i = 0; i < a.data<float>().size(); ++i) EXPECT_NEAR(a.data<float>()[i], b.data<float>()[i], 1e-3);
  }
}

TEST(TransferTest, CalibratedFiguresAreTheBatchs) {
  const arch::Spec spec = *arch::find_spec("resnet20");
  const Transferred start = transfer(arch::build(spec, {.seed = 4, .fold_batch_norm = true}), std::nullopt, 0);
  Network network(start.graph, 8);
  const auto infer = [&] {
    fill_normal(network.input(), stream_key(1, "input"), 1);
    const auto logits = network.forward(Mode::inference);
    return std::vector<float>(logits.begin(), logits.end());
  };
  const std::vector<float> before = infer();
  network.forward(Mode::calibration);
  network.finish_calibration();
  // The same function, and the batch's own figures give it, too.
  const std::vector<float> after = infer();
  const auto trained = network.forward(Mode::training);
  float largest = 0;
  for (const float v : before) largest = std::max(largest, std::abs(v));
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_NEAR(after[i], before[i], 1e-4f * largest) << i;
    EXPECT_NEAR(trained[i], before[i], 1e-3f * largest) << i;
  }
}

TEST(TransferTest, TheSameGraphComesBack) {
  for (const char* name : {"resnet18", "resnet50", "resnet20", "resnet20v2", "resnet50d", "seresnet50", "resnext50_32x4d"}) {
    const Graph graph = trained(*arch::find_spec(name));
    const Transferred start = transfer(graph, std::nullopt, 0);
    EXPECT_FALSE(start.new_classifier);
    EXPECT_EQ(start.unfolded, 0u);
    const auto before = float_constants(graph), after = float_constants(start.graph);
    ASSERT_EQ(before.size(), after.size()) << name;
    for (const auto& [key, value] : before) EXPECT_TRUE(after.at(key) == value) << name << " " << key;
  }
}

TEST(TransferTest, ANewClassifierIsTheSeeds) {
  const Graph graph = trained(*arch::find_spec("resnet18"));
  const Transferred start = transfer(graph, 3, 11);
  EXPECT_TRUE(start.new_classifier);
  EXPECT_EQ(start.spec.classes, 3);
  const auto before = float_constants(graph), after = float_constants(start.graph);
  EXPECT_EQ(after.at("fc.weight").shape(), (Shape{3, 512}));
  EXPECT_TRUE(after.at("layer4.1.conv2.weight") == before.at("layer4.1.conv2.weight"));
  EXPECT_TRUE(float_constants(transfer(graph, 3, 11).graph).at("fc.weight") == after.at("fc.weight"));
  EXPECT_FALSE(float_constants(transfer(graph, 3, 12).graph).at("fc.weight") == after.at("fc.weight"));
}

TEST(TransferTest, AnotherNetworkIsRefused) {
  Graph graph;
  const ValueId x = graph.add_input("input", Fact::of(DType::float32, {Dim::symbol("batch"), 3, 32, 32}));
  const ValueId w = graph.add_constant("w", Tensor::allocate(DType::float32, Shape{8, 3, 5, 5}));
  graph.set_outputs({graph.append(Conv{}, {x, w}, "conv", {"y"})});
  try {
    transfer(graph, std::nullopt, 0);
    FAIL() << "a single convolution was taken for a ResNet";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::unsupported);
    EXPECT_THAT(error.what(), testing::HasSubstr("only a network without differences"));
  }
}

}  // namespace
}  // namespace resnet::train

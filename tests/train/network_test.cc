// A network that learns computes what the graph says, moves what it should, and nothing else.
#include "lib/train/network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "lib/arch/build.h"
#include "lib/base/error.h"
#include "lib/base/random.h"
#include "lib/reference/reference.h"
#include "lib/train/constants.h"
#include "lib/train/loops.h"
#include "lib/train/loss.h"
#include "lib/train/openmp.h"
#include "lib/train/transfer.h"
#include "tests/support/sanitized.h"

namespace resnet::train {
namespace {

arch::Spec small(const std::string& name) {
  arch::Spec spec = *arch::find_spec(name);
  if (spec.stem == arch::Stem::cifar) spec.blocks = {1, 1, 1};
  spec.classes = 7;
  spec.height = spec.width = spec.stem == arch::Stem::cifar ? 16 : 64;
  return spec;
}

void fill(Network& network, std::uint64_t seed) { fill_normal(network.input(), stream_key(seed, "input"), 1); }

// Steps on the same noise.
void learn(Network& network, int steps) {
  std::vector<std::int64_t> truths;
  for (std::int64_t i = 0; i < network.batch(); ++i) truths.push_back(i % network.classes());
  for (int step = 0; step < steps; ++step) {
    fill(network, 1);
    cross_entropy(network.forward(Mode::training), truths, 0, network.logits_gradient());
    network.backward();
    for (Parameter& p : network.parameters()) descend({0.05f, 0.9f, 1e-4f}, p.values, p.gradient, p.velocity);
  }
}

class EachNet : public testing::TestWithParam<const char*> {};

TEST_P(EachNet, InfersWhatTheReferenceDoes) {
  set_threads(1);
  Network network(arch::build(small(GetParam()), {.seed = 5}), 3);
  learn(network, 2);  // running statistics that are not those of the start
  fill(network, 9);
  const Shape shape{3, 3, small(GetParam()).height, small(GetParam()).width};
  const Tensor input = Tensor::from<float>(shape, std::span<const float>(network.input()));
  const auto logits = network.forward(Mode::inference);
  const Tensor expected = reference::evaluate(network.graph(), std::vector<Tensor>{input})[0];
  float largest = 0;
  for (const float v : expected.data<float>()) largest = std::max(largest, std::abs(v));
  for (std::size_t i = 0; i < logits.size(); ++i)
    ASSERT_NEAR(logits[i], expected.data<float>()[i], 1e-4f * std::max(1.0f, largest)) << i;
}

INSTANTIATE_TEST_SUITE_P(Nets, EachNet,
                         testing::Values("resnet20", "plain20", "resnet20v2", "resnet18", "resnet50d", "seresnet50",
                                         "resnext50_32x4d"),
                         [](const testing::TestParamInfo<const char*>& each) { return std::string(each.param); });

TEST(NetworkTest, TwoRunsHaveTheSameBits) {
  for (const std::size_t threads : {1, 2}) {
    set_threads(threads);
    std::vector<std::map<std::string, Tensor>> ends;
    for (int run = 0; run < 2; ++run) {
      Network network(arch::build(small("resnet20"), {.seed = 5}), 8);
      learn(network, 5);
      ends.push_back(float_constants(network.graph()));
    }
    EXPECT_EQ(ends[0], ends[1]) << threads << " threads";
  }
}

TEST(NetworkTest, LearnsNoiseByHeart) {
  Network network(arch::build(small("resnet20"), {.seed = 5}), 14);
  learn(network, 30);
  std::vector<std::int64_t> truths;
  for (std::int64_t i = 0; i < 14; ++i) truths.push_back(i % 7);
  EXPECT_EQ(cross_entropy(network.forward(Mode::training), truths, 0, {}).correct, 14u);
}

TEST(NetworkTest, WhatIsFrozenStays) {
  for (const Frozen freeze : {Frozen::backbone, Frozen::conv1, Frozen::conv3_x}) {
    const Graph graph = arch::build(small("resnet18"), {.seed = 5});
    Network network(graph, 4, [&](const std::string& name) { return is_frozen(name, freeze); });
    learn(network, 2);
    const auto before = float_constants(graph), after = float_constants(network.graph());
    std::size_t moved = 0;
    for (const auto& [name, value] : before) {
      if (is_frozen(name, freeze)) {
        EXPECT_TRUE(after.at(name) == value) << name << ", frozen by " << word_of(freeze);
      } else {
        moved += after.at(name) == value ? 0 : 1;
        EXPECT_FALSE(after.at(name) == value) << name << " did not move";
      }
    }
    EXPECT_GT(moved, 0u);
  }
}

// Along its gradient the loss falls as the gradient says: what was let go before the last that is frozen was not wanted.
TEST(NetworkTest, GradientsBehindWhatIsFrozenAreRight) {
  set_threads(1);
  for (const auto& [name, freeze] : {std::pair{"resnet20", Frozen::conv2_x},
                                     {"resnet20", Frozen::conv3_x},
                                     {"resnet20v2", Frozen::conv2_x},
#ifndef RESNET_SANITIZED
                                     {"resnet18", Frozen::conv3_x},
                                     {"resnet50d", Frozen::conv3_x},
                                     {"resnet50", Frozen::conv1},
#endif
                                     {"seresnet50", Frozen::conv4_x}}) {
    SCOPED_TRACE(fmt::format("{} frozen up to {}", name, word_of(freeze)));
    Network network(arch::build(small(name), {.seed = 5}), 8,
                    [freeze = freeze](const std::string& parameter) { return is_frozen(parameter, freeze); });
    fill(network, 1);
    const std::vector<std::int64_t> truths = {0, 1, 2, 3, 4, 5, 6, 0};
    const auto loss = [&] {
      return cross_entropy(network.forward(Mode::training), truths, 0, network.logits_gradient()).loss / 8;
    };
    loss();
    network.backward();
    int checked = 0;  // those that are next to what is frozen come first
    for (Parameter& parameter : network.parameters()) {
      if (!parameter.is_weight || ++checked > 4) continue;
      const std::vector<float> gradient(parameter.gradient.begin(), parameter.gradient.end());
      const std::vector<float> values(parameter.values.begin(), parameter.values.end());
      double square = 0, size = 0;
      for (std::size_t i = 0; i < gradient.size(); ++i) {
        square += static_cast<double>(gradient[i]) * static_cast<double>(gradient[i]);
        size += static_cast<double>(values[i]) * static_cast<double>(values[i]);
      }
      const auto at = [&](double step) {
        for (std::size_t i = 0; i < gradient.size(); ++i)
          parameter.values[i] = values[i] + static_cast<float>(step * static_cast<double>(gradient[i]));
        const double result = loss();
        std::copy(values.begin(), values.end(), parameter.values.begin());
        return result;
      };
      const double step = 2e-5 * std::sqrt(size / square);  // a small part of the parameter
      EXPECT_NEAR((at(step) - at(-step)) / (2 * step), square, 0.05 * square + 1e-6) << parameter.name;
    }
  }
}

TEST(NetworkTest, FreezeNamesStages) {
  EXPECT_FALSE(is_frozen("conv1.weight", Frozen::none));
  EXPECT_TRUE(is_frozen("bn1.running_mean", Frozen::conv1));
  EXPECT_FALSE(is_frozen("layer1.0.conv1.weight", Frozen::conv1));
  EXPECT_TRUE(is_frozen("layer1.0.conv1.weight", Frozen::conv2_x));
  EXPECT_TRUE(is_frozen("layer2.0.downsample.1.bias", Frozen::conv3_x));
  EXPECT_FALSE(is_frozen("layer3.0.conv1.weight", Frozen::conv3_x));
  EXPECT_TRUE(is_frozen("layer4.1.bn2.weight", Frozen::backbone));
  EXPECT_FALSE(is_frozen("fc.weight", Frozen::backbone));
  EXPECT_FALSE(is_frozen("fc.bias", Frozen::conv5_x));
  EXPECT_TRUE(is_frozen("norm.weight", Frozen::backbone));
  EXPECT_FALSE(find_value<Frozen>("layer3"));
}

TEST(NetworkTest, OfNothingToTrainIsRefused) {
  EXPECT_THROW(Network(arch::build(small("resnet20")), 2, [](const std::string&) { return true; }), Error);
}

TEST(NetworkTest, AnOperatorThatCannotLearnIsNamed) {
  Graph graph;
  const ValueId x = graph.add_input("input", Fact::of(DType::float32, {Dim::symbol("batch"), 3, 8, 8}));
  const ValueId pooled = graph.append(GlobalAveragePool{}, {x}, "pool", {"pool"});
  const ValueId flat = graph.append(Flatten{.axis = 1}, {pooled}, "flat", {"flat"});
  graph.set_outputs({graph.append(Softmax{}, {flat}, "end", {"y"})});
  try {
    Network network(graph, 2);
    FAIL() << "a Softmax was trained";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::unsupported);
    EXPECT_THAT(error.what(), testing::HasSubstr("node 'end' (Softmax)"));
  }
}

TEST(NetworkTest, VelocitiesComeBack) {
  const Graph graph = arch::build(small("resnet50"), {.seed = 5});
  Network network(graph, 2);
  learn(network, 1);
  Network other(graph, 2);
  for (const Parameter& p : network.parameters()) other.set_velocity(p.name, network.velocity(p.name));
  for (std::size_t i = 0; i < network.parameters().size(); ++i)
    EXPECT_TRUE(std::equal(network.parameters()[i].velocity.begin(), network.parameters()[i].velocity.end(),
                           other.parameters()[i].velocity.begin()));
  EXPECT_THROW(other.set_velocity("fc.bias", Tensor::allocate(DType::float32, Shape{3})), Error);
}

}  // namespace
}  // namespace resnet::train

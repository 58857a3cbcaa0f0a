// The end of a network: fully convolutional testing and class activation maps against what is computed by hand.
#include "lib/classify/head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "lib/arch/build.h"
#include "lib/base/error.h"
#include "lib/classify/activation_map.h"
#include "lib/reference/reference.h"

namespace resnet {
namespace {

Tensor random_images(const Shape& shape) {
  Tensor tensor = Tensor::allocate(DType::float32, shape);
  std::mt19937 generator(3);
  std::normal_distribution<float> normal;
  for (float& value : tensor.mutable_data<float>()) value = normal(generator);
  return tensor;
}

Graph network(const std::string& name) { return arch::build(*arch::find_spec(name), {.seed = 2}); }

// Bias of the classifier: build() names it.
std::vector<double> bias_of(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    if (const auto* constant = get_if<Constant>(&node.op); constant != nullptr && node.outputs[0].name == "fc.bias")
      return constant->value.values_as<double>();
  }
  return {};
}

// The scores by the definition: the mean over all windows of the training map's size of the classifier on the window's average.
std::vector<double> scores_by_windows(const Graph& graph, const Head& head, const Tensor& maps) {
  const auto values = maps.values_as<double>();
  const auto weights = head.weights->values_as<double>();
  const std::vector<double> bias = bias_of(graph);
  const std::int64_t height = maps.shape()[2], width = maps.shape()[3], classes = head.weights->shape()[0];
  std::vector<double> sums(static_cast<std::size_t>(classes));
  std::int64_t windows = 0;
  for (std::int64_t top = 0; top + head.height <= height; ++top) {
    for (std::int64_t left = 0; left + head.width <= width; ++left, ++windows) {
      for (std::int64_t k = 0; k < classes; ++k) {
        double score = bias[static_cast<std::size_t>(k)];
        for (std::int64_t c = 0; c < head.channels; ++c) {
          double mean = 0;
          for (std::int64_t y = 0; y < head.height; ++y) {
            for (std::int64_t x = 0; x < head.width; ++x)
              mean += values[static_cast<std::size_t>((c * height + top + y) * width + left + x)];
          }
          score +=
              weights[static_cast<std::size_t>(k * head.channels + c)] * mean / static_cast<double>(head.height * head.width);
        }
        sums[static_cast<std::size_t>(k)] += score;
      }
    }
  }
  for (double& sum : sums) sum /= static_cast<double>(windows);
  return sums;
}

TEST(Head, IsFoundBehindEveryKindOfBlock) {
  for (const auto& [name, channels, side] :
       {std::tuple<std::string, int, int>{"resnet20", 64, 8}, {"resnet18", 512, 7}, {"seresnet50", 2048, 7}}) {
    SCOPED_TRACE(name);
    const Head head = find_head(network(name), 224);
    EXPECT_EQ(head.channels, channels);
    EXPECT_EQ(head.height, side);
    EXPECT_EQ(head.width, side);
    ASSERT_TRUE(head.weights);
    EXPECT_EQ(head.weights->shape()[1], channels);
  }
}

TEST(Head, FullyConvolutionalIsTheAverageOverAllWindows) {
  for (const char* name : {"resnet8", "resnet20v2"}) {
    SCOPED_TRACE(name);
    const Graph graph = network(name), open = fully_convolutional(graph, 32);
    // Of the size that it was made for: the same network.
    const std::vector<Tensor> own = {random_images(Shape{2, 3, 32, 32})};
    const auto same = reference::evaluate(open, own)[0].values_as<double>(),
               plain = reference::evaluate(graph, own)[0].values_as<double>();
    for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_NEAR(same[i], plain[i], 1e-5) << i;
    // A larger and longer one.
    const std::vector<Tensor> large = {random_images(Shape{1, 3, 44, 57})};
    Graph maps = with_head_outputs(graph, 32);
    const Head head = find_head(graph, 32);
    maps = with_input_facts(maps, std::vector<Fact>{Fact::of(DType::float32, {1, 3, 44, 57})});
    const auto expected = scores_by_windows(graph, head, reference::evaluate(maps, large)[2]);
    const auto actual = reference::evaluate(open, large)[0].values_as<double>();
    ASSERT_EQ(actual.size(), expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-5) << i;
  }
}

TEST(Head, AGraphWithoutAPoolIsRefused) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {1, 3, 4, 4}));
  graph.set_outputs({graph.append(Flatten{}, {x}, "flat", {"y"})});
  EXPECT_THROW(find_head(graph, 4), Error);
}

// The class's score is the mean of its map plus the bias, and every value is the weighted sum of the channels there.
TEST(ActivationMap, OfABuiltNetworkAsByHand) {
  const Graph graph = network("resnet20");
  const std::vector<Tensor> images = {random_images(Shape{1, 3, 32, 32})};
  const auto outputs = reference::evaluate(with_head_outputs(graph, 32), images);
  const Head head = find_head(graph, 32);
  const auto scores = outputs[0].values_as<double>(), maps = outputs[2].values_as<double>(),
             weights = head.weights->values_as<double>();
  const auto bias = bias_of(graph);
  for (std::int64_t k = 0; k < 10; ++k) {
    const ActivationMap map = activation_map(*head.weights, k, outputs[2].data<float>(), 8, 8);
    double sum = 0;
    for (std::size_t p = 0; p < 64; ++p) {
      double expected = 0;
      for (std::size_t c = 0; c < 64; ++c) expected += weights[static_cast<std::size_t>(k) * 64 + c] * maps[c * 64 + p];
      EXPECT_NEAR(static_cast<double>(map.values[p]), expected, 1e-5);
      sum += expected;
    }
    EXPECT_NEAR(sum / 64 + bias[static_cast<std::size_t>(k)], scores[static_cast<std::size_t>(k)], 1e-4);
  }
}

TEST(ActivationMap, IsRedWhereItIsLargest) {
  const image::Pixels photo{4, 2, std::vector<std::uint8_t>(24, 100)};
  const image::Pixels shown = overlay(photo, {0, 2, 1, {0.0f, 1.0f}});
  EXPECT_EQ(shown.width, 4);
  const auto red = [&](std::size_t x) { return shown.rgb[x * 3]; };
  const auto blue = [&](std::size_t x) { return shown.rgb[x * 3 + 2]; };
  EXPECT_GT(blue(0), red(0));
  EXPECT_GT(red(3), blue(3));
  // A flat map does not divide by nothing.
  EXPECT_EQ(overlay(photo, {0, 1, 1, {5.0f}}).rgb.size(), 24u);
}

}  // namespace
}  // namespace resnet

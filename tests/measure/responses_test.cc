#include "lib/measure/responses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "lib/arch/build.h"
#include "lib/base/error.h"
#include "lib/reference/reference.h"

namespace resnet {
namespace {

Tensor noise(std::int64_t batch, unsigned seed) {
  Tensor images = Tensor::allocate(DType::float32, Shape{batch, 3, 32, 32});
  std::uint32_t state = seed;
  for (float& value : images.mutable_data<float>()) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 8) / 8388608.0f - 1.0f;
  }
  return images;
}

TEST(Responses, AreThoseOfLibReferenceBehindTheBatchNorm) {
  const Graph graph = arch::build(*arch::find_spec("resnet8"), {.seed = 3});
  // What the meter should see: the outputs of bn1 and of each block's two batch norms.
  Graph watched = graph;
  std::vector<ValueId> outputs;
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    if (holds_alternative<BatchNormalization>(graph.nodes()[id].op)) outputs.push_back({static_cast<NodeId>(id), 0});
  }
  watched.set_outputs(outputs);
  const Tensor images = noise(4, 1);
  const std::vector<Tensor> expected = reference::evaluate(watched, std::vector{images});

  ThreadPool pool(2);
  ResponseMeter meter(graph, pool);
  meter.add(images);
  const std::vector<LayerResponse> responses = meter.responses();
  ASSERT_EQ(responses.size(), expected.size());
  EXPECT_EQ(responses.front().name, "conv1");
  EXPECT_EQ(responses.back().name, "layer3.0.conv2");
  for (std::size_t i = 0; i < responses.size(); ++i) {
    double sum = 0, squares = 0;
    const auto values = expected[i].data<float>();
    for (const float value : values) sum += static_cast<double>(value);
    const double mean = sum / static_cast<double>(values.size());
    for (const float value : values) squares += std::pow(static_cast<double>(value) - mean, 2);
    const double deviation = std::sqrt(squares / static_cast<double>(values.size()));
    EXPECT_NEAR(responses[i].deviation, deviation, 1e-4 * deviation) << responses[i].name;
    EXPECT_NEAR(responses[i].mean, mean, 1e-4 * deviation) << responses[i].name;
    EXPECT_EQ(responses[i].elements, static_cast<std::int64_t>(values.size()));
  }
}

TEST(Responses, BatchesAddUp) {
  const Graph graph = arch::build(*arch::find_spec("plain20"), {.seed = 3});
  ThreadPool pool(1);
  ResponseMeter together(graph, pool), apart(graph, pool);
  const Tensor a = noise(2, 1), b = noise(3, 2);
  Tensor both = Tensor::allocate(DType::float32, Shape{5, 3, 32, 32});
  std::copy(b.data<float>().begin(), b.data<float>().end(),
            std::copy(a.data<float>().begin(), a.data<float>().end(), both.mutable_data<float>().begin()));
  together.add(both);
  apart.add(a);
  apart.add(b);
  for (std::size_t i = 0; i < together.responses().size(); ++i) {
    EXPECT_NEAR(together.responses()[i].deviation, apart.responses()[i].deviation, 1e-9);
  }
}

TEST(Responses, WithoutA3x3LayerThereAreNone) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {1, 3, 4, 4}));
  graph.set_outputs({graph.append(Relu{}, {x}, "relu", {"y"})});
  ThreadPool pool(1);
  EXPECT_THROW(ResponseMeter(graph, pool), Error);
}

}  // namespace
}  // namespace resnet

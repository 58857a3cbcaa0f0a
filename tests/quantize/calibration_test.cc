#include "lib/quantize/calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "lib/base/error.h"
#include "lib/reference/reference.h"
#include "tests/support/observe.h"

namespace resnet::quantize {
namespace {

using test::error_of;
using testing::HasSubstr;

Tensor ramp(const Shape& shape, float step) {
  Tensor tensor = Tensor::allocate(DType::float32, shape);
  float value = -1;
  for (float& element : tensor.mutable_data<float>()) {
    element = value;
    value = value > 2 ? -1.5f : value + step;
  }
  return tensor;
}

// What a calibration is shown of one batch.
void show(const Graph& graph, Calibration& calibration, const Tensor& images, std::size_t count) {
  Graph watched = graph;
  watched.set_outputs(calibration.values());
  const std::vector<Tensor> values = reference::evaluate(watched, std::vector{images});
  for (std::size_t i = 0; i < values.size(); ++i) calibration.add(i, values[i], count);
}

Graph convolution(const Conv& conv, const Shape& weight, std::int64_t channels) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {Dim(2), Dim(channels), Dim(7), Dim(6)}));
  const ValueId w = graph.add_constant("w", ramp(weight, 0.31f));
  graph.set_outputs({graph.append(conv, {x, w}, "conv", {"y"})});
  return graph;
}

// The mean of an output channel is what its weights and the means of their inputs give.
TEST(Calibration, InputMeansGiveTheMeansOfTheOutput) {
  struct Case {
    Conv conv;
    Shape weight;
  };
  for (const auto& [conv, weight] :
       {Case{{.pads = {1, 1, 1, 1}}, {3, 4, 3, 3}}, Case{{.pads = {0, 2, 1, 0}, .strides = {2, 3}}, {2, 4, 3, 2}},
        Case{{.dilations = {2, 1}, .pads = {2, 0, 2, 0}}, {2, 4, 3, 1}}, Case{{.strides = {2, 2}}, {5, 4, 1, 1}},
        Case{{.group = 2}, {4, 2, 3, 3}}}) {
    const Graph graph = convolution(conv, weight, 4);
    const Scheme scheme(graph, Activations::u8, {});
    ASSERT_EQ(scheme.layers().size(), 1u);
    Calibration calibration(scheme);
    const Tensor images = ramp(Shape{2, 4, 7, 6}, 0.173f);
    show(graph, calibration, images, 2);
    const std::vector<double> means = calibration.input_means(scheme.layers()[0]);
    const Tensor output = reference::evaluate(graph, std::vector{images})[0];
    const auto weights = graph.fact(graph.node(scheme.layers()[0]).inputs[1]).value->data<float>();
    const auto channels = static_cast<std::size_t>(weight[0]);
    const std::size_t per_channel = weights.size() / channels,
                      places = static_cast<std::size_t>(output.elements()) / channels / 2;
    for (std::size_t c = 0; c < channels; ++c) {
      double mean = 0, expected = 0;
      for (std::size_t n = 0; n < 2; ++n) {
        for (std::size_t i = 0; i < places; ++i)
          mean += static_cast<double>(output.data<float>()[(n * channels + c) * places + i]);
      }
      const std::size_t group = conv.group == 2 ? c / 2 : 0;
      for (std::size_t k = 0; k < per_channel; ++k)
        expected += static_cast<double>(weights[c * per_channel + k]) * means[group * per_channel + k];
      EXPECT_NEAR(mean / static_cast<double>(2 * places), expected, 1e-5);
    }
  }
}

TEST(Calibration, WhatFillsABatchIsNotCounted) {
  const Graph graph = convolution({}, {1, 1, 1, 1}, 1);
  const Scheme scheme(graph, Activations::u8, {});
  Calibration whole(scheme), first(scheme);
  Tensor images = ramp(Shape{2, 1, 7, 6}, 0.1f);
  for (float& value : images.mutable_data<float>().subspan(42)) value = 1000;
  show(graph, whole, images, 2);
  show(graph, first, images, 1);
  const ValueId x = graph.inputs()[0];
  EXPECT_EQ(whole.histogram(x).most(), 1000);
  EXPECT_LT(first.histogram(x).most(), 3);
  EXPECT_EQ(first.histogram(x).count(), 42u);
  EXPECT_LT(first.input_means(scheme.layers()[0])[0], 3);
}

TEST(Calibration, NamesWhatIsNotFiniteAndWhatIsZero) {
  const Graph graph = convolution({}, {1, 1, 1, 1}, 1);
  const Scheme scheme(graph, Activations::u8, {});
  Calibration calibration(scheme);
  Tensor images = Tensor::allocate(DType::float32, Shape{2, 1, 7, 6});
  show(graph, calibration, images, 2);
  std::vector<std::string> notes;
  const ParametersOf parameters = calibration.parameters(Method::mse, 99.99, notes);
  EXPECT_EQ(notes.size(), 2u);
  EXPECT_THAT(notes[1], HasSubstr("'y' of node 'conv' (Conv) was 0 for every photo"));
  EXPECT_EQ(parameters.at(graph.outputs()[0]), (Parameters{1, 0}));
  images.mutable_data<float>()[3] = std::numeric_limits<float>::infinity();
  const auto [fault, text] = error_of([&] { show(graph, calibration, images, 2); });
  EXPECT_EQ(fault, Fault::unsupported);
  EXPECT_THAT(text, HasSubstr("value 'x' of"));
  EXPECT_THAT(text, HasSubstr("is not finite"));
}

}  // namespace
}  // namespace resnet::quantize

#include "lib/quantize/rewrite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "formats/onnx/read.h"
#include "formats/onnx/write.h"
#include "lib/arch/build.h"
#include "lib/base/error.h"
#include "lib/reference/reference.h"
#include "tests/support/observe.h"

namespace resnet::quantize {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Tensor noise(std::int64_t batch, std::int64_t side, unsigned seed) {
  Tensor images = Tensor::allocate(DType::float32, Shape{batch, 3, side, side});
  std::uint32_t state = seed;
  for (float& value : images.mutable_data<float>()) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 8) / 8388608.0f - 1.0f;
  }
  return images;
}

// A network of the paper's for small pictures: shortcuts of option A, and of option B.
Graph network(const char* name = "resnet8", arch::Shortcut shortcut = arch::Shortcut::A) {
  arch::Spec spec = *arch::find_spec(name);
  spec.shortcut = shortcut;
  spec.height = spec.width = 16;
  PassLog log;
  return prepare(arch::build(spec, {.seed = 3}), log);
}

// A network with what is learned of it.
struct Calibrated {
  explicit Calibrated(Graph of, Activations activations = Activations::u8, const std::set<NodeId>& kept = {})
      : graph(std::move(of)), scheme(graph, activations, kept), calibration(scheme) {
    Graph watched = graph;
    watched.set_outputs(calibration.values());
    const std::vector<Tensor> values = reference::evaluate(watched, std::vector{noise(4, 16, 1)});
    for (std::size_t i = 0; i < values.size(); ++i) calibration.add(i, values[i], 4);
    std::vector<std::string> notes;
    parameters = calibration.parameters(Method::minmax, 99.99, notes);
  }
  Rewritten rewrite(const RewriteOptions& options = {}) const {
    return quantize::rewrite(scheme, calibration, parameters, options);
  }

  Graph graph;
  Scheme scheme;
  Calibration calibration;
  ParametersOf parameters;
};

// Its nodes, whatever the order of its constants.
std::set<std::string> lines_of(const Graph& graph) {
  std::set<std::string> lines;
  std::istringstream text(print(graph));
  for (std::string line; std::getline(text, line);) lines.insert(line);
  return lines;
}

std::map<std::string, int> counts(const Graph& graph) {
  std::map<std::string, int> found;
  for (const Node& node : graph.nodes()) ++found[type_of(node.op)];
  return found;
}

double decibels(const Tensor& signal, const Tensor& noisy) {
  double power = 0, error = 0;
  for (std::size_t i = 0; i < signal.data<float>().size(); ++i) {
    const double value = static_cast<double>(signal.data<float>()[i]);
    power += value * value;
    error += std::pow(static_cast<double>(noisy.data<float>()[i]) - value, 2);
  }
  return 10 * std::log10(power / error);
}

double decibels(const Graph& floats, const Graph& integers) {
  const std::vector images = {noise(3, 16, 9)};
  return decibels(reference::evaluate(floats, images)[0], reference::evaluate(integers, images)[0]);
}

NodeId find(const Graph& graph, const std::string& name) {
  const std::vector<NodeId> found = find_nodes(graph, name);
  EXPECT_EQ(found.size(), 1u) << name;
  return found.at(0);
}

// The same from outside.
void expect_same_surface(const Graph& before, const Graph& after) {
  EXPECT_THAT(verify(after), IsEmpty());
  ASSERT_EQ(before.outputs().size(), after.outputs().size());
  for (std::size_t i = 0; i < before.outputs().size(); ++i) {
    EXPECT_EQ(before.value(before.outputs()[i]).name, after.value(after.outputs()[i]).name);
    EXPECT_EQ(before.fact(before.outputs()[i]), after.fact(after.outputs()[i]));
  }
  ASSERT_EQ(before.inputs().size(), after.inputs().size());
  EXPECT_EQ(before.value(before.inputs()[0]).name, after.value(after.inputs()[0]).name);
  EXPECT_EQ(before.fact(before.inputs()[0]), after.fact(after.inputs()[0]));
}

TEST(Rewrite, PairsStandAroundEveryLayer) {
  const Calibrated calibrated(network());
  const Rewritten made = calibrated.rewrite();
  expect_same_surface(calibrated.graph, made.graph);
  // conv1, three blocks of two convolutions and an addition, fc.
  EXPECT_EQ(made.layers, 11u);
  const auto found = counts(made.graph);
  EXPECT_EQ(found.at("Conv"), 7);
  EXPECT_FALSE(found.contains("Relu"));  // the zero point clips
  for (const Node& node : made.graph.nodes()) {
    if (!holds_alternative<Conv>(node.op) && !holds_alternative<Add>(node.op)) continue;
    for (const ValueId input : node.inputs)
      EXPECT_TRUE(holds_alternative<DequantizeLinear>(made.graph.node(input.node).op)) << describe(node);
  }
  // Scores keep the precision of their sums.
  EXPECT_TRUE(holds_alternative<Gemm>(made.graph.node(made.graph.outputs()[0].node).op));
  EXPECT_GT(decibels(calibrated.graph, made.graph), 25);
}

TEST(Rewrite, OperatorsOnIntegersGiveWhatThePairsGive) {
  for (const arch::Shortcut shortcut : {arch::Shortcut::A, arch::Shortcut::B}) {
    const Calibrated calibrated(network("resnet8", shortcut));
    const Rewritten made = calibrated.rewrite({.form = Form::qoperator});
    expect_same_surface(calibrated.graph, made.graph);
    const auto found = counts(made.graph);
    EXPECT_EQ(found.at("QuantizeLinear"), 1);  // the image
    EXPECT_FALSE(found.contains("DequantizeLinear"));
    EXPECT_FALSE(found.contains("Conv"));
    EXPECT_EQ(found.at("com.microsoft.QLinearAdd"), 3);
    EXPECT_EQ(found.at("com.microsoft.QGemm"), 1);
    EXPECT_EQ(found.at("com.microsoft.QLinearGlobalAveragePool"), 1);
    EXPECT_GT(decibels(calibrated.graph, made.graph), 25);
    EXPECT_GT(decibels(calibrated.rewrite().graph, made.graph), 30);
  }
}

TEST(Rewrite, SymmetricActivationsKeepTheRelu) {
  const Calibrated calibrated(network(), Activations::s8);
  for (const Form form : {Form::qdq, Form::qoperator}) {
    const Rewritten made = calibrated.rewrite({.form = form});
    expect_same_surface(calibrated.graph, made.graph);
    EXPECT_EQ(counts(made.graph).at("Relu"), 7);
    for (const Node& node : made.graph.nodes()) {
      const auto* relu = get_if<Relu>(&node.op);
      if (relu == nullptr) continue;
      // Before and after it the same parameters: what Relu clips costs no precision.
      const Node& before = made.graph.node(node.inputs[0].node);
      ASSERT_TRUE(holds_alternative<DequantizeLinear>(before.op));
      const auto consumers = made.graph.consumers();
      const Node& after = made.graph.node(consumers[static_cast<std::size_t>(&node - made.graph.nodes().data())].at(0));
      ASSERT_TRUE(holds_alternative<QuantizeLinear>(after.op));
      EXPECT_EQ(before.inputs[1], after.inputs[1]);
      EXPECT_EQ(made.graph.fact(after.inputs[2]).value, Tensor::scalar<std::int8_t>(0));
    }
    EXPECT_GT(decibels(calibrated.graph, made.graph), 20);
  }
}

TEST(Rewrite, WhatIsExcludedStaysInFloats) {
  const Graph graph = network();
  const std::set<NodeId> kept = {find(graph, "conv1"), find(graph, "fc"), find(graph, "layer2.0.conv1")};
  const Calibrated calibrated(graph, Activations::u8, kept);
  for (const Form form : {Form::qdq, Form::qoperator}) {
    const Rewritten made = calibrated.rewrite({.form = form});
    expect_same_surface(graph, made.graph);
    EXPECT_EQ(made.layers, 8u);
    for (const char* name : {"conv1", "fc", "layer2.0.conv1"}) {
      const Node& node = made.graph.node(find(made.graph, name));
      EXPECT_EQ(made.graph.fact(node.inputs[1]).dtype, DType::float32) << name;
      EXPECT_TRUE(made.graph.fact(node.inputs[1]).value) << name;
    }
    EXPECT_GT(decibels(graph, made.graph), 25);
  }
}

TEST(Rewrite, EverythingKeptIsTheNetworkItself) {
  const Calibrated calibrated(network());
  const std::vector<NodeId> layers = calibrated.scheme.layers();
  const Rewritten made = calibrated.rewrite({.kept = {layers.begin(), layers.end()}});
  EXPECT_EQ(made.layers, 0u);
  EXPECT_TRUE(lines_of(made.graph) == lines_of(calibrated.graph));
}

TEST(Rewrite, ASingleLayerIsAllThatChanges) {
  const Calibrated calibrated(network());
  std::set<NodeId> others;
  for (const NodeId layer : calibrated.scheme.layers()) others.insert(layer);
  others.erase(find(calibrated.graph, "layer1.0.conv1"));
  const Rewritten made = calibrated.rewrite({.kept = others});
  EXPECT_EQ(made.layers, 1u);
  EXPECT_EQ(counts(made.graph).at("QuantizeLinear"), 2);
  EXPECT_GT(decibels(calibrated.graph, made.graph), decibels(calibrated.graph, calibrated.rewrite().graph));
}

TEST(Rewrite, ShownValuesAreThoseOfTheFloats) {
  const Calibrated calibrated(network());
  std::vector<ValueId> values;
  for (const NodeId layer : calibrated.scheme.layers()) values.push_back(calibrated.scheme.result_of(layer));
  const Rewritten made = calibrated.rewrite({.shown = values});
  ASSERT_EQ(made.shown.size(), values.size());
  expect_same_surface(calibrated.graph, made.graph);
  Graph floats = calibrated.graph, integers = made.graph;
  floats.set_outputs(values);
  std::vector<ValueId> outputs;
  for (const std::string& name : made.shown) {
    for (std::size_t id = 0; id < integers.nodes().size(); ++id) {
      if (integers.nodes()[id].outputs[0].name == name) outputs.push_back({static_cast<NodeId>(id), 0});
    }
  }
  integers.set_outputs(outputs);
  const std::vector images = {noise(2, 16, 5)};
  const auto expected = reference::evaluate(floats, images), found = reference::evaluate(integers, images);
  ASSERT_EQ(expected.size(), found.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_GT(decibels(expected[i], found[i]), 20) << made.shown[i];
}

TEST(Rewrite, FilesAreReadAsTheyWereWritten) {
  const Calibrated calibrated(network("resnet8", arch::Shortcut::B));
  for (const Form form : {Form::qdq, Form::qoperator}) {
    for (const int opset : {13, 17, 21}) {
      Model model;
      model.graph = calibrated.rewrite({.form = form}).graph;
      const std::string bytes = onnx::serialize(model, {.opset = opset});
      const Model read = onnx::read(std::as_bytes(std::span(bytes)), "quantized", "");
      EXPECT_TRUE(lines_of(read.graph) == lines_of(model.graph)) << opset;
    }
  }
}

TEST(Rewrite, BiasCorrectionKeepsTheMeans) {
  const Calibrated calibrated(network());
  const NodeId first = find(calibrated.graph, "conv1");
  std::set<NodeId> others;
  for (const NodeId layer : calibrated.scheme.layers()) others.insert(layer);
  others.erase(first);
  const auto bias = [&](double& distance, bool corrected) {
    const Rewritten made = calibrated.rewrite({.bias_correction = corrected, .kept = others, .shown = {{first, 0}}});
    distance = decibels(calibrated.graph, made.graph);
  };
  double with = 0, without = 0;
  bias(with, true);
  bias(without, false);
  EXPECT_GT(with, 20);
  EXPECT_GT(without, 20);
}

// x -> Conv -> (both) Clip to 6, and a Concat of both.
TEST(Rewrite, WhatHasSeveralReadersIsNotFused) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {Dim::symbol("N"), Dim(3), Dim(16), Dim(16)}));
  std::vector<float> weights;
  for (int i = 0; i < 6; ++i) weights.push_back(static_cast<float>(i) - 2.5f);
  const ValueId w = graph.add_constant("w", Tensor::from<float>(Shape{2, 3, 1, 1}, weights));
  const ValueId y = graph.append(Conv{}, {x, w}, "conv", {"y"});
  const ValueId zero = graph.add_constant("zero", Tensor::scalar(0.0f)), six = graph.add_constant("six", Tensor::scalar(6.0f));
  const ValueId clipped = graph.append(Clip{}, {y, zero, six}, "clip", {"clipped"});
  const ValueId both = graph.append(Concat{.axis = 1}, {y, clipped}, "concat", {"both"});
  const ValueId pooled = graph.append(MaxPool{.kernel_shape = {2, 2}, .strides = {2, 2}}, {both}, "pool", {"pooled"});
  graph.set_outputs({pooled, clipped});
  const Calibrated calibrated(graph);
  for (const Form form : {Form::qdq, Form::qoperator}) {
    const Rewritten made = calibrated.rewrite({.form = form});
    expect_same_surface(graph, made.graph);
    EXPECT_EQ(counts(made.graph).at("Clip"), 1);
    EXPECT_GT(decibels(graph, made.graph), 25);
  }
  // Read by the Clip alone it vanishes.
  graph.set_outputs({clipped});
  PassLog log;
  const Calibrated alone(remove_dead_nodes(graph, log));
  EXPECT_FALSE(counts(alone.rewrite().graph).contains("Clip"));
  EXPECT_GT(decibels(alone.graph, alone.rewrite().graph), 25);
}

TEST(Prepare, RefusesWhatIsQuantizedAlready) {
  const Calibrated calibrated(network());
  for (const Form form : {Form::qdq, Form::qoperator}) {
    const Graph graph = calibrated.rewrite({.form = form}).graph;
    PassLog log;
    const auto [fault, text] = error_of([&] { prepare(graph, log); });
    EXPECT_EQ(fault, Fault::invalid);
    EXPECT_THAT(text, HasSubstr("is quantized already: node '"));
  }
}

TEST(FindNodes, ByNameValueAndPattern) {
  const Graph graph = network();
  const auto names = [&](const std::string& pattern) {
    std::vector<std::string> found;
    for (const NodeId id : find_nodes(graph, pattern)) found.push_back(name_of(graph.node(id)));
    return found;
  };
  EXPECT_THAT(names("fc"), ElementsAre("fc"));
  EXPECT_THAT(names("layer?.0.conv1"), ElementsAre("layer1.0.conv1", "layer2.0.conv1", "layer3.0.conv1"));
  EXPECT_THAT(names("*2.0.conv*"), ElementsAre("layer2.0.conv1", "layer2.0.conv2"));
  EXPECT_THAT(names("Conv"), IsEmpty());
  EXPECT_THAT(names(""), IsEmpty());
}

}  // namespace
}  // namespace resnet::quantize

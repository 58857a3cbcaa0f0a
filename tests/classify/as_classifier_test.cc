#include "lib/classify/as_classifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "lib/base/error.h"
#include "lib/classify/endpoints.h"
#include "lib/classify/scorer.h"
#include "tests/classify/small_networks.h"
#include "tests/support/observe.h"

namespace resnet {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

const Dim n = Dim::symbol("batch");

Tensor filled(Shape shape, float value) {
  const std::vector<float> values(static_cast<std::size_t>(shape.elements()), value);
  return Tensor::from<float>(shape, values);
}

// An input of this fact, a 1x1 convolution of `channels` into 2, the mean over each map, and the classes' scores: (N, 2).
// A batch is put before an image that has none.
struct Net {
  Graph graph;
  ValueId block, features, scores;
};
Net net(Fact fact, std::int64_t channels) {
  Net made;
  Graph& graph = made.graph;
  ValueId x = graph.add_input("image", std::move(fact));
  if (graph.fact(x).has_rank() && graph.fact(x).rank() == 3) {
    const ValueId axes = graph.add_constant("axes", Tensor::from<std::int64_t>(Shape{1}, {0}));
    x = graph.append(Unsqueeze{}, {x, axes}, "", {"batched"});
  }
  if (graph.fact(x).dtype != DType::float32) x = graph.append(Cast{.to = DType::float32}, {x}, "", {"floats"});
  const ValueId weight = graph.add_constant("weight", filled(Shape{2, channels, 1, 1}, 1));
  const ValueId conv = graph.append(Conv{}, {x, weight}, "conv", {"conv"});
  const ValueId twice = graph.append(Add{}, {conv, conv}, "add", {"add"});
  made.block = graph.append(Relu{}, {twice}, "relu", {"block"});
  const ValueId pooled = graph.append(GlobalAveragePool{}, {made.block}, "pool", {"pooled"});
  made.features = graph.append(Flatten{}, {pooled}, "flat", {"features"});
  const ValueId classes = graph.add_constant("classes", Tensor::from<float>(Shape{2, 3}, {1, 0, 0, 0, 1, 0}));
  made.scores = graph.append(MatMul{}, {made.features, classes}, "fc", {"logits"});
  graph.set_outputs({made.scores});
  return made;
}
Graph network(Fact fact, std::int64_t channels = 3) { return net(std::move(fact), channels).graph; }

std::string input_of(const Graph& graph) {
  const ImageInput input = find_image_input(graph);
  return std::string(name_of(input.dtype)) + " " + input.to_string();
}

TEST(AsClassifier, WhatFitsStaysAsItIs) {
  const Graph graph = network(Fact::of(DType::float32, {n, 3, 4, 4}));
  EXPECT_EQ(print(as_classifier(graph)), print(graph));
}

TEST(AsClassifier, OtherElementTypesAreFedFromFloatsOrLevels) {
  for (const DType dtype : {DType::float16, DType::bfloat16, DType::float64})
    EXPECT_EQ(input_of(as_classifier(network(Fact::of(dtype, {n, 3, 4, 4})))), "float Nx3x4x4");
  for (const DType dtype : {DType::int32, DType::int64, DType::uint8})
    EXPECT_EQ(input_of(as_classifier(network(Fact::of(dtype, {n, 3, 4, 4})))), "uint8 Nx3x4x4");
}

TEST(AsClassifier, OneImageGetsABatchOfOne) {
  const Graph graph = as_classifier(network(Fact::of(DType::float32, {3, 4, 4})));
  EXPECT_EQ(input_of(graph), "float 1x3x4x4");
  EXPECT_TRUE(verify(graph).empty());
  ThreadPool pool(1);
  Scorer scorer(test::plan_of(graph), pool);
  const image::Pixels grey{4, 4, std::vector<std::uint8_t>(48, 10)};
  const std::vector<PreparedImage> images = {grey};
  EXPECT_THAT(scorer.run(images, preprocessing_of(Convention::raw)).values, ElementsAre(60, 60, 0));
}

TEST(AsClassifier, OpenChannelsAreCountedByTheFirstConvolution) {
  const Dim c = Dim::symbol("c"), any = Dim::symbol("any");
  EXPECT_EQ(input_of(as_classifier(network(Fact::of(DType::float32, {n, c, 4, 4}), 1))), "float Nx1x4x4");
  EXPECT_EQ(input_of(as_classifier(network(Fact::of(DType::float32, {any, any, any, any})))), "float Nx3xHxW");
  Fact without_shape;
  without_shape.dtype = DType::float32;
  EXPECT_EQ(input_of(as_classifier(network(without_shape))), "float Nx3xHxW");
}

TEST(AsClassifier, OneChannelIsLuminance) {
  ThreadPool pool(1);
  Scorer scorer(test::plan_of(as_classifier(network(Fact::of(DType::float32, {n, 1, 1, 2}), 1))), pool);
  // PIL gives 76 for red and 150 for green.
  const image::Pixels pixels{2, 1, {255, 0, 0, 0, 255, 0}};
  const std::vector<PreparedImage> images = {pixels};
  EXPECT_THAT(scorer.run(images, preprocessing_of(Convention::raw)).values, ElementsAre(226, 226, 0));
}

TEST(AsClassifier, LogitsAndNotTheFeaturesThatTheyAreComputedFrom) {
  Net made = net(Fact::of(DType::float32, {n, 3, 4, 4}), 3);
  made.graph.set_outputs({made.features, made.scores, made.block});
  const Graph chosen = as_classifier(made.graph);
  ASSERT_EQ(chosen.outputs().size(), 1u);
  EXPECT_EQ(find_score_output(chosen).name, "logits");
  EXPECT_EQ(find_score_output(as_classifier(made.graph, "features")).name, "features");
  EXPECT_THAT(error_of([&] { as_classifier(made.graph, "feature"); }),
              Pair(Fault::invalid, HasSubstr("no output 'feature', expected one of its own: 'features', 'logits', 'block'")));
}

TEST(AsClassifier, WhatIsInsideHasToLookLikeScores) {
  const Graph graph = network(Fact::of(DType::float32, {n, 3, 4, 4}));
  for (const char* name : {"image", "conv", "block"})
    EXPECT_THAT(error_of([&] { as_classifier(graph, name); }), Pair(Fault::unsupported, HasSubstr("does not score classes")))
        << name;
  EXPECT_EQ(find_score_output(as_classifier(graph, "features")).name, "features");
}

TEST(AsClassifier, ProbabilitiesBesideTheirLogitsStayTheFirstOfBoth) {
  Net made = net(Fact::of(DType::float32, {n, 3, 4, 4}), 3);
  const ValueId soft = made.graph.append(Softmax{}, {made.scores}, "softmax", {"probabilities"});
  made.graph.set_outputs({soft, made.scores});
  EXPECT_EQ(find_score_output(as_classifier(made.graph)).name, "probabilities");
  made.graph.set_outputs({made.scores, soft});
  EXPECT_EQ(find_score_output(as_classifier(made.graph)).name, "logits");
}

// A chain of outputs, each computed from the one before: the last one counts. Nothing is walked once for each pair.
TEST(AsClassifier, OfManyOutputsTheLastOneCounts) {
  Net made = net(Fact::of(DType::float32, {n, 3, 4, 4}), 3);
  std::vector<ValueId> outputs = {made.scores};
  for (int i = 0; i < 4000; ++i)
    outputs.push_back(made.graph.append(Exp{}, {outputs.back()}, "", {"scores" + std::to_string(i)}));
  made.graph.set_outputs(outputs);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(find_score_output(as_classifier(made.graph)).name, "scores3999");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(AsClassifier, WhatTwoOthersShareIsNotTheAnswer) {
  Net made = net(Fact::of(DType::float32, {n, 3, 4, 4}), 3);
  const ValueId soft = made.graph.append(Softmax{}, {made.scores}, "", {"probabilities"});
  const ValueId scaled = made.graph.append(Exp{}, {made.scores}, "", {"scaled"});
  made.graph.set_outputs({made.scores, soft, scaled});
  EXPECT_EQ(find_score_output(as_classifier(made.graph)).name, "probabilities");
}

TEST(AsClassifier, TwoListsOfClassesAreAskedFor) {
  Net made = net(Fact::of(DType::float32, {n, 3, 4, 4}), 3);
  const ValueId others = made.graph.add_constant("others", filled(Shape{2, 7}, 1));
  const ValueId age = made.graph.append(MatMul{}, {made.features, others}, "", {"age"});
  made.graph.set_outputs({made.scores, age});
  EXPECT_THAT(error_of([&] { as_classifier(made.graph); }),
              Pair(Fault::unsupported, HasSubstr("scores twice, 'logits' (float batchx3) and 'age' (float batchx7)")));
  EXPECT_EQ(find_score_output(as_classifier(made.graph, "age")).classes, 7);
}

TEST(AsClassifier, ADecisionIsLeftOut) {
  Net made = net(Fact::of(DType::float32, {n, 3, 4, 4}), 3);
  const ValueId decided = made.graph.append(ArgMax{.axis = 1}, {made.scores}, "argmax", {"class"});
  made.graph.set_outputs({decided});
  EXPECT_EQ(find_score_output(as_classifier(made.graph)).name, "logits");
  // A class for each pixel is another answer.
  const ValueId pixels = made.graph.append(ArgMax{.axis = 1}, {made.block}, "argmax2", {"map"});
  made.graph.set_outputs({pixels});
  EXPECT_THAT(error_of([&] { find_score_output(as_classifier(made.graph)); }), Pair(Fault::unsupported, HasSubstr("'map'")));
}

TEST(WhatButScores, FeaturesAndMapsOfABackbone) {
  Net made = net(Fact::of(DType::float32, {n, 3, 4, 4}), 3);
  EXPECT_EQ(what_but_scores(made.graph), std::nullopt);
  made.graph.set_outputs({made.features});
  EXPECT_THAT(what_but_scores(made.graph).value_or(""), HasSubstr("averages of the last maps"));
  made.graph.set_outputs({made.block});
  EXPECT_THAT(what_but_scores(made.graph).value_or(""), HasSubstr("feature maps"));
}

TEST(WhatButScores, ConvolutionsThatClassify) {
  Graph graph;
  const ValueId image = graph.add_input("image", Fact::of(DType::float32, {n, 3, 4, 4}));
  const ValueId weight = graph.add_constant("weight", filled(Shape{5, 3, 1, 1}, 1));
  const ValueId conv = graph.append(Conv{}, {image, weight}, "conv", {"conv"});
  graph.set_outputs({graph.append(GlobalAveragePool{}, {graph.append(Relu{}, {conv}, "", {"relu"})}, "", {"pool"})});
  EXPECT_EQ(what_but_scores(graph), std::nullopt);
  graph.set_outputs({conv});
  EXPECT_EQ(what_but_scores(graph), std::nullopt);
}

TEST(AsExtractor, TheWholeOutputAndItsNumbersInARow) {
  Net made = net(Fact::of(DType::float32, {n, 3, 4, 4}), 3);
  const Graph maps = as_extractor(made.graph, "block");
  ASSERT_EQ(maps.outputs().size(), 2u);
  EXPECT_EQ(maps.fact(maps.outputs()[0]).to_string(), "float batchx32");
  EXPECT_EQ(maps.fact(maps.outputs()[1]).to_string(), "float batchx2x4x4");
  EXPECT_TRUE(verify(maps).empty());
  const Graph decided = [&] {
    made.graph.set_outputs({made.graph.append(ArgMax{.axis = 1, .keepdims = false}, {made.scores}, "", {"class"})});
    return as_extractor(made.graph);
  }();
  EXPECT_EQ(decided.fact(decided.outputs()[0]).to_string(), "float batchx1");
}

}  // namespace
}  // namespace resnet

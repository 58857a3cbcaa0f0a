#include "lib/classify/endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/error.h"

namespace resnet {
namespace {

const Dim n = Dim::symbol("batch");

Graph with_input(Dims dims, DType dtype = DType::float32) {
  Graph graph;
  graph.set_outputs({graph.append(Identity{}, {graph.add_input("image", Fact::of(dtype, std::move(dims)))}, "id")});
  return graph;
}

template <typename Call>
std::string complaint(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::unsupported);
    return error.what();
  }
  return "";
}

std::string input_complaint(const Graph& graph) {
  return complaint([&] { find_image_input(graph); });
}

// A graph whose outputs have these facts, under the names "a", "b", ...
Graph with_outputs(const std::vector<std::pair<DType, Dims>>& facts) {
  Graph graph;
  std::vector<ValueId> outputs;
  char name = 'a';
  for (const auto& [dtype, dims] : facts) {
    const ValueId input = graph.add_input(std::string("in_") + name, Fact::of(DType::float32, dims));
    outputs.push_back(graph.append(Cast{.to = dtype}, {input}, "", {std::string(1, name++)}));
  }
  graph.set_outputs(outputs);
  return graph;
}

TEST(ImageInput, ChannelsFirst) {
  const ImageInput input = find_image_input(with_input({n, 3, 224, 320}));
  EXPECT_EQ(input.name, "image");
  EXPECT_FALSE(input.channels_last);
  EXPECT_EQ(input.batch, std::nullopt);
  EXPECT_EQ(input.height, 224);
  EXPECT_EQ(input.width, 320);
  EXPECT_EQ(input.to_string(), "Nx3x224x320");
}

TEST(ImageInput, ChannelsLast) {
  const ImageInput input = find_image_input(with_input({1, 32, 48, 3}, DType::uint8));
  EXPECT_TRUE(input.channels_last);
  EXPECT_EQ(input.batch, 1);
  EXPECT_EQ(input.height, 32);
  EXPECT_EQ(input.width, 48);
  EXPECT_EQ(input.dtype, DType::uint8);
  EXPECT_EQ(input.to_string(), "1x32x48x3");
}

TEST(ImageInput, SymbolicSides) {
  const ImageInput input = find_image_input(with_input({n, 3, Dim::symbol("h"), Dim::symbol("w")}));
  EXPECT_EQ(input.height, std::nullopt);
  EXPECT_EQ(input.to_string(), "Nx3xHxW");
  EXPECT_FALSE(find_image_input(with_input({n, Dim::symbol("c"), 5, 5})).channels_last);
}

TEST(ImageInput, ThreeRowsAndThreeChannels) { EXPECT_FALSE(find_image_input(with_input({n, 3, 3, 3})).channels_last); }

TEST(ImageInput, OneChannel) {
  EXPECT_EQ(find_image_input(with_input({n, 1, 28, 28})).to_string(), "Nx1x28x28");
  EXPECT_EQ(find_image_input(with_input({n, 28, 28, 1})).to_string(), "Nx28x28x1");
}

TEST(ImageInput, WhatTakesNoImages) {
  const std::string expected = ", expected one input of images, Nx3xHxW or NxHxWx3";
  EXPECT_EQ(input_complaint(with_input({n, 4, 28, 28})), "the model takes 'image' (float batchx4x28x28)" + expected);
  EXPECT_EQ(input_complaint(with_input({n, 3})), "the model takes 'image' (float batchx3)" + expected);
  EXPECT_EQ(input_complaint(with_input({n, 3, 8, 8}, DType::int64)), "the model takes 'image' (int64 batchx3x8x8)" + expected);
  Graph two = with_input({n, 3, 8, 8});
  two.add_input("mask", Fact::of(DType::float32, {n}));
  EXPECT_EQ(input_complaint(two), "the model takes 2 inputs: 'image' (float batchx3x8x8), 'mask' (float batch)" + expected);
  EXPECT_EQ(input_complaint(Graph{}), "the model takes 0 inputs: none" + expected);
}

TEST(ScoreOutput, TheOnlyOne) {
  const ScoreOutput output = find_score_output(with_outputs({{DType::float32, {n, 10}}}));
  EXPECT_EQ(output.index, 0u);
  EXPECT_EQ(output.name, "a");
  EXPECT_EQ(output.classes, 10);
  EXPECT_FALSE(output.probabilities);
}

TEST(ScoreOutput, BesideAnArgMax) {
  const ScoreOutput output = find_score_output(with_outputs({{DType::int64, {n}}, {DType::float32, {n, 1001}}}));
  EXPECT_EQ(output.index, 1u);
  EXPECT_EQ(output.classes, 1001);
}

TEST(ScoreOutput, BesideAFeatureMap) {
  EXPECT_EQ(find_score_output(
                with_outputs({{DType::float32, {n, 512, 7, 7}}, {DType::float32, {n, 512, 1, 1}}, {DType::float32, {n, 10}}}))
                .index,
            2u);
}

TEST(ScoreOutput, OtherShapes) {
  EXPECT_EQ(find_score_output(with_outputs({{DType::float32, {n, 1000, 1, 1}}})).classes, 1000);
  EXPECT_EQ(find_score_output(with_outputs({{DType::float32, {n, 1, 1, 1000}}})).classes, 1000);
  EXPECT_EQ(find_score_output(with_outputs({{DType::float32, {n, 1000, 4, 4}}})).classes, 1000);
  EXPECT_EQ(find_score_output(with_outputs({{DType::float32, {1000}}})).classes, 1000);
  EXPECT_EQ(find_score_output(with_outputs({{DType::float32, {n, Dim::symbol("c")}}})).classes, std::nullopt);
}

TEST(ScoreOutput, None) {
  EXPECT_EQ(complaint([] {
              find_score_output(with_outputs({{DType::int64, {n}}}));
            }),
            "the model gives 'a' (int64 batch), expected an output of scores, float Nxclasses");
  EXPECT_EQ(complaint([] { find_score_output(Graph{}); }), "the model gives none, expected an output of scores, float Nxclasses");
}

TEST(ScoreOutput, ProbabilitiesBehindASoftmax) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {n, 10}));
  const ValueId softmax = graph.append(Softmax{.axis = 1}, {x}, "softmax");
  const ValueId shaped = graph.append(Identity{}, {graph.append(Flatten{}, {softmax}, "flatten")}, "identity");
  const ValueId shifted = graph.append(Relu{}, {softmax}, "relu");
  const ValueId logs = graph.append(LogSoftmax{.axis = 1}, {x}, "log");
  for (const auto& [output, probabilities] :
       {std::pair{softmax, true}, {shaped, true}, {shifted, false}, {logs, false}, {x, false}}) {
    graph.set_outputs({output});
    EXPECT_EQ(find_score_output(graph).probabilities, probabilities) << graph.value(output).name;
  }
  graph.set_outputs({graph.append(Sigmoid{}, {x}, "sigmoid")});
  EXPECT_TRUE(find_score_output(graph).probabilities);
}

// A convolution that halves the map, a pool over it, and a classifier of `features` numbers.
Graph pooled(const Op& pool, std::int64_t features) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {n, 3, 8, 8}));
  const ValueId filter = graph.add_constant("filter", Tensor::from<float>(Shape{2, 3, 1, 1}, std::vector<float>(6, 1)));
  const ValueId weight = graph.add_constant(
      "weight", Tensor::from<float>(Shape{5, features}, std::vector<float>(static_cast<std::size_t>(5 * features), 1)));
  const ValueId map = graph.append(Conv{.strides = {2, 2}}, {x, filter}, "conv");
  const ValueId flat = graph.append(Flatten{}, {graph.append(pool, {map}, "pool")}, "flatten");
  graph.set_outputs({graph.append(Gemm{.transB = true}, {flat, weight}, "fc")});
  return graph;
}

TEST(WithImageSize, WhereNothingDependsOnIt) {
  const Graph graph = pooled(GlobalAveragePool{}, 2);
  const Graph larger = with_image_size(graph, 12);
  EXPECT_EQ(find_image_input(larger).height, 12);
  EXPECT_EQ(find_image_input(larger).width, 12);
  EXPECT_EQ(find_image_input(larger).batch, find_image_input(graph).batch);
  EXPECT_EQ(larger.fact(larger.outputs()[0]).dims, graph.fact(graph.outputs()[0]).dims);
}

TEST(WithImageSize, WhatDependsOnItIsNamed) {
  const Graph whole = pooled(AveragePool{.kernel_shape = {4, 4}, .strides = {1, 1}}, 2);
  const std::string line = complaint([&] { with_image_size(whole, 12); });
  EXPECT_THAT(line, testing::StartsWith("the network takes images of 8x8 pixels only, not of 12: node 'fc' (Gemm): "));
  EXPECT_THAT(complaint([&] { with_image_size(pooled(Identity{}, 32), 12); }), testing::HasSubstr("node 'fc' (Gemm): "));
  // What a Reshape makes one network's batch of: several rows a photo.
  Graph reshaped;
  const ValueId x = reshaped.add_input("x", Fact::of(DType::float32, {n, 3, 4, 4}));
  const ValueId shape = reshaped.add_constant("shape", Tensor::from<std::int64_t>(Shape{2}, std::vector<std::int64_t>{-1, 48}));
  reshaped.set_outputs({reshaped.append(Reshape{}, {x, shape}, "reshape")});
  EXPECT_THAT(complaint([&] { with_image_size(reshaped, 8); }),
              testing::StartsWith("the network takes images of 4x4 pixels only"));
}

TEST(FitTo, CropsToTheNetworksSize) {
  const Preprocessing torchvision = *find_preprocessing("torchvision");
  const Preprocessing fitted = fit_to(torchvision, find_image_input(with_input({n, 3, 299, 299})));
  EXPECT_EQ(fitted.crop_size, 299);
  EXPECT_EQ(fitted.resize, 342);  // 299 * 256 / 224 = 341.7
  EXPECT_EQ(fitted.mean, torchvision.mean);
}

TEST(FitTo, CropsToTheShapeOfAnInputThatIsNotSquare) {
  const Preprocessing fitted = fit_to(*find_preprocessing("torchvision"), find_image_input(with_input({n, 3, 96, 160})));
  EXPECT_EQ(fitted.crop_size, 96);
  EXPECT_EQ(fitted.crop_width, 160);
  EXPECT_EQ(fitted.resize, 110);  // 96 * 256 / 224 = 109.7
  EXPECT_EQ(resize_width_of(fitted), 183);
}

TEST(FitTo, LeavesWhatFitsOrCannotBeFitted) {
  const Preprocessing torchvision = *find_preprocessing("torchvision"), raw = *find_preprocessing("raw");
  EXPECT_EQ(fit_to(torchvision, find_image_input(with_input({n, 3, 224, 224}))), torchvision);
  EXPECT_EQ(fit_to(torchvision, find_image_input(with_input({n, 3, Dim::symbol("h"), 299}))), torchvision);
  EXPECT_EQ(fit_to(raw, find_image_input(with_input({n, 3, 32, 32}))), raw);
}

}  // namespace
}  // namespace resnet

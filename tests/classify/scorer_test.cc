#include "lib/classify/scorer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/error.h"
#include "tests/classify/small_networks.h"

namespace resnet {
namespace {

using test::channel_means;
using test::plan_of;
using testing::ElementsAre;
using testing::FloatNear;
using testing::Pointwise;

image::Pixels plain(int width, int height, std::uint8_t r, std::uint8_t g, std::uint8_t b) {
  image::Pixels pixels{width, height, {}};
  for (int i = 0; i < width * height; ++i) pixels.rgb.insert(pixels.rgb.end(), {r, g, b});
  return pixels;
}

const Preprocessing raw = *find_preprocessing("raw");

std::vector<float> row(const Scores& scores, std::size_t image) {
  const auto values = scores.row(image);
  return {values.begin(), values.end()};
}

template <typename Call>
std::string complaint(Fault fault, Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), fault);
    return error.what();
  }
  return "";
}

class ScorerTest : public testing::Test {
 protected:
  ThreadPool pool{2};
};

TEST_F(ScorerTest, EachImageHasItsRow) {
  Scorer scorer(plan_of(channel_means()), pool);
  const std::vector<PreparedImage> images = {plain(4, 4, 10, 20, 30), plain(4, 4, 1, 2, 3), plain(4, 4, 0, 0, 255)};
  const Scores scores = scorer.run(images, raw);
  ASSERT_EQ(scores.classes, 4u);
  EXPECT_THAT(row(scores, 0), Pointwise(FloatNear(0.01f), {10.0f, 20.0f, 30.0f, 9999.0f}));
  EXPECT_THAT(row(scores, 1), Pointwise(FloatNear(0.01f), {1.0f, 2.0f, 3.0f, 999.0f}));
  EXPECT_THAT(row(scores, 2), Pointwise(FloatNear(0.01f), {0.0f, 0.0f, 255.0f, -1.0f}));
}

TEST_F(ScorerTest, BatchesOfAnySizeOneAfterTheOther) {
  Scorer scorer(plan_of(channel_means()), pool);
  for (const std::size_t count : {1u, 5u, 2u, 5u, 1u}) {
    std::vector<PreparedImage> images;
    for (std::size_t i = 0; i < count; ++i) images.emplace_back(plain(4, 4, static_cast<std::uint8_t>(i), 7, 9));
    const Scores scores = scorer.run(images, raw);
    for (std::size_t i = 0; i < count; ++i) EXPECT_NEAR(scores.row(i)[0], static_cast<float>(i), 1e-4f);
  }
}

TEST_F(ScorerTest, ChannelsLast) {
  Scorer scorer(plan_of(channel_means({.input = {Dim::symbol("batch"), 4, 6, 3}})), pool);
  EXPECT_TRUE(scorer.input().channels_last);
  const std::vector<PreparedImage> images = {plain(6, 4, 10, 20, 30)};
  EXPECT_THAT(row(scorer.run(images, raw), 0), Pointwise(FloatNear(0.01f), {10.0f, 20.0f, 30.0f, 9999.0f}));
}

TEST_F(ScorerTest, SymbolicSidesTakeAnySize) {
  Scorer scorer(plan_of(channel_means({.input = {Dim::symbol("batch"), 3, Dim::symbol("h"), Dim::symbol("w")}})), pool);
  for (const auto& [width, height] : {std::pair{3, 9}, {8, 2}, {3, 9}}) {
    const std::vector<PreparedImage> images = {plain(width, height, 4, 5, 6), plain(width, height, 7, 8, 9)};
    const Scores scores = scorer.run(images, raw);
    EXPECT_NEAR(scores.row(0)[2], 6, 1e-4);
    EXPECT_NEAR(scores.row(1)[1], 8, 1e-4);
  }
}

TEST_F(ScorerTest, AFixedBatchIsFilledUp) {
  Scorer scorer(plan_of(channel_means({.input = {4, 3, 4, 4}})), pool);
  EXPECT_EQ(scorer.batch_size(1), 4u);
  EXPECT_EQ(scorer.batch_size(64), 4u);
  for (const std::size_t count : {4u, 1u, 3u}) {
    const std::vector<PreparedImage> images(count, PreparedImage(plain(4, 4, 11, 12, 13)));
    const Scores scores = scorer.run(images, raw);
    ASSERT_EQ(scores.values.size(), count * 4);
    EXPECT_NEAR(scores.row(count - 1)[1], 12, 1e-4);
  }
}

TEST_F(ScorerTest, ASymbolicBatchIsTheCallers) {
  EXPECT_EQ(Scorer(plan_of(channel_means()), pool).batch_size(64), 64u);
  EXPECT_EQ(Scorer(plan_of(channel_means()), pool).batch_size(0), 1u);
}

TEST_F(ScorerTest, TheWrongSizeIsTheImagesFault) {
  Scorer scorer(plan_of(channel_means()), pool);
  const std::vector<PreparedImage> images = {plain(5, 4, 1, 2, 3)};
  EXPECT_EQ(complaint(Fault::mismatch, [&] { scorer.run(images, raw); }),
            "has 5x4 pixels after the preprocessing 'raw', expected Nx3x4x4");
}

TEST_F(ScorerTest, TensorsGoInAsTheyAre) {
  Scorer scorer(plan_of(channel_means({.input = {Dim::symbol("batch"), 3, 1, 2}})), pool);
  const Tensor tensor = Tensor::from<float>(Shape{2, 3, 1, 2}, {1, 3, 10, 30, 100, 300, -1, -3, -10, -30, -100, -300});
  std::vector<PreparedImage> images;
  for (const Values& values : split(tensor, scorer.input())) images.emplace_back(values);
  const Scores scores = scorer.run(images, *find_preprocessing("torchvision"));
  EXPECT_THAT(row(scores, 0), Pointwise(FloatNear(0.01f), {2.0f, 20.0f, 200.0f, 1999.0f}));
  EXPECT_THAT(row(scores, 1), Pointwise(FloatNear(0.01f), {-2.0f, -20.0f, -200.0f, -2001.0f}));
}

TEST_F(ScorerTest, ScoresThatHaveAHeightAndAWidthAreAveraged) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {Dim::symbol("batch"), 3, Dim::symbol("h"), Dim::symbol("w")}));
  const ValueId weights = graph.add_constant("w", Tensor::from<float>(Shape{2, 3, 1, 1}, {1, 0, 0, 0, 0, 2}));
  graph.set_outputs({graph.append(Conv{.kernel_shape = {1, 1}}, {x, weights}, "conv")});
  Scorer scorer(plan_of(std::move(graph)), pool);
  image::Pixels pixels = plain(2, 2, 8, 0, 1);
  pixels.rgb[0] = 0;
  const std::vector<PreparedImage> images = {pixels, plain(2, 2, 1, 1, 1)};
  const Scores scores = scorer.run(images, raw);
  ASSERT_EQ(scores.classes, 2u);
  EXPECT_THAT(row(scores, 0), Pointwise(FloatNear(1e-4f), {6.0f, 2.0f}));
  EXPECT_THAT(row(scores, 1), Pointwise(FloatNear(1e-4f), {1.0f, 2.0f}));
}

TEST_F(ScorerTest, WhatDoesNotClassifyImagesIsRefused) {
  Graph graph;
  graph.set_outputs({graph.append(Relu{}, {graph.add_input("x", Fact::of(DType::float32, {Dim::symbol("n"), 7}))}, "relu")});
  EXPECT_EQ(complaint(Fault::unsupported, [&] { Scorer(plan_of(graph), pool); }),
            "the model takes 'x' (float nx7), expected one input of images, Nx3xHxW or NxHxWx3");
}

ImageInput first(std::optional<std::int64_t> height = {}, std::optional<std::int64_t> width = {}) {
  ImageInput input;
  input.name = "x";
  input.height = height;
  input.width = width;
  return input;
}
ImageInput last(std::optional<std::int64_t> height = {}, std::optional<std::int64_t> width = {}) {
  ImageInput input = first(height, width);
  input.channels_last = true;
  return input;
}

TEST(Split, OneOrMoreImages) {
  const std::vector<Values> one = split(Tensor::allocate(DType::float32, Shape{3, 4, 5}), first());
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0].height, 4);
  EXPECT_EQ(one[0].width, 5);
  EXPECT_FALSE(one[0].channels_last);
  const std::vector<Values> two = split(Tensor::allocate(DType::float32, Shape{2, 3, 4, 5}), first(4, 5));
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[1].first, 60u);
}

TEST(Split, TheNetworksOwnOrderOrChannelsFirst) {
  EXPECT_TRUE(split(Tensor::allocate(DType::float32, Shape{2, 4, 5, 3}), last())[0].channels_last);
  EXPECT_TRUE(split(Tensor::allocate(DType::float32, Shape{4, 5, 3}), last(4, 5))[0].channels_last);
  const Values turned = split(Tensor::allocate(DType::float32, Shape{2, 3, 4, 5}), last(4, 5))[1];
  EXPECT_FALSE(turned.channels_last);
  EXPECT_EQ(turned.height, 4);
}

TEST(Split, OtherPrecisionsBecomeFloat) {
  const Values values = split(Tensor::from<double>(Shape{3, 1, 1}, {1, 2, 3}), first())[0];
  EXPECT_THAT(values.tensor.data<float>(), ElementsAre(1, 2, 3));
}

TEST(Split, ShapesThatDoNotFit) {
  const auto said = [](const Shape& shape, const ImageInput& input) {
    return complaint(Fault::mismatch, [&] { split(Tensor::allocate(DType::float32, shape), input); });
  };
  EXPECT_EQ(said({4, 5}, first()), "has shape 4x5, expected 3xHxW or Nx3xHxW");
  EXPECT_EQ(said({4, 5, 3}, first()), "has shape 4x5x3, expected 3xHxW or Nx3xHxW");
  EXPECT_EQ(said({3, 32, 32}, first(224, 224)), "has shape 3x32x32, expected 3xHxW or Nx3x224x224");
  EXPECT_EQ(said({1, 1, 3, 8, 8}, first()), "has shape 1x1x3x8x8, expected 3xHxW or Nx3xHxW");
  EXPECT_EQ(said({0, 3, 8, 8}, first()), "has shape 0x3x8x8, which holds no image, expected 3xHxW or Nx3xHxW");
  EXPECT_EQ(said({1, 8, 9, 3}, last(9, 8)), "has shape 1x8x9x3, expected 3xHxW or Nx9x8x3");
}

TEST(Split, TypesThatDoNotFit) {
  EXPECT_EQ(complaint(Fault::mismatch,
                      [] {
                        split(Tensor::allocate(DType::int64, Shape{3, 4, 5}), first());
                      }),
            "holds elements of type int64, expected float");
  ImageInput levels = first();
  levels.dtype = DType::uint8;
  EXPECT_EQ(complaint(Fault::mismatch,
                      [&] {
                        split(Tensor::allocate(DType::float32, Shape{3, 4, 5}), levels);
                      }),
            "holds elements of type float, expected uint8");
}

}  // namespace
}  // namespace resnet

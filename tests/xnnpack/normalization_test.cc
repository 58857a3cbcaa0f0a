// Normalizations by statistics of the values themselves, on both orders of axes.
#include <gtest/gtest.h>

#include "tests/xnnpack/network.h"

namespace resnet {
namespace {

using test::check_after_convolution;
using test::check_kind;
using test::expect_as_reference;
using test::Network;
using test::random_tensor;

const char* const group = "group_normalization";

TEST(Normalization, Groups) {
  for (const std::int64_t channels : {1, 6, 34, 64, 132}) {
    const Tensor scale = random_tensor({channels}, 3), shift = random_tensor({channels}, 4);
    SCOPED_TRACE(channels);
    for (const std::int64_t groups : {std::int64_t{1}, channels / 2, channels}) {
      if (groups == 0) continue;
      check_kind(group, GroupNormalization{.num_groups = groups}, {2, channels, 7, 5}, {scale, shift});
      check_after_convolution(group, GroupNormalization{.num_groups = groups}, {scale, shift}, channels);
    }
    for (const Shape& shape :
         {Shape{2, channels, 9}, Shape{1, channels, 3, 4, 5}, Shape{3, channels, 1, 1}, Shape{2, channels, 90, 80}})
      check_kind(group, InstanceNormalization{}, shape, {scale, shift});
    check_after_convolution(group, InstanceNormalization{.epsilon = 0.5f}, {scale, shift}, channels);
  }
  check_kind(group, GroupNormalization{.num_groups = 2}, {3, 8}, {random_tensor({8}, 3), random_tensor({8}, 4)});
}

// Large maps have several blocks, and small ones several groups in a vector.
TEST(Normalization, OfManyBlocks) {
  Network n;
  n.graph = Graph();
  n.image = n.graph.add_input("image", test::float_fact({2, 3, 61, 53}));
  const ValueId x = n.convolution(n.image, 40);
  n.graph.set_outputs({n.append(GroupNormalization{.num_groups = 8},
                                {x, n.constant(random_tensor({40}, 3)), n.constant(random_tensor({40}, 4))})});
  expect_as_reference(n.graph, {random_tensor({2, 3, 61, 53}, 1)});
}

// The mean is far from 0, and the first value from the mean: one float would hold nothing of the deviation.
TEST(Normalization, FarFromZero) {
  for (const float far : {100.0f, -30000.0f, 1e6f}) {
    for (const Shape& shape : {Shape{2, 6, 31, 17}, Shape{2, 6, 1, 4000}}) {
      Tensor x = random_tensor(shape, 1);
      for (float& value : x.mutable_data<float>()) value = 3 * value + far;
      x.mutable_data<float>()[0] = -2 * far;
      const Tensor ones = random_tensor({6}, 3);
      expect_as_reference(test::graph_of(GroupNormalization{.num_groups = 3}, {shape}, {ones, ones}), {x});
      expect_as_reference(test::graph_of(LayerNormalization{.axis = 2}, {shape}, {random_tensor({shape[2], shape[3]}, 3)}), {x});
      expect_as_reference(test::graph_of(MeanVarianceNormalization{}, {shape}), {x});
    }
  }
}

TEST(Normalization, WhatIsNotANumberStaysInItsGroup) {
  Tensor x = random_tensor({2, 4, 3, 3}, 1);
  x.mutable_data<float>()[20] = NAN;       // of channel 2
  x.mutable_data<float>()[40] = INFINITY;  // of channel 0 of the second image
  const Tensor ones = random_tensor({4}, 3);
  const Graph graph = test::graph_of(GroupNormalization{.num_groups = 2}, {x.shape()}, {ones, ones});
  const Tensor expected = reference::evaluate(graph, std::vector<Tensor>{x})[0];
  ThreadPool pool(2);
  const Tensor y = xnnpack::Session(xnnpack::Plan::make(graph), pool).run(std::vector<Tensor>{x})[0];
  for (std::size_t i = 0; i < 72; ++i) EXPECT_EQ(std::isnan(y.data<float>()[i]), std::isnan(expected.data<float>()[i])) << i;
}

TEST(Normalization, WithTheActivationAfterIt) {
  Network n;
  const ValueId y = n.append(GroupNormalization{.num_groups = 2},
                             {n.convolution(n.image, 6), n.constant(random_tensor({6}, 3)), n.constant(random_tensor({6}, 4))});
  const auto kinds = n.run(n.convolution(n.append(Relu{}, {y}), 4));
  EXPECT_EQ(kinds, (std::vector<std::string>{"convolution", group, group, group, "convolution", "transpose"}));
}

TEST(Normalization, OfMeanAndVariance) {
  for (const auto& axes : std::vector<std::vector<std::int64_t>>{{0, 2, 3}, {2, 3}, {1, 2, 3}, {-1, -2}}) {
    check_kind(group, MeanVarianceNormalization{axes}, {3, 5, 6, 7});
    check_after_convolution(group, MeanVarianceNormalization{axes});
  }
  check_kind("fallback", MeanVarianceNormalization{{3}}, {3, 5, 6, 7});
}

TEST(Normalization, OfLayers) {
  const char* const layer = "layer_normalization";
  const Shape x{2, 3, 5, 37};
  check_kind(layer, LayerNormalization{}, x, {random_tensor({37}, 3)});
  check_kind(layer, LayerNormalization{}, x, {random_tensor({37}, 3), random_tensor({1, 1, 37}, 4)});
  check_kind(layer, LayerNormalization{.axis = 2}, x, {random_tensor({5, 37}, 3), random_tensor({5, 37}, 4)});
  check_kind(layer, LayerNormalization{.axis = 1}, x, {random_tensor({3, 5, 37}, 3)});
  // One number for several elements, or of an axis that is not normalized.
  check_kind("fallback", LayerNormalization{.axis = 2}, x, {random_tensor({37}, 3)});
  check_kind("fallback", LayerNormalization{}, {2, 5, 5}, {random_tensor({5, 1}, 3)});
}

// Of the channels, as ConvNeXt has it: the Transposes only rename axes.
TEST(Normalization, OfChannelsStaysInNhwc) {
  Network n;
  const ValueId last = n.append(Transpose{{0, 2, 3, 1}}, {n.convolution(n.image, 6)});
  const ValueId y = n.append(LayerNormalization{}, {last, n.constant(random_tensor({6}, 3)), n.constant(random_tensor({6}, 4))});
  EXPECT_EQ(n.run(n.convolution(n.append(Transpose{{0, 3, 1, 2}}, {y}), 4)),
            (std::vector<std::string>{"convolution", "layer_normalization", "convolution", "transpose"}));
}

TEST(Normalization, ByNorms) {
  for (const std::int64_t p : {1, 2}) {
    for (const std::int64_t axis : {0, 1, 2, -1}) {
      check_kind("lp_normalization", LpNormalization{.axis = axis, .p = p}, {2, 3, 4, 5});
      check_after_convolution("lp_normalization", LpNormalization{.axis = axis, .p = p});
    }
  }
  expect_as_reference(test::graph_of(LpNormalization{}, {{2, 3}}), {Tensor::from<float>({2, 3}, {0, 0, 0, 1e-30f, 1e30f, 1})});
}

TEST(Normalization, OfLocalResponses) {
  for (const std::int64_t size : {1, 2, 3, 5, 40}) {
    for (const float beta : {0.75f, 0.5f}) {
      const LRN op{.alpha = 0.3f, .beta = beta, .bias = 2.0f, .size = size};
      check_kind("local_response", op, {2, 7, 3, 5});
      check_kind("local_response", op, {2, 7});
      check_after_convolution("local_response", op);
    }
  }
}

TEST(Normalization, OfBatchesOfAnyRank) {
  Tensor variance = random_tensor({5}, 6);
  for (float& value : variance.mutable_data<float>()) value = value * value + 0.1f;
  const std::vector<Tensor> constants = {random_tensor({5}, 3), random_tensor({5}, 4), random_tensor({5}, 5), variance};
  for (const Shape& shape : {Shape{3, 5}, Shape{2, 5, 7}, Shape{2, 5, 3, 4, 2}})
    check_kind("normalization", BatchNormalization{}, shape, constants);
}

}  // namespace
}  // namespace resnet

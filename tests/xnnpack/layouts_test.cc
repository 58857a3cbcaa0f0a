// Between convolutions values lie as NHWC, and what joins, cuts and scales them leaves them there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/xnnpack/network.h"

namespace resnet {
namespace {

using test::expect_as_reference;
using test::integers;
using test::Network;
using test::random_tensor;
using ::testing::ElementsAre;

TEST(StaysInNhwc, Concat) {
  Network n;
  const ValueId a = n.convolution(n.image, 5), b = n.convolution(n.image, 7), c = n.convolution(n.image, 1);
  EXPECT_THAT(n.run(n.convolution(n.append(Concat{.axis = 1}, {a, b, c, a}), 4)),
              ElementsAre("convolution", "convolution", "convolution", "concat", "convolution", "transpose"));
}

// One that comes as NCHW is the one that moves.
TEST(StaysInNhwc, ConcatOfMostlySuch) {
  Network n;
  const ValueId a = n.convolution(n.image, 5), b = n.convolution(n.image, 7);
  const ValueId rows =
      n.append(Reshape{}, {n.append(Softmax{}, {n.append(Reshape{}, {n.convolution(n.image, 2), n.constant(integers({2, -1}))})}),
                           n.constant(integers({2, 2, 9, 8}))});
  const auto kinds = n.run(n.convolution(n.append(Concat{.axis = 1}, {rows, a, b}), 4));
  EXPECT_THAT(kinds, ElementsAre("convolution", "convolution", "convolution", "transpose", "softmax", "transpose", "concat",
                                 "convolution", "transpose"));
}

TEST(StaysInNhwc, Slice) {
  const std::vector<std::array<std::vector<std::int64_t>, 4>> cases = {
      {{{2}, {5}, {1}, {1}}},                          // channels
      {{{4, 7}, {0, 0}, {1, 2}, {-2, -1}}},            // backwards
      {{{0, 1, 2}, {1, 3, 8}, {0, 1, 3}, {1, 1, 3}}},  // of one image, every third column
      {{{-4, 1}, {9, 9}, {-2, -1}, {1, 1}}},           // a corner
      {{{0}, {100}, {1}, {2}}},
  };
  for (const auto& [starts, ends, axes, steps] : cases) {
    SCOPED_TRACE(::testing::PrintToString(axes));
    Network n;
    const ValueId cut = n.append(Slice{}, {n.convolution(n.image, 6), n.constant(integers(starts)), n.constant(integers(ends)),
                                           n.constant(integers(axes)), n.constant(integers(steps))});
    EXPECT_THAT(n.run(n.convolution(cut, 4)), ElementsAre("convolution", "slice", "convolution", "transpose"));
  }
}

// Squeeze and excitation, whichever operand the image is, and where the channels' factors come as a vector.
TEST(StaysInNhwc, FactorsOfChannels) {
  for (const bool first : {false, true}) {
    for (const bool vector : {false, true}) {
      SCOPED_TRACE(::testing::Message() << first << vector);
      Network n;
      const ValueId image = n.convolution(n.image, 6);
      const ValueId mean = n.append(ReduceMean{.keepdims = !vector}, {image, n.constant(integers({2, 3}))});
      const ValueId gate = vector ? n.append(Reshape{}, {n.append(MatMul{}, {mean, n.constant(random_tensor({6, 6}, 3))}),
                                                         n.constant(integers({2, 6, 1, 1}))})
                                  : n.append(Sigmoid{}, {n.append(Conv{}, {mean, n.constant(random_tensor({6, 6, 1, 1}, 3))})});
      const ValueId scaled = n.append(Mul{}, first ? std::vector{gate, image} : std::vector{image, gate});
      const auto kinds = n.run(n.convolution(scaled, 4));
      EXPECT_EQ(std::count(kinds.begin(), kinds.end(), "transpose"), 1) << ::testing::PrintToString(kinds);  // of the output
      EXPECT_EQ(std::count(kinds.begin(), kinds.end(), "fallback"), 0);
    }
  }
}

// The channels' factors of one image, as a computed value of three axes.
TEST(StaysInNhwc, FactorsOfLowerRank) {
  Network n;
  const ValueId image = n.convolution(n.image, 6);
  const ValueId mean = n.append(ReduceMean{.keepdims = false}, {image, n.constant(integers({0}))});
  const ValueId factors = n.append(ReduceMean{}, {mean, n.constant(integers({1, 2}))});
  const auto kinds = n.run(n.convolution(n.append(Mul{}, {factors, image}), 4));
  EXPECT_EQ(std::count(kinds.begin(), kinds.end(), "transpose"), 1) << ::testing::PrintToString(kinds);
}

// A channel shuffle: channels are split, exchanged and joined. Only the exchange moves bytes.
TEST(StaysInNhwc, ChannelShuffle) {
  Network n;
  const ValueId split = n.append(Reshape{}, {n.convolution(n.image, 6), n.constant(integers({2, 2, 3, 9, 8}))});
  const ValueId exchanged = n.append(Transpose{{0, 2, 1, 3, 4}}, {split});
  const ValueId joined = n.append(Reshape{}, {exchanged, n.constant(integers({2, 6, 9, 8}))});
  EXPECT_THAT(n.run(n.convolution(joined, 4)), ElementsAre("convolution", "transpose", "convolution", "transpose"));
}

// Views that keep, split, join and mix what lies in NHWC.
TEST(Views, OfNhwc) {
  const std::vector<std::vector<std::int64_t>> shapes = {
      {2, 6, 72},         {2, 432},   {12, 9, 8}, {2, 2, 3, 9, 8}, {2, 6, 9, 8, 1}, {1, 2, 6, 1, 9, 8}, {2, 3, 2, 72},
      {2, 6, 3, 3, 2, 4}, {4, 27, 8}, {864},      {2, 6, 8, 9},    {2, 54, 8},      {6, 2, 9, 8}};
  for (const auto& shape : shapes) {
    SCOPED_TRACE(::testing::PrintToString(shape));
    Network n;
    const ValueId seen = n.append(Reshape{}, {n.convolution(n.image, 6), n.constant(integers(shape))});
    const auto kinds = n.run(n.append(Sigmoid{}, {n.append(Identity{}, {seen})}));
    EXPECT_LE(std::count(kinds.begin(), kinds.end(), "transpose"), 1);
  }
}

// Any element type, and any number of them.
TEST(Movement, OfOtherTypes) {
  for (const DType dtype : {DType::int64, DType::int8, DType::float16, DType::boolean}) {
    SCOPED_TRACE(name_of(dtype));
    Graph graph;
    const ValueId x = graph.add_input("x", Fact::of(DType::float32, {2, 3, 5, 4}));
    const ValueId cast = graph.append(Cast{dtype}, {x}, "cast");
    const auto list = [&](const char* name, std::vector<std::int64_t> values) {
      return graph.add_constant(name, integers(values));
    };
    const ValueId cut = graph.append(
        Slice{}, {cast, list("starts", {2, 1}), list("ends", {0, 9}), list("axes", {1, 3}), list("steps", {-1, 2})}, "cut");
    const ValueId half =
        graph.append(Slice{}, {cast, list("first", {0}), list("last", {2}), list("axis", {3}), list("step", {1})}, "half");
    const ValueId joined = graph.append(Concat{.axis = -3}, {cut, half, cut}, "joined");
    graph.set_outputs({joined});
    expect_as_reference(graph, {random_tensor({2, 3, 5, 4}, 1)});
  }
}

}  // namespace
}  // namespace resnet

// What moves elements: on whatever order of axes there is, for any element type.
#include <gtest/gtest.h>

#include <chrono>

#include "tests/xnnpack/network.h"

namespace resnet {
namespace {

using test::check_after_convolution;
using test::check_kind;
using test::expect_as_reference;
using test::integers;
using test::Network;
using test::random_tensor;

Tensor shaped(const std::vector<std::int64_t>& values, Shape shape) { return integers(values).reshaped(std::move(shape)); }

TEST(Movement, Gather) {
  for (const std::int64_t axis : {0, 1, 2, 3, -1, -3}) {
    SCOPED_TRACE(axis);
    const Gather op{.axis = axis};
    for (const Tensor& indices :
         {integers({1, 0, -1, -2, 1}), integers({0}), shaped({1}, {}), shaped({1, 0, -1, 0, 1, 1}, {2, 3})}) {
      SCOPED_TRACE(indices.shape().to_string());
      check_kind("gather", op, {2, 3, 4, 5}, {indices});
      check_after_convolution("gather", op, {indices});
    }
  }
  check_kind("gather", Gather{}, {7}, {integers({6, 0, 2})});
}

// The channels of a shuffle, which lie one by one.
TEST(Movement, GatherOfChannels) {
  std::vector<std::int64_t> shuffled;
  for (std::int64_t i = 0; i < 34; ++i) shuffled.push_back(i % 2 * 17 + i / 2);
  check_after_convolution("gather", Gather{.axis = 1}, {integers(shuffled)}, 34);
}

TEST(Movement, AnIndexOutOfRangeIsNamed) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {2, Dim::symbol("n")}));
  graph.set_outputs({graph.append(Gather{.axis = 1}, {x, graph.add_constant("indices", integers({3}))}, "chosen")});
  ThreadPool pool(1);
  xnnpack::Session session(xnnpack::Plan::make(graph, {.optimize = false}), pool);
  try {
    session.run(std::vector<Tensor>{random_tensor({2, 3}, 1)});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("index 3 is out of range"), std::string::npos) << error.what();
  }
}

TEST(Movement, ConcatOfVeryMany) {
  constexpr std::size_t count = 20000;
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {1, 2, 1, 2}));
  graph.set_outputs({graph.append(Concat{.axis = 1}, std::vector<ValueId>(count, x), "y")});
  ThreadPool pool(1);
  const Tensor value = random_tensor({1, 2, 1, 2}, 1);
  const auto start = std::chrono::steady_clock::now();
  const Tensor y = xnnpack::Session(xnnpack::Plan::make(graph, {.optimize = false}), pool).run(std::vector<Tensor>{value})[0];
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  for (std::size_t i = 0; i < count; ++i)
    ASSERT_EQ(std::memcmp(y.bytes().data() + i * value.size_bytes(), value.bytes().data(), value.size_bytes()), 0) << i;
}

TEST(Movement, Split) {
  for (const std::int64_t axis : {0, 1, 2, 3, -1}) {
    SCOPED_TRACE(axis);
    const auto extent = Shape{3, 5, 7, 4}[axis < 0 ? 3 : static_cast<std::size_t>(axis)];
    check_kind("split", Split{.axis = axis}, {3, 5, 7, 4}, {integers({1, extent - 1})}, 2);
    check_kind("split", Split{.axis = axis}, {3, 5, 7, 4}, {integers({1, 0, extent - 1})}, 3);
    check_kind("split", Split{.axis = axis}, {3, 5, 7, 4}, {integers({0, extent})}, 2);
    check_kind("split", Split{.axis = axis, .num_outputs = 2}, {3, 5, 7, 4}, {}, 2);
  }
}

TEST(Movement, SplitStaysInNhwc) {
  Network n;
  const ValueId split =
      n.graph.append(Split{.axis = 1}, {n.convolution(n.image, 7), n.constant(integers({2, 4, 1}))}, "split", {"a", "b", "c"});
  const ValueId joined = n.append(Concat{.axis = 1}, {{split.node, 2}, {split.node, 0}, {split.node, 1}});
  EXPECT_EQ(n.run(n.convolution(joined, 4)),
            (std::vector<std::string>{"convolution", "split", "concat", "convolution", "transpose"}));
}

TEST(Movement, ExpandAndTile) {
  for (const auto& shape : std::vector<std::vector<std::int64_t>>{{2, 3, 4, 5}, {2, 2, 3, 4, 5}, {1}, {1, 1, 3, 2, 3, 4, 5}})
    check_kind("expand", Expand{}, {2, 3, 4, 5}, {integers(shape)});
  check_kind("expand", Expand{}, {2, 1, 4, 1}, {integers({2, 3, 1, 5})});
  check_kind("expand", Expand{}, {}, {integers({3, 4})});
  check_after_convolution("expand", Expand{}, {integers({2, 3, 9, 8})}, 1);
  check_after_convolution("expand", Expand{}, {integers({3, 2, 6, 9, 8})});
  for (const auto& repeats : std::vector<std::vector<std::int64_t>>{{1, 1, 1, 1}, {2, 1, 1, 3}, {1, 2, 1, 1}, {1, 1, 3, 2}}) {
    check_kind("tile", Tile{}, {2, 3, 4, 5}, {integers(repeats)});
    check_after_convolution("tile", Tile{}, {integers(repeats)});
  }
}

TEST(Movement, PadOfEveryMode) {
  const std::vector<std::vector<std::int64_t>> pads = {
      {0, 0, 2, 1, 0, 0, 1, 2}, {1, 2, 0, 0, 0, 1, 0, 3}, {0, -1, 2, -2, 0, 2, -1, 0}};
  for (const auto mode : {Pad::Mode::constant, Pad::Mode::reflect, Pad::Mode::edge, Pad::Mode::wrap}) {
    for (const auto& list : pads) {
      SCOPED_TRACE(::testing::Message() << static_cast<int>(mode) << ::testing::PrintToString(list));
      check_kind("pad", Pad{mode}, {2, 4, 5, 6}, {integers(list)});
      check_after_convolution("pad", Pad{mode}, {integers(list)});
      if (mode != Pad::Mode::constant) continue;
      check_kind("pad", Pad{mode}, {2, 4, 5, 6}, {integers(list), Tensor::scalar(-2.5f)});
      check_after_convolution("pad", Pad{mode}, {integers(list), Tensor::scalar(-2.5f)});
    }
  }
  check_kind("pad", Pad{}, {3}, {integers({70000, 3})});
}

TEST(Movement, Blocks) {
  for (const auto mode : {DepthToSpace::Mode::dcr, DepthToSpace::Mode::crd}) {
    check_kind("depth_to_space", DepthToSpace{.blocksize = 2, .mode = mode}, {2, 12, 3, 5});
    check_kind("depth_to_space", DepthToSpace{.blocksize = 3, .mode = mode}, {1, 18, 4, 2});
    check_after_convolution("depth_to_space", DepthToSpace{.blocksize = 2, .mode = mode}, {}, 12);
  }
  check_kind("space_to_depth", SpaceToDepth{.blocksize = 2}, {2, 3, 6, 4});
  check_kind("space_to_depth", SpaceToDepth{.blocksize = 3}, {1, 2, 3, 9});
  Network n;
  const ValueId whole = n.append(Slice{}, {n.convolution(n.image, 5), n.constant(integers({1})), n.constant(integers({9})),
                                           n.constant(integers({2})), n.constant(integers({1}))});
  EXPECT_EQ(n.run(n.append(SpaceToDepth{.blocksize = 2}, {whole})),
            (std::vector<std::string>{"convolution", "slice", "space_to_depth", "transpose"}));
}

TEST(Movement, OfTypesOfEverySize) {
  for (const DType dtype : {DType::int64, DType::int8, DType::float16, DType::boolean, DType::float64, DType::int32}) {
    SCOPED_TRACE(name_of(dtype));
    Graph graph;
    const ValueId x = graph.add_input("x", Fact::of(DType::float32, {2, 4, 5, 4}));
    const auto list = [&](std::vector<std::int64_t> values) {
      return graph.add_constant("c" + std::to_string(graph.nodes().size()), integers(values));
    };
    const auto append = [&](Op op, std::vector<ValueId> inputs) {
      return graph.append(std::move(op), std::move(inputs), "n" + std::to_string(graph.nodes().size()));
    };
    const ValueId cast = append(Cast{dtype}, {x});
    graph.set_outputs({append(Gather{.axis = 3}, {cast, list({3, 0, 0})}), append(Pad{}, {cast, list({0, 1, 0, 2, 1, 0, 0, 1})}),
                       append(Tile{}, {cast, list({1, 2, 1, 2})}), append(Expand{}, {cast, list({2, 1, 1, 1, 1})}),
                       append(DepthToSpace{.blocksize = 2}, {cast}), append(Split{.axis = 1}, {cast, list({4})})});
    expect_as_reference(graph, {random_tensor({2, 4, 5, 4}, 1)});
  }
}

// What is long is cut into parts for all threads, wherever it is long.
TEST(Movement, OfLongRuns) {
  check_kind("slice", Slice{}, {3, 100000}, {integers({0, 1}), integers({2, 99999})});
  check_kind("slice", Slice{}, {70001}, {integers({17}), integers({70000})});
  check_kind("slice", Slice{}, {200000}, {integers({3}), integers({200000}), integers({0}), integers({2})});
  check_kind("slice", Slice{}, {2, 70000, 2}, {integers({-1}), integers({-100000}), integers({1}), integers({-1})});
  check_kind("gather", Gather{}, {5, 33333}, {integers({4, 0, 2})});
  check_kind("tile", Tile{}, {1, 40000}, {integers({3, 2})});
  check_kind("split", Split{.axis = 0}, {5, 30001}, {integers({3, 2})}, 2);
}

}  // namespace
}  // namespace resnet

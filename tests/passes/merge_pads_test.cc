#include <gmock/gmock.h>

#include "tests/passes/support.h"

namespace resnet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Numbers = std::vector<std::int64_t>;

// x (1x2x6x7) -> Pad -> the window -> y
Graph padded(const Op& window, const Numbers& pads, Pad pad = {}, std::optional<float> value = {},
             std::optional<Numbers> axes = {}) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {1, 2, 6, 7}));
  std::vector<ValueId> inputs = {x, graph.add_constant("pads", integers(pads))};
  inputs.push_back(value ? graph.add_constant("value", Tensor::scalar(*value)) : ValueId::none());
  inputs.push_back(axes ? graph.add_constant("axes", integers(*axes)) : ValueId::none());
  const ValueId before = add(graph, pad, inputs, "pad");
  std::vector<ValueId> window_inputs = {before};
  if (holds_alternative<Conv>(window)) window_inputs.push_back(graph.add_constant("w", filled(Shape{3, 2, 3, 3}, 7)));
  graph.set_outputs({add(graph, window, window_inputs, "y")});
  return graph;
}

Conv conv(const Numbers& pads = {}, AutoPad auto_pad = AutoPad::notset) {
  Conv op;
  op.pads = pads;
  op.auto_pad = auto_pad;
  op.strides = {2, 1};
  return op;
}

AveragePool pool(bool count_include_pad, const Numbers& pads = {}, bool ceil_mode = false) {
  AveragePool op;
  op.kernel_shape = {3, 3};
  op.strides = {2, 2};
  op.count_include_pad = count_include_pad;
  op.pads = pads;
  op.ceil_mode = ceil_mode;
  return op;
}

const Numbers by_one = {0, 0, 1, 1, 0, 0, 1, 1}, lopsided = {0, 0, 0, 1, 0, 0, 2, 3};

void expect_merged(const Graph& graph, const std::string& window) {
  PassLog log;
  const Graph after = remove_dead_nodes(merge_pads(graph, log), log);
  EXPECT_EQ(count(after, "Pad"), 0u);
  EXPECT_THAT(print(after), ::testing::HasSubstr(window));
  expect_same_outputs(graph, after, {filled(Shape{1, 2, 6, 7}, 1)}, 1e-6);
  EXPECT_THAT(log.done.front(), ::testing::StartsWith("merge_pads: node 'pad' (Pad) into node 'y' ("));
}

void expect_apart(const Graph& graph, std::size_t declined) {
  PassLog log;
  EXPECT_EQ(print(merge_pads(graph, log)), print(graph));
  EXPECT_THAT(log.done, IsEmpty());
  EXPECT_EQ(log.declined.size(), declined);
}

TEST(MergePads, IntoAConv) {
  expect_merged(padded(conv(), by_one), "%y = Conv(%x, %w) {pads=[1,1,1,1], strides=[2,1]} : float 1x3x3x7");
}
TEST(MergePads, AddsToPadsThatAreThere) {
  expect_merged(padded(conv({1, 0, 2, 1}), lopsided), "{pads=[1,1,4,4], strides=[2,1]}");
}
TEST(MergePads, TakesANamedZeroAndAxes) {
  expect_merged(padded(conv(), {1, 2, 3, 4}, {}, 0.0f, Numbers{-1, 2}), "{pads=[2,1,4,3], strides=[2,1]}");
}
TEST(MergePads, IntoAnAveragePoolThatCounts) {
  expect_merged(padded(pool(true, {0, 1, 0, 0}), by_one), "pads=[1,2,1,1], strides=[2,2], count_include_pad=true}");
}
TEST(MergePads, AnUnpaddedAveragePoolCountsFromThenOn) {
  expect_merged(padded(pool(false), by_one), "pads=[1,1,1,1], strides=[2,2], count_include_pad=true}");
  expect_merged(padded(pool(false, {0, 0, 0, 0}), by_one), "pads=[1,1,1,1], strides=[2,2], count_include_pad=true}");
}

TEST(MergePads, NotWhatIsNoZeroPaddingOfTheMap) {
  expect_apart(padded(conv(), by_one, {}, 1.0f), 0);
  expect_apart(padded(conv(), by_one, {Pad::Mode::reflect}), 0);
  expect_apart(padded(conv(), by_one, {Pad::Mode::edge}), 0);
  expect_apart(padded(conv(), {0, 0, -1, 0, 0, 0, 1, 1}), 0);
  // Option A's own Pad is one of channels.
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {1, 2, 6, 7}));
  const ValueId pads = graph.add_constant("pads", integers({0, 1, 0, 0, 0, 1, 0, 0}));
  const ValueId pad = add(graph, Pad{}, {x, pads}, "pad");
  const ValueId w = graph.add_constant("w", filled(Shape{3, 4, 3, 3}, 7));
  graph.set_outputs({add(graph, conv(), {pad, w}, "y")});
  expect_apart(graph, 0);
}

TEST(MergePads, NotWhereTheWindowWouldSeeSomethingElse) {
  expect_apart(padded(conv({}, AutoPad::same_upper), by_one), 1);
  expect_apart(padded(pool(false, {1, 1, 1, 1}), by_one), 1);
  expect_apart(padded(pool(true, {}, true), by_one), 1);
  expect_apart(padded(pool(true), {0, 0, 3, 0, 0, 0, 0, 0}), 1);
  PassLog log;
  merge_pads(padded(pool(true, {}, true), by_one), log);
  EXPECT_THAT(log.declined,
              ElementsAre("merge_pads: node 'pad' (Pad): the window of node 'y' (AveragePool) would not see the same"));
}

TEST(MergePads, NotAComputedPad) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {1, 2, 6, 7}));
  const ValueId pads = graph.add_input("pads", Fact::of(DType::int64, {8}));
  const ValueId pad = add(graph, Pad{}, {x, pads}, "pad");
  const ValueId w = graph.add_constant("w", filled(Shape{3, 2, 3, 3}, 7));
  graph.set_outputs({add(graph, conv(), {pad, w}, "y")});
  expect_apart(graph, 0);
}

TEST(MergePads, OtherReadersKeepThePad) {
  Graph graph = padded(conv(), by_one);
  const ValueId pad = graph.node(graph.outputs()[0].node).inputs[0];
  graph.set_outputs({graph.outputs()[0], add(graph, Relu{}, {pad}, "z")});
  PassLog log;
  const Graph after = remove_dead_nodes(merge_pads(graph, log), log);
  EXPECT_EQ(count(after, "Pad"), 1u);
  expect_same_outputs(graph, after, {filled(Shape{1, 2, 6, 7}, 1)}, 1e-6);
}

TEST(MergePads, HugePadsAreLeftAlone) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {1, 2, Dim::symbol("height"), 7}));
  const ValueId pads = graph.add_constant("pads", integers({0, 0, std::int64_t{1} << 50, 0, 0, 0, std::int64_t{1} << 50, 0}));
  const ValueId pad = add(graph, Pad{}, {x, pads}, "pad");
  const ValueId w = graph.add_constant("w", filled(Shape{3, 2, 3, 3}, 7));
  graph.set_outputs({add(graph, conv(), {pad, w}, "y")});
  expect_apart(graph, 0);
}

}  // namespace
}  // namespace resnet

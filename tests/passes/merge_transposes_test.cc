#include <gmock/gmock.h>

#include "tests/passes/support.h"

namespace resnet {
namespace {

using ::testing::ElementsAre;

const std::vector<std::int64_t> to_nhwc = {0, 2, 3, 1}, to_nchw = {0, 3, 1, 2};

Graph chain(const std::vector<std::vector<std::int64_t>>& perms) {
  Graph graph;
  ValueId x = graph.add_input("x", Fact::of(DType::float32, {2, 3, 4, 5}));
  x = add(graph, Relu{}, {x}, "relu");
  for (std::size_t i = 0; i < perms.size(); ++i) x = add(graph, Transpose{perms[i]}, {x}, "t" + std::to_string(i + 1));
  graph.set_outputs({add(graph, Sigmoid{}, {x}, "y")});
  return graph;
}

Graph merged_and_cleaned(const Graph& graph) {
  PassLog log;
  return remove_dead_nodes(merge_transposes(graph, log), log);
}

TEST(MergeTransposes, TwoBecomeOne) {
  const Graph graph = chain({to_nhwc, {0, 1, 3, 2}});
  const Graph after = merged_and_cleaned(graph);
  EXPECT_EQ(print(after),
            "%x = Input() : float 2x3x4x5\n%relu = Relu(%x) : float 2x3x4x5\n"
            "%t2 = Transpose(%relu) {perm=[0,2,1,3]} : float 2x4x3x5\n%y = Sigmoid(%t2) : float 2x4x3x5\nreturn %y\n");
  expect_same_outputs(graph, after, {filled(Shape{2, 3, 4, 5}, 1)});
}

TEST(MergeTransposes, TwoThatCancelBecomeNone) {
  const Graph graph = chain({to_nhwc, to_nchw});
  PassLog log;
  const Graph after = remove_dead_nodes(merge_transposes(graph, log), log);
  EXPECT_EQ(print(after),
            "%x = Input() : float 2x3x4x5\n%relu = Relu(%x) : float 2x3x4x5\n%y = Sigmoid(%relu) : float 2x3x4x5\n"
            "return %y\n");
  expect_same_outputs(graph, after, {filled(Shape{2, 3, 4, 5}, 1)});
  EXPECT_EQ(log.done.front(), "merge_transposes: node 't2' (Transpose) with node 't1' (Transpose): they cancel");
}

TEST(MergeTransposes, ThreeBecomeOneAtOnce) {
  const Graph graph = chain({to_nhwc, {3, 1, 2, 0}, {1, 0, 2, 3}});
  const Graph after = merged_and_cleaned(graph);
  EXPECT_EQ(count(after, "Transpose"), 1u);
  expect_same_outputs(graph, after, {filled(Shape{2, 3, 4, 5}, 1)});
}

TEST(MergeTransposes, AMissingPermReverses) {
  const Graph graph = chain({{}, {}});
  const Graph after = merged_and_cleaned(graph);
  EXPECT_EQ(count(after, "Transpose"), 0u);
  expect_same_outputs(graph, after, {filled(Shape{2, 3, 4, 5}, 1)});
}

TEST(MergeTransposes, OtherReadersKeepTheFirst) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {2, 3, 4, 5}));
  const ValueId first = add(graph, Transpose{to_nhwc}, {x}, "first");
  const ValueId second = add(graph, Transpose{to_nchw}, {first}, "second");
  graph.set_outputs({add(graph, Relu{}, {first}, "a"), add(graph, Relu{}, {second}, "b")});
  const Graph after = merged_and_cleaned(graph);
  EXPECT_EQ(count(after, "Transpose"), 1u);
  expect_same_outputs(graph, after, {filled(Shape{2, 3, 4, 5}, 1)});
}

TEST(MergeTransposes, AnInputThatIsAnOutputKeepsANode) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {2, 3, 4, 5}));
  const ValueId first = add(graph, Transpose{to_nhwc}, {x}, "first");
  graph.set_outputs({add(graph, Transpose{to_nchw}, {first}, "y")});
  const Graph after = merged_and_cleaned(graph);
  EXPECT_EQ(print(after), "%x = Input() : float 2x3x4x5\n%y = Transpose(%x) {perm=[0,1,2,3]} : float 2x3x4x5\nreturn %y\n");
  expect_same_outputs(graph, after, {filled(Shape{2, 3, 4, 5}, 1)});
}

TEST(MergeTransposes, NothingBetweenIsSkipped) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {2, 3, 4, 5}));
  const ValueId first = add(graph, Transpose{to_nhwc}, {x}, "first");
  const ValueId between = add(graph, Relu{}, {first}, "between");
  graph.set_outputs({add(graph, Transpose{to_nchw}, {between}, "y")});
  PassLog log;
  EXPECT_EQ(print(merge_transposes(graph, log)), print(graph));
  EXPECT_THAT(log.done, ElementsAre());
}

}  // namespace
}  // namespace resnet

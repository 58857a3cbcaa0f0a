#include <gmock/gmock.h>

#include "tests/passes/support.h"

namespace resnet {
namespace {

TEST(RemoveDeadNodes, KeepsWhatAnOutputNeedsAndInputs) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {2}));
  const ValueId unused = graph.add_input("unused", Fact::of(DType::float32, {2}));
  const ValueId w = graph.add_constant("w", filled(Shape{2}, 1));
  const ValueId v = graph.add_constant("v", filled(Shape{2}, 2));
  const ValueId dead = add(graph, Mul{}, {unused, v}, "dead");
  add(graph, Relu{}, {dead}, "deader");
  graph.set_outputs({add(graph, Add{}, {x, w}, "y")});
  PassLog log;
  const Graph after = remove_dead_nodes(graph, log);
  EXPECT_EQ(print_operators(after),
            "%x = Input() : float 2\n%unused = Input() : float 2\n%y = Add(%x, %w) : float 2\nreturn %y\n");
  EXPECT_FALSE(has_constant(after, "v"));
  EXPECT_TRUE(has_constant(after, "w"));
  expect_same_outputs(graph, after, {filled(Shape{2}, 3), filled(Shape{2}, 4)});
  EXPECT_THAT(log.done, ::testing::ElementsAre("remove_dead_nodes: node 'v' (Constant)", "remove_dead_nodes: node 'dead' (Mul)",
                                               "remove_dead_nodes: node 'deader' (Relu)"));
}

TEST(RemoveDeadNodes, LetsALivingGraphBe) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {2}));
  graph.set_outputs({add(graph, Relu{}, {x}, "y")});
  PassLog log;
  EXPECT_EQ(print(remove_dead_nodes(graph, log)), print(graph));
  EXPECT_TRUE(log.done.empty());
}

}  // namespace
}  // namespace resnet

#include "lib/passes/rewrite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/passes/support.h"

namespace resnet {
namespace {

Graph two_relus() {
  Graph graph;
  graph.name = "net";
  graph.doc_string = "what it is";
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {2}));
  const ValueId a = add(graph, Relu{}, {x}, "a");
  const ValueId b = add(graph, Relu{}, {a}, "b");
  graph.node(b.node).doc_string = "the second";
  graph.node(b.node).metadata["scope"] = "layer1";
  graph.node(b.node).name = "node_b";
  graph.set_outputs({b});
  return graph;
}

TEST(Rewriter, CopiesEverything) {
  const Graph graph = two_relus();
  const Graph copy = Rewriter(graph).run([](NodeId) { return false; });
  EXPECT_EQ(print(copy), print(graph));
  EXPECT_EQ(copy.name, "net");
  EXPECT_EQ(copy.doc_string, "what it is");
  EXPECT_EQ(copy.node(2).name, "node_b");
  EXPECT_EQ(copy.node(2).doc_string, "the second");
  EXPECT_EQ(copy.node(2).metadata.at("scope"), "layer1");
}

TEST(Rewriter, KeepsNamesOfNodesAndValuesApart) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {2}));
  const ValueId w = graph.add_constant("w", filled(Shape{2}, 1));
  graph.node(w.node).name = "Constant_3";
  graph.node(x.node).name = "first";
  graph.set_outputs({add(graph, Add{}, {x, w}, "y")});
  const Graph copy = Rewriter(graph).run([](NodeId) { return false; });
  EXPECT_EQ(copy.node(0).name, "first");
  EXPECT_EQ(copy.node(0).outputs[0].name, "x");
  EXPECT_EQ(copy.node(1).name, "Constant_3");
  EXPECT_EQ(copy.node(1).outputs[0].name, "w");
}

TEST(Rewriter, AnOutputHandsItsNameOn) {
  const Graph graph = two_relus();
  Rewriter rewriter(graph);
  const Graph result = rewriter.run([&](NodeId id) {
    if (id != 2) return false;
    rewriter.replace({2, 0}, rewriter.map({1, 0}));
    return true;
  });
  EXPECT_EQ(print(result), "%x = Input() : float 2\n%b = Relu(%x) : float 2\nreturn %b\n");
}

TEST(Rewriter, AnInputThatBecomesAnOutputGetsAnIdentity) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {2}));
  graph.set_outputs({add(graph, Relu{}, {x}, "y")});
  Rewriter rewriter(graph);
  const Graph result = rewriter.run([&](NodeId id) {
    if (id != 1) return false;
    rewriter.replace({1, 0}, rewriter.map({0, 0}));
    return true;
  });
  EXPECT_EQ(print(result), "%x = Input() : float 2\n%y = Identity(%x) : float 2\nreturn %y\n");
}

TEST(Rewriter, AValueThatIsTwoOutputsGetsAnIdentity) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {2}));
  const ValueId a = add(graph, Relu{}, {x}, "a");
  const ValueId b = add(graph, Relu{}, {a}, "b");
  graph.set_outputs({b, a, b});
  Rewriter rewriter(graph);
  const Graph result = rewriter.run([&](NodeId id) {
    if (id != 2) return false;
    rewriter.replace({2, 0}, rewriter.map({1, 0}));
    return true;
  });
  EXPECT_EQ(verify(result), std::vector<std::string>{});
  EXPECT_EQ(result.value(result.outputs()[1]).name, "a");
  EXPECT_EQ(result.value(result.outputs()[0]).name, "b");
}

TEST(Rewriter, ConstantsGetFreeNames) {
  const Graph graph = two_relus();
  Rewriter rewriter(graph);
  rewriter.add_constant("a", integers({1}));
  rewriter.add_constant("a", integers({2}));
  rewriter.release_name({2, 0});
  rewriter.add_constant("b", integers({3}));
  std::vector<std::string> names;
  for (const Node& node : rewriter.graph().nodes()) names.push_back(node.outputs[0].name);
  EXPECT_THAT(names, ::testing::ElementsAre("a_1", "a_2", "b"));
}

TEST(Readers, OnlyConsumer) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {2, 2, 2, 2}));
  const ValueId once = add(graph, Relu{}, {x}, "once");
  const ValueId twice = add(graph, Relu{}, {once}, "twice");
  const ValueId squared = add(graph, Mul{}, {twice, twice}, "squared");
  MaxPool pool;
  pool.kernel_shape = {1, 1};
  const ValueId pooled = graph.append(pool, {squared}, "pool", {"pooled", "indices"});
  const ValueId last = add(graph, Relu{}, {pooled}, "last");
  graph.set_outputs({last, squared});
  const Readers readers(graph);
  EXPECT_EQ(readers.only(once), twice.node);
  EXPECT_EQ(readers.only(twice), std::nullopt);    // read twice by one node
  EXPECT_EQ(readers.only(squared), std::nullopt);  // also an output of the graph
  EXPECT_EQ(readers.only(pooled), last.node);      // nothing reads the indices
  EXPECT_FALSE(readers.others_are_read(pooled.node));
  graph.set_outputs({last, {pooled.node, 1}});
  const Readers with_indices(graph);
  EXPECT_TRUE(with_indices.others_are_read(pooled.node));
  EXPECT_EQ(with_indices.only(pooled), std::nullopt);
}

}  // namespace
}  // namespace resnet

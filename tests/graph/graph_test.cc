// Graphs as they are built, verified and printed.
#include "lib/graph/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/error.h"

namespace resnet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Graph small() {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {Dim::symbol("N"), 4}));
  const ValueId w = graph.add_constant("w", Tensor::from<float>(Shape{4}, {1, 2, 3, 4}));
  const ValueId sum = graph.append(Add{}, {x, w}, "add", {"sum"});
  graph.set_outputs({graph.append(Relu{}, {sum}, "relu", {"y"})});
  return graph;
}

TEST(Graph, AppendInfersAtOnce) {
  const Graph graph = small();
  EXPECT_EQ(graph.fact(graph.outputs()[0]).to_string(), "float Nx4");
  EXPECT_THAT(verify(graph), IsEmpty());
}

TEST(Graph, WhatContradictsItselfCannotBeBuilt) {
  Graph graph = small();
  const ValueId three = graph.add_constant("three", Tensor::from<float>(Shape{3}, {1, 2, 3}));
  try {
    graph.append(Mul{}, {graph.outputs()[0], three}, "scale");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::malformed);
    EXPECT_STREQ(error.what(), "node 'scale' (Mul): cannot broadcast Nx4 with 3");
  }
  EXPECT_EQ(graph.nodes().size(), 5u);
}

TEST(Graph, ShapesThatDoNotFitIntoMemoryCannotBeBuilt) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {std::int64_t{1} << 40, 1}));
  const ValueId y = graph.add_input("y", Fact::of(DType::float32, {1, std::int64_t{1} << 40}));
  EXPECT_THROW(graph.append(Add{}, {x, y}, "sum"), Error);
}

TEST(Graph, NodesWithoutANameAreNamedByTheirOutput) {
  Graph graph = small();
  const ValueId id = graph.append(Relu{}, {graph.outputs()[0]}, "", {"z"});
  EXPECT_EQ(describe(graph.node(id.node)), "node 'z' (Relu)");
}

TEST(Graph, ConsumersAreListedOncePerUse) {
  Graph graph = small();
  const ValueId y = graph.outputs()[0];
  graph.append(Add{}, {y, y}, "twice");
  EXPECT_THAT(graph.consumers()[static_cast<std::size_t>(y.node)], ElementsAre(4, 4));
  EXPECT_THAT(graph.consumers()[1], ElementsAre(2));
}

TEST(Graph, Prints) {
  EXPECT_EQ(print(small()),
            "%x = Input() : float Nx4\n"
            "%w = Constant() {float 4 [1, 2, 3, 4]} : float 4\n"
            "%sum = Add(%x, %w) : float Nx4\n"
            "%y = Relu(%sum) : float Nx4\n"
            "return %y\n");
}

TEST(Graph, InputFactsSpread) {
  const Graph graph = small();
  const Fact two = Fact::of(DType::float32, {2, 4});
  const Graph fixed = with_input_facts(graph, std::span(&two, 1));
  EXPECT_EQ(fixed.fact(fixed.outputs()[0]).to_string(), "float 2x4");
  const Fact five = Fact::of(DType::float32, {2, 5});
  EXPECT_THROW(with_input_facts(graph, std::span(&five, 1)), Error);
}

// What a file says of its dims may be of any length; what is said of them is not.
TEST(Dims, LongOnesAreCut) {
  EXPECT_EQ(to_string(Dims(16, Dim(1))), "1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1");
  EXPECT_EQ(to_string(Dims(4000, Dim(1))), "1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x... (4000 dims)");
  const std::string text = to_string({Dim::symbol("begin" + std::string(3000, 's') + "end"), 3});
  EXPECT_LT(text.size(), 200u);
  EXPECT_THAT(text, testing::AllOf(testing::StartsWith("beginss"), HasSubstr("..."), testing::EndsWith("sendx3")));
}

TEST(Verify, ListsEverything) {
  Graph graph = small();
  graph.append(Relu{}, {graph.outputs()[0]}, "again", {"sum"});
  graph.set_outputs({{9, 0}, {3, 1}});
  EXPECT_THAT(verify(graph), ElementsAre("value 'sum' is made twice: by node 'add' (Add) and by node 'again' (Relu)",
                                         HasSubstr("(node 9, slot 0)"), HasSubstr("(node 3, slot 1)")));
  graph.set_outputs({});
  EXPECT_THAT(verify(graph), testing::Contains("the graph has no output"));
}

}  // namespace
}  // namespace resnet

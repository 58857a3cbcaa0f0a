// Subgraphs and sequences are put in place of their nodes while a file is read, where what decides is known.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/onnx/read.h"
#include "lib/base/error.h"
#include "lib/reference/reference.h"

namespace resnet::onnx {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Model read(const std::string& graph, int opset = 17) {
  return read_text("<ir_version: 8, opset_import: [\"\": " + std::to_string(opset) + "]>\n" + graph);
}

std::vector<float> run(const Graph& graph, const Tensor& input) {
  const std::vector<Tensor> outputs = reference::evaluate(graph, std::vector<Tensor>{input});
  const auto values = outputs.at(0).data<float>();
  return {values.begin(), values.end()};
}
std::vector<float> run(const std::string& graph, int opset = 17) {
  return run(read(graph, opset).graph, Tensor::from<float>(Shape{1, 4}, {1, 2, 3, 4}));
}

bool holds(const Graph& graph, const std::string& type) {
  return std::any_of(graph.nodes().begin(), graph.nodes().end(), [&](const Node& node) { return type_of(node.op) == type; });
}

const char* const branches = R"(<
    then_branch = yes () => (float[1,4] a) { a = Add(x, x) },
    else_branch = no () => (float[1,4] b) <float[1] two = {2}> { c = Mul(x, two)  b = Mul(c, two) }>)";

TEST(Subgraphs, TheBranchOfAConstantCondition) {
  for (const auto& [condition, expected] :
       {std::pair("1", std::vector<float>{2, 4, 6, 8}), std::pair("0", std::vector<float>{4, 8, 12, 16})}) {
    const std::string text =
        std::string("g (float[1,4] x) => (float[1,4] y) <bool c = {") + condition + "}> { y = If(c) " + branches + " }";
    EXPECT_EQ(run(text), expected);
    EXPECT_FALSE(holds(read(text).graph, "If"));
    EXPECT_EQ(read(text).graph.value(read(text).graph.outputs()[0]).name, "y");
  }
}

TEST(Subgraphs, AConditionOnTheShape) {
  const auto with = [](const std::string& input) {
    return "g (float[" + input + R"(] x) => (float[1,4] y) <int64 one = {1}, int64 axis = {0}, int64 least = {3}> {
      s = Shape(x)  d = Gather(s, one)  p = Mul(d, one)  c = Greater(p, least)  n = Not(c)  i = If(n) )" +
           branches + " y = Identity(i) }";
  };
  EXPECT_TRUE(holds(read(with("1,n")).graph, "If"));
  const Graph known = read(with("1,4")).graph;
  EXPECT_FALSE(holds(known, "If"));
  EXPECT_TRUE(holds(known, "Mul"));
}

// As the condition's own types have it.
TEST(Subgraphs, AConditionIsComputedInItsType) {
  const auto chosen = [](const std::string& constants, const std::string& condition) {
    return run("g (float[1,4] x) => (float[1,4] y) <" + constants + "> { " + condition + " y = If(c) " + branches + " }");
  };
  const auto then_branch = ElementsAre(2, 4, 6, 8);
  EXPECT_THAT(chosen("float a = {0.1}, float b = {0.2}, float s = {0.3}", "t = Add(a, b) c = Equal(t, s)"),
              0.1f + 0.2f == 0.3f ? then_branch : ElementsAre(4, 8, 12, 16));
  EXPECT_THAT(chosen("int64 a = {-7}, int64 b = {2}, int64 q = {-3}", "t = Div(a, b) c = Equal(t, q)"), then_branch);
  EXPECT_THAT(chosen("int64 a = {-7}, int64 b = {3}, int64 r = {2}", "t = Mod(a, b) c = Equal(t, r)"), then_branch);
}

// What wraps, or is beyond what a double tells apart, is not guessed at.
TEST(Subgraphs, AConditionThatIsNotExactStays) {
  for (const auto& [constants, condition] :
       {std::pair("uint8 a = {200}, uint8 b = {100}, uint8 s = {44}", "t = Add(a, b) c = Equal(t, s)"),
        std::pair("int64 a = {300}, uint8 s = {44}", "t = Cast<to = 2>(a) c = Equal(t, s)"),
        std::pair("int64 a = {-7}, int64 b = {3}, int64 r = {-1}", "t = Mod<fmod = 1>(a, b) c = Equal(t, r)")}) {
    const Model model = read(std::string("g (float[1,4] x) => (float[1,4] y) <") + constants + "> { " + condition +
                             " y = If(c) " + branches + " }");
    EXPECT_TRUE(holds(model.graph, "If")) << condition;
  }
}

TEST(Subgraphs, BranchesWithinBranches) {
  EXPECT_THAT(run(R"(g (float[1,4] x) => (float[1,4] y) <bool c = {1}> {
      y = If(c) <then_branch = outer () => (float[1,4] a) {
          m = Add(x, x)
          a = If(c) <then_branch = inner () => (float[1,4] b) { b = Add(m, x) }, else_branch = other () => (float[1,4] b) { b = Identity(x) }>
        }, else_branch = no () => (float[1,4] a) { a = Identity(x) }> })"),
              ElementsAre(3, 6, 9, 12));
}

TEST(Subgraphs, ALoopIsUnrolled) {
  const std::string loop = R"(g (float[1,4] x) => (float[1,4] y) <int64 count = {3}, bool go = {1}> {
      y, all = Loop(count, go, x) <body = step (int64 i, bool in, float[1,4] v) => (bool out, float[1,4] w, float[1,4] each) {
          out = Identity(in)  f = Cast<to = 1>(i)  w = Add(v, f)  each = Mul(v, v) }> })";
  EXPECT_THAT(run(loop), ElementsAre(4, 5, 6, 7));
  const std::string stacked = std::string(loop).replace(loop.find("(float[1,4] y)"), 14, "(float[3,1,4] all)");
  EXPECT_THAT(run(stacked), ElementsAre(1, 4, 9, 16, 1, 4, 9, 16, 4, 9, 16, 25));
}

TEST(Subgraphs, ALoopThatIsTooLongStays) {
  const auto looped = [](const std::string& count) {
    return read("g (float[1,4] x) => (float[1,4] y) <int64 count = {" + count + R"(}, bool go = {1}> {
      y = Loop(count, go, x) <body = step (int64 i, bool in, float[1,4] v) => (bool out, float[1,4] w) {
          out = Identity(in)  w = Add(v, v) }> })")
        .graph;
  };
  EXPECT_FALSE(holds(looped("100"), "Loop"));
  EXPECT_TRUE(holds(looped("9223372036854775807"), "Loop"));
  EXPECT_FALSE(holds(looped("0"), "Loop"));
  EXPECT_FALSE(holds(looped("-1"), "Loop"));
}

TEST(Subgraphs, ALoopThatIsGivenLessThanItCarries) {
  try {
    read(R"(g (float[1,4] x) => (float[1,4] y) <int64 count = {3}, bool go = {1}> {
      z, y = Loop(count, go, , x) <body = step (int64 i, bool in, float[1,4] u, float[1,4] v)
        => (bool out, float[1,4] s, float[1,4] w) { out = Identity(in)  s = Identity(v)  w = Add(v, x) }> })");
    ADD_FAILURE() << "was read";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("input 2, which is carried from one iteration to the next, is left out"));
  }
}

TEST(Subgraphs, ALoopOfNothingCountsItsConstants) {
  std::string nodes;
  for (int i = 0; i < 3; ++i)
    nodes += "y" + std::to_string(i + 1) + " = Loop(count, go, y" + std::to_string(i) +
             ") <body = step (int64 i, bool in, float[1,4] v) => (bool in, float[1,4] v) { }> ";
  const Model model =
      read("g (float[1,4] x) => (float[1,4] y3) <int64 count = {9000}, bool go = {1}> { y0 = Identity(x) " + nodes + " }");
  EXPECT_TRUE(holds(model.graph, "Loop"));  // those that would be too many
}

TEST(Subgraphs, ALoopThatDecidesItselfStays) {
  EXPECT_TRUE(holds(read(R"(g (float[1,4] x) => (float[1,4] y) <int64 count = {3}, bool go = {1}, float limit = {9}> {
      y = Loop(count, go, x) <body = step (int64 i, bool in, float[1,4] v) => (bool out, float[1,4] w) {
          w = Add(v, v)  m = ReduceMax<keepdims = 0>(w)  out = Less(m, limit) }> })")
                        .graph,
                    "Loop"));
}

TEST(Sequences, SplitAndJoined) {
  EXPECT_THAT(run(R"(g (float[1,4] x) => (float[1,4] y) <int64 size = {3}, int64 first = {0}, int64 last = {-1}> {
      s = SplitToSequence<axis = 1>(x, size)  a = SequenceAt(s, last)  b = SequenceAt(s, first)
      t = SequenceConstruct(a, b)  y = ConcatFromSequence<axis = 1>(t) })"),
              ElementsAre(4, 1, 2, 3));
  EXPECT_THAT(run(R"(g (float[1,4] x) => (float[2,2] y) <int64[2] sizes = {1, 3}, int64 one = {1}> {
      s = SplitToSequence<axis = 1>(x, sizes)  e = SequenceErase(s, one)  a = SequenceAt(s, one)
      k = SplitToSequence<axis = 1, keepdims = 0>(a)  n = SequenceInsert(k, k0)  y0 = ConcatFromSequence<axis = 0, new_axis = 1>(k)
      k0 = Identity(x) y = Identity(y0) })"),
              ElementsAre(2, 3, 4));
}

TEST(Sequences, LengthsAndPlaces) {
  const std::string text = R"(g (float[1,4] x) => (int64 y) {
      a = SequenceEmpty()  b = SequenceInsert(a, x)  c = SequenceInsert(b, x)  d = SequenceErase(c)  e = Identity(d)  y = SequenceLength(e) })";
  const Graph graph = read(text).graph;
  EXPECT_THAT(
      reference::evaluate(graph, std::vector<Tensor>{Tensor::from<float>(Shape{1, 4}, {1, 2, 3, 4})}).at(0).data<std::int64_t>(),
      ElementsAre(1));
  try {
    read(R"(g (float[1,4] x) => (float[1,4] y) <int64 two = {2}> { a = SequenceConstruct(x, x)  y = SequenceAt(a, two) })");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::malformed);
    EXPECT_THAT(error.what(), HasSubstr("position 2 in a sequence of 2"));
  }
}

TEST(Sequences, OneThatIsGivenTwice) {
  const Model model = read("g (float[1,4] x) => (seq(float[1,2]) s, seq(float[1,2]) s) { s = SplitToSequence<axis = 1>(x) }");
  EXPECT_EQ(model.graph.outputs()[0], model.graph.outputs()[1]);
}

TEST(Sequences, AreNoTensors) {
  try {
    read("g (float[1,4] x) => (float[1,4] y) { s = SplitToSequence<axis = 1>(x)  y = Relu(s) }");
    ADD_FAILURE() << "was read";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("input 0 is a sequence, expected a tensor"));
  }
}

TEST(Sequences, WhatACallLeavesOut) {
  const char* const text = R"(<ir_version: 8, opset_import: ["": 17, "own": 1]>
      g (float[1,4] x) => (float[1,4] y) { y = own.halves(x) }
      <domain: "own", opset_import: ["": 17]> halves (x, split) => (y) {
        s = SplitToSequence<axis = 1>(x, split)  y = ConcatFromSequence<axis = 1>(s) })";
  EXPECT_EQ(run(read_text(text).graph, Tensor::from<float>(Shape{1, 4}, {1, 2, 3, 4})), (std::vector<float>{1, 2, 3, 4}));
}

TEST(Sequences, AnOpenPlaceLeavesTheNodes) {
  const Graph graph =
      read(R"(g (float[1,4] x, int64 i) => (float[1,4] y) { a = SequenceConstruct(x, x)  y = SequenceAt(a, i) })").graph;
  EXPECT_TRUE(holds(graph, "SequenceConstruct"));
  EXPECT_TRUE(holds(graph, "SequenceAt"));
}

}  // namespace
}  // namespace resnet::onnx

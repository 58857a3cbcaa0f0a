#include <gmock/gmock.h>

#include "tests/passes/support.h"

namespace resnet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// x (2x3x1x1) -> Relu -> the node -> Sigmoid -> y
struct Case {
  std::string name;
  std::function<ValueId(Graph&, ValueId)> node;
  bool removed;
};

ValueId with_list(Graph& graph, Op op, ValueId x, std::vector<std::int64_t> list) {
  const ValueId second = graph.add_constant("list", integers(std::move(list)));
  return add(graph, std::move(op), {x, second}, "node");
}

ValueId dropout(Graph& graph, ValueId x, bool training) {
  const ValueId mode = graph.add_constant("mode", Tensor::scalar(training));
  return add(graph, Dropout{}, {x, ValueId::none(), mode}, "node");
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"identity", [](Graph& g, ValueId x) { return add(g, Identity{}, {x}, "node"); }, true},
      {"dropout", [](Graph& g, ValueId x) { return add(g, Dropout{}, {x}, "node"); }, true},
      {"dropout_at_inference", [](Graph& g, ValueId x) { return dropout(g, x, false); }, true},
      {"cast_to_its_type", [](Graph& g, ValueId x) { return add(g, Cast{.to = DType::float32}, {x}, "node"); }, true},
      {"pad_by_nothing",
       [](Graph& g, ValueId x) {
         return with_list(g, Pad{}, x, {0, 0, 0, 0, 0, 0, 0, 0});
       },
       true},
      {"pad_by_something",
       [](Graph& g, ValueId x) {
         return with_list(g, Pad{}, x, {0, 0, 1, 0, 0, 0, 0, 0});
       },
       false},
      {"pad_there_and_back",
       [](Graph& g, ValueId x) {
         return with_list(g, Pad{}, x, {0, 1, 0, 0, 0, -1, 0, 0});
       },
       false},
      {"reshape_to_its_shape",
       [](Graph& g, ValueId x) {
         return with_list(g, Reshape{}, x, {0, 3, 1, -1});
       },
       true},
      {"reshape",
       [](Graph& g, ValueId x) {
         return with_list(g, Reshape{}, x, {2, 1, 3, 1});
       },
       false},
      {"flatten", [](Graph& g, ValueId x) { return add(g, Flatten{.axis = 1}, {x}, "node"); }, false},
      {"squeeze_of_nothing", [](Graph& g, ValueId x) { return with_list(g, Squeeze{}, x, {}); }, true},
      {"squeeze", [](Graph& g, ValueId x) { return with_list(g, Squeeze{}, x, {3}); }, false},
      {"unsqueeze_of_nothing", [](Graph& g, ValueId x) { return with_list(g, Unsqueeze{}, x, {}); }, true},
      {"expand_to_its_shape",
       [](Graph& g, ValueId x) {
         return with_list(g, Expand{}, x, {1, 3, 1, 1});
       },
       true},
      {"expand",
       [](Graph& g, ValueId x) {
         return with_list(g, Expand{}, x, {2, 3, 4, 1});
       },
       false},
      {"transpose_by_the_identity",
       [](Graph& g, ValueId x) {
         return add(g, Transpose{{0, 1, 2, 3}}, {x}, "node");
       },
       true},
      {"transpose",
       [](Graph& g, ValueId x) {
         return add(g, Transpose{{0, 1, 3, 2}}, {x}, "node");
       },
       false},
      {"sum_of_one", [](Graph& g, ValueId x) { return add(g, Sum{}, {x}, "node"); }, true},
      {"concat_of_one", [](Graph& g, ValueId x) { return add(g, Concat{.axis = 1}, {x}, "node"); }, true},
      {"concat_of_two",
       [](Graph& g, ValueId x) {
         return add(g, Concat{.axis = 1}, {x, x}, "node");
       },
       false},
  };
  return all;
}

class NoOps : public ::testing::TestWithParam<std::size_t> {};

TEST_P(NoOps, AreRemovedWhereTheyDoNothing) {
  const Case& c = cases()[GetParam()];
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {2, 3, 1, 1}));
  const ValueId before = add(graph, Relu{}, {x}, "before");
  graph.set_outputs({add(graph, Sigmoid{}, {c.node(graph, before)}, "y")});
  PassLog log;
  const Graph after = remove_no_ops(graph, log);
  expect_same_outputs(graph, after, {filled(Shape{2, 3, 1, 1}, 1)});
  if (c.removed) {
    EXPECT_EQ(print_operators(after),
              "%x = Input() : float 2x3x1x1\n%before = Relu(%x) : float 2x3x1x1\n"
              "%y = Sigmoid(%before) : float 2x3x1x1\nreturn %y\n");
    EXPECT_THAT(log.done, ElementsAre(::testing::StartsWith("remove_no_ops: node 'node' (")));
  } else {
    EXPECT_EQ(print(after), print(graph));
    EXPECT_THAT(log.done, IsEmpty());
  }
}
INSTANTIATE_TEST_SUITE_P(Cases, NoOps, ::testing::Range(std::size_t{0}, cases().size()),
                         [](const auto& which) { return cases()[which.param].name; });

TEST(RemoveNoOps, DropoutInTrainingStays) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {2}));
  graph.set_outputs({dropout(graph, x, true)});
  PassLog log;
  EXPECT_EQ(print(remove_no_ops(graph, log)), print(graph));
}

TEST(RemoveNoOps, DropoutWhoseMaskIsReadStays) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {2}));
  const ValueId dropped = graph.append(Dropout{}, {x}, "dropout", {"y", "mask"});
  graph.set_outputs({dropped, {dropped.node, 1}});
  PassLog log;
  EXPECT_EQ(print(remove_no_ops(graph, log)), print(graph));
  // Not read, it does not hinder.
  graph.set_outputs({add(graph, Relu{}, {dropped}, "z")});
  EXPECT_EQ(count(remove_no_ops(graph, log), "Dropout"), 0u);
}

TEST(RemoveNoOps, SymbolicShapesCount) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {Dim::symbol("batch"), 3}));
  const ValueId same = add(graph, Flatten{.axis = 1}, {x}, "same");
  graph.set_outputs({add(graph, Relu{}, {same}, "y")});
  PassLog log;
  EXPECT_EQ(print(remove_no_ops(graph, log)), "%x = Input() : float batchx3\n%y = Relu(%x) : float batchx3\nreturn %y\n");
}

TEST(RemoveNoOps, AnOutputKeepsItsName) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {2}));
  const ValueId relu = add(graph, Relu{}, {x}, "relu");
  const ValueId other = add(graph, Sigmoid{}, {relu}, "other");
  graph.set_outputs({add(graph, Identity{}, {relu}, "logits"), other});
  PassLog log;
  const Graph after = remove_no_ops(graph, log);
  EXPECT_EQ(print(after),
            "%x = Input() : float 2\n%logits = Relu(%x) : float 2\n%other = Sigmoid(%logits) : float 2\n"
            "return %logits, %other\n");
  expect_same_outputs(graph, after, {filled(Shape{2}, 1)});
}

TEST(RemoveNoOps, AnInputThatIsAnOutputKeepsItsIdentity) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {2}));
  const ValueId first = add(graph, Identity{}, {x}, "first");
  graph.set_outputs({add(graph, Identity{}, {first}, "y")});
  PassLog log;
  const Graph after = remove_no_ops(graph, log);
  EXPECT_EQ(print(after), "%x = Input() : float 2\n%y = Identity(%x) : float 2\nreturn %y\n");
  EXPECT_EQ(log.done.size(), 1u);
  expect_same_outputs(graph, after, {filled(Shape{2}, 1)});
}

TEST(RemoveNoOps, OneValueByTwoNamesKeepsAnIdentity) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {2}));
  const ValueId relu = add(graph, Relu{}, {x}, "relu");
  const ValueId a = add(graph, Identity{}, {relu}, "a"), b = add(graph, Identity{}, {relu}, "b");
  graph.set_outputs({a, b});
  PassLog log;
  const Graph after = remove_no_ops(graph, log);
  EXPECT_EQ(print(after), "%x = Input() : float 2\n%a = Relu(%x) : float 2\n%b = Identity(%a) : float 2\nreturn %a, %b\n");
  expect_same_outputs(graph, after, {filled(Shape{2}, 1)});
  // And then nothing more happens.
  PassLog again;
  EXPECT_EQ(print(remove_no_ops(after, again)), print(after));
  EXPECT_THAT(again.done, IsEmpty());
}

TEST(RemoveNoOps, ASumOfTwoIsAnAdd) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {2, 2}));
  const ValueId y = graph.add_input("y", Fact::of(DType::float32, {2, 2}));
  const ValueId two = add(graph, Sum{}, {x, y}, "two");
  graph.set_outputs({add(graph, Sum{}, {two, x, y}, "three")});
  PassLog log;
  const Graph after = remove_no_ops(graph, log);
  EXPECT_EQ(count(after, "Add"), 1u);
  EXPECT_EQ(count(after, "Sum"), 1u);
  expect_same_outputs(graph, after, {filled(Shape{2, 2}, 1), filled(Shape{2, 2}, 2)});
  EXPECT_THAT(log.done, ElementsAre("remove_no_ops: node 'two' (Sum) of two is an Add"));
}

}  // namespace
}  // namespace resnet

#include <gmock/gmock.h>

#include <chrono>

#include "lib/base/error.h"
#include "tests/passes/support.h"

namespace resnet {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Graph folded(const Graph& graph, PassLog& log) { return remove_dead_nodes(fold_constants(graph, log), log); }
Graph folded(const Graph& graph) {
  PassLog log;
  return folded(graph, log);
}

// Weights as a code book: an index for each row, shared rows of numbers.
TEST(FoldConstants, WeightsThatAreBuiltInTheGraphVanish) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {1, 2, 4, 4}));
  const ValueId codes = graph.add_constant("codes", Tensor::from<std::uint8_t>(Shape{6}, {0, 2, 1, 1, 0, 2}));
  const ValueId book = graph.add_constant("book", filled(Shape{3, 9}, 1));
  const ValueId shape = graph.add_constant("shape", integers({3, 2, 3, 3}));
  const ValueId indices = add(graph, Cast{.to = DType::int64}, {codes}, "indices");
  const ValueId rows = add(graph, Gather{.axis = 0}, {book, indices}, "rows");
  const ValueId weight = add(graph, Reshape{}, {rows, shape}, "weight");
  graph.set_outputs({add(graph, Conv{}, {x, weight}, "y")});
  PassLog log;
  const Graph after = folded(graph, log);
  EXPECT_EQ(print(after),
            "%x = Input() : float 1x2x4x4\n%weight = Constant() {float 3x2x3x3} : float 3x2x3x3\n"
            "%y = Conv(%x, %weight) : float 1x3x2x2\nreturn %y\n");
  expect_same_outputs(graph, after, {filled(Shape{1, 2, 4, 4}, 2)});
  EXPECT_THAT(log.done, ::testing::IsSupersetOf({"fold_constants: node 'indices' (Cast) is constant",
                                                 "fold_constants: node 'rows' (Gather) is constant",
                                                 "fold_constants: node 'weight' (Reshape) is constant"}));
}

TEST(FoldConstants, DequantizedWeights) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {1, 4}));
  const ValueId quantized =
      graph.add_constant("quantized", Tensor::from<std::int8_t>(Shape{2, 4}, {1, -2, 3, 4, 5, -6, 7, -128}));
  const ValueId scale = graph.add_constant("scale", Tensor::from<float>(Shape{2}, {0.5f, 0.25f}));
  const ValueId count = graph.add_constant("count", integers({2}));
  ConstantOfShape zeros;
  zeros.value = Tensor::from<float>(Shape{1}, {1.0f});
  const ValueId ones = add(graph, zeros, {count}, "ones");
  const ValueId zero_point = add(graph, Cast{.to = DType::int8}, {ones}, "zero_point");
  const ValueId weight = add(graph, DequantizeLinear{.axis = 0}, {quantized, scale, zero_point}, "weight");
  graph.set_outputs({add(graph, Gemm{.transB = true}, {x, weight}, "y")});
  const Graph after = folded(graph);
  EXPECT_EQ(print_operators(after), "%x = Input() : float 1x4\n%y = Gemm(%x, %weight) {transB=true} : float 1x2\nreturn %y\n");
  EXPECT_THAT(constant(after, "weight").data<float>(), ElementsAre(0, -1.5f, 1, 1.5f, 1, -1.75f, 1.5f, -32.25f));
  expect_same_outputs(graph, after, {filled(Shape{1, 4}, 2)});
}

// Shape -> Gather -> Unsqueeze -> Concat -> Reshape: the tail of PyTorch's dynamic view.
Graph dynamic_view(Dim batch, std::int64_t last) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {std::move(batch), 8, 1, 1}));
  const ValueId shape = add(graph, ShapeOf{}, {x}, "shape");
  const ValueId zero = graph.add_constant("zero", Tensor::scalar(std::int64_t{0}));
  const ValueId first = add(graph, Gather{.axis = 0}, {shape, zero}, "first");
  const ValueId axes = graph.add_constant("axes", integers({0}));
  const ValueId vector = add(graph, Unsqueeze{}, {first, axes}, "vector");
  const ValueId rest = graph.add_constant("rest", integers({last}));
  const ValueId target = add(graph, Concat{.axis = 0}, {vector, rest}, "target");
  graph.set_outputs({add(graph, Reshape{}, {x, target}, "y")});
  return graph;
}

TEST(FoldConstants, ShapeArithmeticOfKnownShapes) {
  const Graph graph = dynamic_view(2, 8);
  const Graph after = folded(graph);
  EXPECT_EQ(print(after),
            "%x = Input() : float 2x8x1x1\n%target = Constant() {int64 2 [2, 8]} : int64 2\n"
            "%y = Reshape(%x, %target) : float 2x8\nreturn %y\n");
  expect_same_outputs(graph, after, {filled(Shape{2, 8, 1, 1}, 1)});
}

TEST(FoldConstants, AReshapeToASymbolicBatchGetsAConstantShape) {
  for (const std::int64_t last : {-1, 8}) {
    const Graph graph = dynamic_view(Dim::symbol("batch"), last);
    PassLog log;
    const Graph after = folded(graph, log);
    EXPECT_EQ(print(after),
              "%x = Input() : float batchx8x1x1\n%y.shape = Constant() {int64 2 [0, 8]} : int64 2\n"
              "%y = Reshape(%x, %y.shape) : float batchx8\nreturn %y\n");
    expect_same_outputs(graph, after, {filled(Shape{3, 8, 1, 1}, 1)});
    EXPECT_EQ(log.done.front(), "fold_constants: the shape of node 'y' (Reshape) is known");
  }
}

TEST(FoldConstants, AReshapeThatMergesASymbolGetsMinusOne) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {Dim::symbol("batch"), 4, 6}));
  const ValueId shape = add(graph, ShapeOf{}, {x}, "shape");
  const ValueId four = graph.add_constant("four", integers({4}));
  const ValueId zero = graph.add_constant("zero", integers({0}));
  const ValueId first = add(graph, Gather{.axis = 0}, {shape, zero}, "first");
  const ValueId merged = add(graph, Mul{}, {first, four}, "merged");
  const ValueId six = graph.add_constant("six", integers({6}));
  const ValueId target = add(graph, Concat{.axis = 0}, {merged, six}, "target");
  graph.set_outputs({add(graph, Reshape{}, {x, target}, "y")});
  const Graph after = folded(graph);
  EXPECT_EQ(print_operators(after), "%x = Input() : float batchx4x6\n%y = Reshape(%x, %y.shape) : float batch*4x6\nreturn %y\n");
  EXPECT_EQ(constant(after, "y.shape"), integers({-1, 6}));
  expect_same_outputs(graph, after, {filled(Shape{3, 4, 6}, 1)});
}

TEST(FoldConstants, WhatHoldsASymbolStays) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {Dim::symbol("batch"), 8}));
  const ValueId shape = add(graph, ShapeOf{}, {x}, "shape");
  const ValueId spatial = add(graph, ShapeOf{.start = 1, .end = {}}, {x}, "features");
  graph.set_outputs({shape, spatial});
  PassLog log;
  const Graph after = fold_constants(graph, log);
  EXPECT_EQ(print(after),
            "%x = Input() : float batchx8\n%shape = Shape(%x) : int64 2\n"
            "%features = Constant() {int64 1 [8]} : int64 1\nreturn %shape, %features\n");
  expect_same_outputs(graph, after, {filled(Shape{3, 8}, 1)});
}

TEST(FoldConstants, ScalarsStayScalarsAndInt32StaysInt32) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {5, 8}));
  const ValueId shape = add(graph, ShapeOf{}, {x}, "shape");
  const ValueId one = graph.add_constant("one", Tensor::scalar(std::int64_t{1}));
  const ValueId size = add(graph, Gather{.axis = 0}, {shape, one}, "size");
  const ValueId narrow = add(graph, Cast{.to = DType::int32}, {size}, "narrow");
  graph.set_outputs({size, narrow});
  const Graph after = folded(graph);
  EXPECT_EQ(constant(after, "size"), Tensor::scalar(std::int64_t{8}));
  EXPECT_EQ(constant(after, "narrow"), Tensor::scalar(std::int32_t{8}));
  expect_same_outputs(graph, after, {filled(Shape{5, 8}, 1)});
}

TEST(FoldConstants, AKnownInputCounts) {
  Graph graph;
  Fact known = Fact::constant(integers({2, 6}));
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {3, 4}));
  const ValueId shape = graph.add_input("shape", known);
  const ValueId doubled = add(graph, Add{}, {shape, shape}, "doubled");
  graph.set_outputs({add(graph, Reshape{}, {x, shape}, "y"), doubled});
  const Graph after = folded(graph);
  EXPECT_EQ(constant(after, "doubled"), integers({4, 12}));
  expect_same_outputs(graph, after, {filled(Shape{3, 4}, 1), integers({2, 6})});
}

TEST(FoldConstants, NamesAndShapesAnewShareTheirBytes) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {6}));
  const ValueId w = graph.add_constant("w", filled(Shape{2, 3}, 1));
  const ValueId same = add(graph, Identity{}, {w}, "same");
  const ValueId flat_shape = graph.add_constant("flat_shape", integers({-1}));
  const ValueId flat = add(graph, Reshape{}, {same, flat_shape}, "flat");
  graph.set_outputs({add(graph, Add{}, {x, flat}, "y")});
  const Graph after = folded(graph);
  EXPECT_EQ(print_operators(after), "%x = Input() : float 6\n%y = Add(%x, %flat) : float 6\nreturn %y\n");
  EXPECT_EQ(constant(after, "flat").bytes().data(), constant(graph, "w").bytes().data());
  expect_same_outputs(graph, after, {filled(Shape{6}, 2)});
}

TEST(FoldConstants, AConstantOutputKeepsItsName) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {2}));
  const ValueId w = graph.add_constant("w", filled(Shape{2}, 1));
  graph.set_outputs({add(graph, Relu{}, {w}, "answer"), add(graph, Identity{}, {w}, "copy"), w, add(graph, Relu{}, {x}, "y")});
  const Graph after = folded(graph);
  expect_same_outputs(graph, after, {filled(Shape{2}, 2)});
  EXPECT_TRUE(has_constant(after, "answer"));
  EXPECT_TRUE(has_constant(after, "w"));
}

TEST(FoldConstants, EveryOutputOfANode) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {1, 1, 1, 1}));
  const ValueId w = graph.add_constant("w", filled(Shape{1, 1, 2, 2}, 1));
  MaxPool pool;
  pool.kernel_shape = {2, 2};
  const ValueId pooled = graph.append(pool, {w}, "pool", {"most", "where"});
  graph.set_outputs({add(graph, Add{}, {x, pooled}, "y"), {pooled.node, 1}});
  const Graph after = folded(graph);
  EXPECT_EQ(count(after, "MaxPool"), 0u);
  expect_same_outputs(graph, after, {filled(Shape{1, 1, 1, 1}, 2)});
}

TEST(FoldConstants, NamesAreFreeOfCollisions) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {Dim::symbol("batch"), 8, 1, 1}));
  const ValueId taken = add(graph, Relu{}, {x}, "y.shape");
  const ValueId shape = add(graph, ShapeOf{.start = 0, .end = 1}, {taken}, "first");
  const ValueId rest = graph.add_constant("rest", integers({-1}));
  const ValueId target = add(graph, Concat{.axis = 0}, {shape, rest}, "target");
  graph.set_outputs({add(graph, Reshape{}, {taken, target}, "y")});
  const Graph after = folded(graph);
  EXPECT_TRUE(has_constant(after, "y.shape_1"));
  expect_same_outputs(graph, after, {filled(Shape{3, 8, 1, 1}, 1)});
}

Graph zeros_of(std::int64_t elements) {
  Graph graph;
  const ValueId shape = graph.add_constant("shape", integers({elements}));
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {1}));
  const ValueId zeros = add(graph, ConstantOfShape{}, {shape}, "zeros");
  graph.set_outputs({add(graph, Add{}, {x, zeros}, "y")});
  return graph;
}

TEST(FoldConstants, SmallFilesMakeNoLargeConstants) {
  PassLog log;
  EXPECT_EQ(count(fold_constants(zeros_of(std::int64_t{16} << 20), log), "ConstantOfShape"), 0u);  // 64 MiB
  EXPECT_THAT(log.declined, IsEmpty());
  EXPECT_EQ(count(fold_constants(zeros_of((std::int64_t{16} << 20) + 1), log), "ConstantOfShape"), 1u);
  EXPECT_THAT(log.declined, ElementsAre("fold_constants: node 'zeros' (ConstantOfShape): it would make 67108868 bytes out of 8"));
  EXPECT_EQ(count(fold_constants(zeros_of(std::int64_t{1} << 60), log), "ConstantOfShape"), 1u);
}

TEST(FoldConstants, ManyLargeConstantsAreRefusedTogether) {
  Graph graph;
  const ValueId shape = graph.add_constant("shape", integers({16 << 20}));
  std::vector<ValueId> parts;
  for (int i = 0; i < 40; ++i) parts.push_back(add(graph, ConstantOfShape{}, {shape}, "zeros" + std::to_string(i)));
  graph.set_outputs(parts);
  PassLog log;
  const Graph after = fold_constants(graph, log);
  EXPECT_EQ(count(after, "ConstantOfShape"), 36u);  // four of 64 MiB are 256 MiB
  EXPECT_THAT(log.declined, ::testing::SizeIs(36));
  EXPECT_THAT(log.declined, ::testing::Each(HasSubstr("of its constants alone")));
  EXPECT_THAT(log.fold.exceeded, HasSubstr("node 'zeros4' (ConstantOfShape): what the graph computes of its constants alone"));
  // The budget is the graph's, not the round's; and what would be run each time is not run.
  EXPECT_EQ(count(fold_constants(after, log), "ConstantOfShape"), 36u);
  try {
    optimize(graph, log);
    FAIL() << "2.5 GiB of zeros";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::unsupported);
    EXPECT_THAT(error.what(), HasSubstr("node 'zeros4' (ConstantOfShape): "));
  }
}

TEST(FoldConstants, TheWorkOfAllIsBounded) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {1}));
  ValueId value = graph.add_constant("k", filled(Shape{1024, 256}, 1));
  for (int i = 0; i < 400; ++i) value = add(graph, Transpose{.perm = {1, 0}}, {value}, "t" + std::to_string(i));
  graph.set_outputs({add(graph, Add{}, {x, value}, "y")});
  PassLog log;
  const Graph after = fold_constants(graph, log);
  // Each counts 32 for every element: 2^31 + 512 * 2^20 of them, in all, are those of 320.
  EXPECT_EQ(count(after, "Transpose"), 80u);
  EXPECT_THAT(log.declined.front(),
              HasSubstr("node 't320' (Transpose): what the graph computes of its constants alone takes more"));
}

TEST(FoldConstants, WhatOnlyFoldedNodesReadGoesAtOnce) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {1}));
  const ValueId count_of = graph.add_constant("count", integers({4 << 20}));
  // Reshapes and identities share what they pass on, and count as it does.
  ValueId value = add(graph, ConstantOfShape{}, {count_of}, "zeros");
  for (int i = 0; i < 12; ++i) {
    value = add(graph, Relu{}, {value}, "relu" + std::to_string(i));
    value = add(graph, Identity{}, {value}, "same" + std::to_string(i));
    value = add(graph, Reshape{}, {value, count_of}, "shaped" + std::to_string(i));
  }
  graph.set_outputs({add(graph, Add{}, {x, value}, "y")});
  PassLog log;
  const Graph after = fold_constants(graph, log);
  EXPECT_THAT(log.declined, IsEmpty());
  EXPECT_EQ(print_operators(after), "%x = Input() : float 1\n%y = Add(%x, %shaped11) : float 4194304\nreturn %y\n");
  std::size_t bytes = 0;
  for (const Node& node : after.nodes()) {
    if (const auto* constant_node = get_if<Constant>(&node.op)) bytes += constant_node->value.size_bytes();
  }
  EXPECT_LT(bytes, (std::size_t{16} << 20) + 100) << "the last value alone is kept";
}

TEST(FoldConstants, TheBytesThatLiveAtOnceAreBounded) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float64, {1}));
  const ValueId count_of = graph.add_constant("count", integers({8 << 20}));
  ConstantOfShape zeros;
  zeros.value = Tensor::from<double>(Shape{1}, {0.0});
  std::vector<ValueId> sums = {x};
  for (int i = 0; i < 6; ++i) sums.push_back(add(graph, zeros, {count_of}, "zeros" + std::to_string(i)));
  graph.set_outputs({add(graph, Sum{}, sums, "y")});
  PassLog log;
  EXPECT_EQ(count(fold_constants(graph, log), "ConstantOfShape"), 2u) << "four are 256 MiB, and half of the work";
  EXPECT_THAT(log.fold.exceeded,
              HasSubstr("node 'zeros4' (ConstantOfShape): what the graph computes of its constants alone has"));
}

TEST(FoldConstants, DoesNotComputeForMinutes) {
  Graph graph;
  const ValueId a = graph.add_constant("a", filled(Shape{1500, 1500}, 1));
  graph.set_outputs({add(graph, MatMul{}, {a, a}, "y")});
  PassLog log;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(count(fold_constants(graph, log), "MatMul"), 1u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  EXPECT_THAT(log.declined, ElementsAre("fold_constants: node 'y' (MatMul): it is too much to compute beforehand"));
}

// Small inputs, small outputs, and as much work between as one asks for.
TEST(FoldConstants, EachOperatorSaysWhatItCosts) {
  const auto declined = [](const Op& op, const std::vector<Tensor>& constants) {
    Graph graph;
    std::vector<ValueId> inputs;
    for (const Tensor& constant : constants) inputs.push_back(graph.add_constant("c" + std::to_string(inputs.size()), constant));
    graph.set_outputs({add(graph, op, inputs, "y")});
    PassLog log;
    fold_constants(graph, log);
    return log.declined.size() == 1 && log.declined[0].ends_with("it is too much to compute beforehand");
  };
  const Tensor row = filled(Shape{1000}, 1), map = filled(Shape{1, 1, 600, 600}, 2);
  EXPECT_TRUE(declined(Einsum{.equation = "a,b,c,d->a"}, {row, row, row, row}));
  EXPECT_TRUE(declined(LRN{.size = 100000}, {filled(Shape{1, 50000, 1}, 1)}));
  EXPECT_TRUE(declined(LpPool{.kernel_shape = {400, 400}}, {map}));
  EXPECT_TRUE(declined(ConvTranspose{}, {map, filled(Shape{1, 1, 100, 100}, 3)}));
  std::vector<std::int64_t> grid(30, 1);  // of 28 axes, each read at two places
  grid.back() = 28;
  EXPECT_TRUE(declined(GridSample{}, {filled(Shape(std::vector<std::int64_t>(30, 1)), 1), filled(Shape(grid), 1)}));
  const auto resized = [](std::int64_t high, std::int64_t wide) { return integers({high, wide}); };
  const Tensor none = Tensor::allocate(DType::float32, Shape{0});
  EXPECT_TRUE(declined(Resize{.mode = Resize::Mode::linear}, {filled(Shape{1, 30000}, 1), none, none, resized(30000, 1)}));
  EXPECT_TRUE(declined(Sum{}, std::vector<Tensor>(1100, filled(Shape{1000, 1000}, 1))));
  EXPECT_FALSE(declined(Einsum{.equation = "a,b->a"}, {row, row}));
}

// What stayed would be computed again for each batch, and what reads it would not be known to be constant.
TEST(FoldConstants, ForRunningOnlyTheBudgetCounts) {
  PassLog log;
  EXPECT_EQ(count(fold_constants(zeros_of((std::int64_t{16} << 20) + 1), log, {.large = true}), "ConstantOfShape"), 0u);
  EXPECT_THAT(log.fold.exceeded, IsEmpty());
  PassLog huge;
  fold_constants(zeros_of(std::int64_t{1} << 60), huge, {.large = true});
  EXPECT_THAT(huge.fold.exceeded, HasSubstr("node 'zeros' (ConstantOfShape): what the graph computes of its constants alone"));
  Graph graph;
  const ValueId map = graph.add_constant("map", filled(Shape{1, 1, 500, 500}, 1));
  graph.set_outputs({add(graph, MaxPool{.kernel_shape = {101, 101}, .pads = {50, 50, 50, 50}}, {map}, "y")});
  PassLog pool;
  fold_constants(graph, pool, {.large = true});
  EXPECT_THAT(pool.fold.exceeded,
              HasSubstr("node 'y' (MaxPool): what the graph computes of its constants alone takes more than"));
}

TEST(FoldConstants, WhatCannotRunIsDeclined) {
  Graph graph;
  const ValueId x = graph.add_constant("x", filled(Shape{1, 2, 2, 2}, 1));
  const ValueId training = graph.add_constant("training", Tensor::from<bool>(Shape{}, {true}));
  const ValueId dropout = add(graph, Dropout{}, {x, ValueId::none(), training}, "dropout");
  Opaque opaque;
  opaque.domain = "com.example";
  opaque.type = "Guess";
  const ValueId unknown = add(graph, opaque, {x}, "unknown");
  graph.set_outputs({dropout, unknown});
  PassLog log;
  EXPECT_EQ(print(fold_constants(graph, log)), print(graph));
  EXPECT_THAT(log.declined, ElementsAre(HasSubstr("node 'dropout' (Dropout): ")));
  EXPECT_THAT(log.declined[0], HasSubstr("training mode"));
}

TEST(FoldConstants, ValuesThatDoNotFitAreErrors) {
  Graph graph;
  const ValueId book = graph.add_constant("book", filled(Shape{3, 2}, 1));
  // A value that shape inference does not follow: 5.0 as an integer.
  const ValueId index = add(graph, Cast{.to = DType::int64}, {graph.add_constant("five", filled(Shape{1}, 1, 5, 5))}, "index");
  graph.set_outputs({add(graph, Gather{.axis = 0}, {book, index}, "rows")});
  PassLog log;
  try {
    fold_constants(graph, log);
    FAIL() << "an index of 5 into 3 rows";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::malformed);
    EXPECT_THAT(error.what(), HasSubstr("node 'rows' (Gather): "));
  }
}

}  // namespace
}  // namespace resnet

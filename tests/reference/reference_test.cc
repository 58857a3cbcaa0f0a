#include "lib/reference/reference.h"

#include <sys/resource.h>

#include "tests/reference/run.h"

namespace resnet::reference {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Dims dims(std::initializer_list<Dim> list) { return Dims(list); }

TEST(Evaluate, OperatorsThatOnlyChangeTheShape) {
  const Tensor x = floats(Shape{1, 2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(run(Flatten{}, x), x.reshaped(Shape{1, 6}));
  EXPECT_EQ(run(Flatten{.axis = 3}, x), x.reshaped(Shape{6, 1}));
  EXPECT_EQ(run(Flatten{.axis = 0}, x), x.reshaped(Shape{1, 6}));
  EXPECT_EQ(run(Reshape{}, x, int64s({3, -1})), x.reshaped(Shape{3, 2}));
  EXPECT_EQ(run(Reshape{}, x, int64s({0, 0, -1})), x.reshaped(Shape{1, 2, 3}));
  EXPECT_EQ(run(Reshape{.allowzero = true}, floats(Shape{0, 3}, {}), int64s({3, 0})).shape(), (Shape{3, 0}));
  EXPECT_EQ(run(Squeeze{}, x), x.reshaped(Shape{2, 3}));
  EXPECT_EQ(run(Squeeze{}, x, int64s({-3})), x.reshaped(Shape{2, 3}));
  EXPECT_EQ(run(Unsqueeze{}, x, int64s({0, -1})), x.reshaped(Shape{1, 1, 2, 3, 1}));
}

TEST(Evaluate, AReshapeThatDoesNotFitIsAnError) {
  EXPECT_THAT(error_of([] {
                run(Reshape{}, floats(Shape{4}, {1, 2, 3, 4}), int64s({3}));
              }),
              HasSubstr("malformed: cannot reshape 4 to 3"));
  EXPECT_THAT(error_of([] { run(Squeeze{}, floats(Shape{2}, {1, 2}), int64s({0})); }), HasSubstr("cannot squeeze axis 0 of 2"));
}

TEST(Evaluate, WritesIntoOutputsThatAreGiven) {
  const Tensor x = floats(Shape{2}, {-1, 2});
  std::vector<float> memory(2, 99);
  Tensor y = Tensor::over(DType::float32, Shape{2}, std::as_writable_bytes(std::span(memory)));
  const Tensor* inputs[] = {&x};
  evaluate(Relu{}, inputs, std::span<Tensor>(&y, 1));
  EXPECT_THAT(memory, ElementsAre(0, 2));
  evaluate(Identity{}, inputs, std::span<Tensor>(&y, 1));
  EXPECT_THAT(memory, ElementsAre(-1, 2));
  evaluate(Constant{.value = floats(Shape{2}, {5, 6})}, {}, std::span<Tensor>(&y, 1));
  EXPECT_THAT(memory, ElementsAre(5, 6));
  evaluate(ConstantOfShape{}, std::vector<const Tensor*>{&static_cast<const Tensor&>(int64s({2}))}, std::span<Tensor>(&y, 1));
  EXPECT_THAT(memory, ElementsAre(0, 0));
}

TEST(Evaluate, AnOutputMayBeTheInputItself) {
  Tensor x = floats(Shape{3}, {-1, 2, -3});
  const Tensor one = floats(Shape{}, {1});
  const Tensor* inputs[] = {&x, &one};
  Tensor y = x;
  evaluate(Add{}, inputs, std::span<Tensor>(&y, 1));
  EXPECT_THAT(numbers_of(x), ElementsAre(0, 3, -2));
}

TEST(Evaluate, OutputsOfAnotherShapeOrTypeAreErrors) {
  const Tensor x = floats(Shape{2}, {-1, 2});
  const Tensor* inputs[] = {&x};
  Tensor longer = Tensor::allocate(DType::float32, Shape{3}), other = Tensor::allocate(DType::float64, Shape{2});
  EXPECT_EQ(error_of([&] { evaluate(Relu{}, inputs, std::span<Tensor>(&longer, 1)); }),
            "malformed: output 0 is float 3, expected float 2");
  EXPECT_EQ(error_of([&] { evaluate(Relu{}, inputs, std::span<Tensor>(&other, 1)); }),
            "malformed: output 0 is double 2, expected float 2");
}

TEST(Evaluate, AnOutputThatIsNotWantedMayBeEmpty) {
  const Tensor x = floats(Shape{1, 1, 2}, {1, 2});
  const Tensor* inputs[] = {&x};
  std::vector<Tensor> outputs = {Tensor::allocate(DType::float32, Shape{1, 1, 1}), Tensor()};
  evaluate(MaxPool{.kernel_shape = {2}}, inputs, outputs);
  EXPECT_THAT(numbers_of(outputs[0]), ElementsAre(2));
  EXPECT_EQ(outputs[1].elements(), 0);
}

TEST(Evaluate, WrongNumbersOfInputsAreErrors) {
  EXPECT_THAT(error_of([] { run(Add{}, floats(Shape{1}, {1})); }), HasSubstr("1 input, expected 2"));
  const Tensor x = floats(Shape{1}, {1});
  EXPECT_THAT(error_of([&] { run_all(Add{}, {&x, nullptr}, 1); }), HasSubstr("input 1 is left out"));
  EXPECT_THAT(error_of([&] { run_all(Relu{}, {&x}, 2); }), HasSubstr("2 outputs, expected 1"));
}

TEST(Evaluate, AnOpaqueOperatorIsUnsupported) {
  const Opaque opaque{.domain = "com.example", .type = "Magic", .attributes = {}};
  EXPECT_FALSE(can_evaluate(opaque));
  EXPECT_TRUE(can_evaluate(Conv{}));
  EXPECT_EQ(error_of([&] { run(opaque, floats(Shape{1}, {1})); }), "unsupported: operator com.example.Magic cannot be run");
}

TEST(EvaluateGraph, RunsNodesInOrder) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, dims({Dim::symbol("batch"), 2})));
  const ValueId w = graph.add_constant("w", floats(Shape{2, 1}, {1, 10}));
  const ValueId product = graph.append(MatMul{}, {x, w}, "product");
  const ValueId positive = graph.append(Relu{}, {product}, "positive");
  graph.append(Relu{}, {x}, "unused");
  graph.set_outputs({positive, product});
  for (const std::int64_t batch : {1, 2}) {
    const Tensor input = floats(Shape{batch, 2}, batch == 1 ? std::vector<double>{1, 2} : std::vector<double>{1, 2, 3, -4});
    const auto outputs = evaluate(graph, std::span<const Tensor>(&input, 1));
    ASSERT_EQ(outputs.size(), 2u);
    EXPECT_EQ(outputs[0].shape(), (Shape{batch, 1}));
    if (batch == 2) {
      EXPECT_THAT(numbers_of(outputs[0]), ElementsAre(21, 0));
      EXPECT_THAT(numbers_of(outputs[1]), ElementsAre(21, -37));
    }
  }
}

TEST(EvaluateGraph, ShapesMayDependOnData) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, dims({4})));
  const ValueId shape = graph.add_input("shape", Fact::of(DType::int64, dims({2})));
  graph.set_outputs({graph.append(Transpose{}, {graph.append(Reshape{}, {x, shape}, "reshape")}, "transpose")});
  const Tensor inputs[] = {floats(Shape{4}, {1, 2, 3, 4}), int64s({2, -1})};
  EXPECT_EQ(evaluate(graph, inputs)[0], floats(Shape{2, 2}, {1, 3, 2, 4}));
  const Tensor others[] = {floats(Shape{4}, {1, 2, 3, 4}), int64s({4, 1})};
  EXPECT_EQ(evaluate(graph, others)[0], floats(Shape{1, 4}, {1, 2, 3, 4}));
}

TEST(EvaluateGraph, ErrorsNameTheNode) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, dims({2})));
  const ValueId i = graph.add_input("i", Fact::of(DType::int64, dims({1})));
  graph.set_outputs({graph.append(Gather{}, {x, i}, "pick")});
  const Tensor inputs[] = {floats(Shape{2}, {1, 2}), int64s({2})};
  EXPECT_EQ(error_of([&] { evaluate(graph, inputs); }),
            "malformed: node 'pick' (Gather): index 2 is out of range for axis 0 of 2");
}

TEST(EvaluateGraph, InputsThatAreNotTheGraphsAreErrors) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, dims({Dim::symbol("n"), Dim::symbol("n"), 3})));
  graph.set_outputs({graph.append(Relu{}, {x}, "relu")});
  const auto error = [&](const Tensor& input) { return error_of([&] { evaluate(graph, std::span<const Tensor>(&input, 1)); }); };
  EXPECT_EQ(error(floats(Shape{1, 1, 3}, {1, 2, 3})), "no error");
  EXPECT_EQ(error(floats(Shape{1, 3}, {1, 2, 3})), "mismatch: input 'x' is float 1x3, expected float nxnx3");
  EXPECT_EQ(error(floats(Shape{1, 1, 2}, {1, 2})), "mismatch: input 'x' is float 1x1x2, expected float nxnx3");
  EXPECT_EQ(error(floats(Shape{1, 2, 3}, {1, 2, 3, 4, 5, 6})), "mismatch: input 'x' is float 1x2x3, expected float nxnx3");
  EXPECT_EQ(error(int64s({1, 2, 3}).reshaped(Shape{1, 1, 3})), "mismatch: input 'x' is int64 1x1x3, expected float nxnx3");
  EXPECT_EQ(error_of([&] { evaluate(graph, std::span<const Tensor>()); }), "mismatch: 0 inputs, expected 1");
}

TEST(EvaluateGraph, AnInputMayBeAnOutputAndOptionalInputsMayBeLeftOut) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, dims({2})));
  const ValueId most = graph.add_constant("most", floats(Shape{}, {1}));
  graph.set_outputs({x, graph.append(Clip{}, {x, ValueId::none(), most}, "clip"), most});
  const Tensor input = floats(Shape{2}, {-5, 5});
  const auto outputs = evaluate(graph, std::span<const Tensor>(&input, 1));
  EXPECT_EQ(outputs[0], input);
  EXPECT_THAT(numbers_of(outputs[1]), ElementsAre(-5, 1));
  EXPECT_THAT(numbers_of(outputs[2]), ElementsAre(1));
}

// The most memory that the process has held at once, in bytes.
std::int64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return std::int64_t{usage.ru_maxrss} * 1024;
}

TEST(EvaluateGraph, IntermediateValuesAreLetGoAfterTheirLastUse) {
  constexpr std::int64_t megabyte = 1 << 20, size = 16 * megabyte, links = 40;
  Graph graph;
  ValueId value = graph.append(ConstantOfShape{.value = Tensor::from<std::int8_t>(Shape{1}, {1})},
                               {graph.add_constant("shape", int64s({static_cast<double>(size)}))}, "ones");
  for (int i = 0; i < links; ++i) value = graph.append(Relu{}, {value}, "relu" + std::to_string(i));
  const ValueId start = graph.add_constant("start", int64s({0})), end = graph.add_constant("end", int64s({2}));
  graph.set_outputs({graph.append(Slice{}, {value, start, end}, "first")});
  const std::int64_t before = peak_memory();
  EXPECT_THAT(numbers_of(evaluate(graph, {})[0]), ElementsAre(1, 1));
  // Two of them at a time, with room for an allocator that returns memory late; all would be 640 MB.
  EXPECT_LT(peak_memory() - before, 480 * megabyte);
}

}  // namespace
}  // namespace resnet::reference

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>

#include "formats/onnx/read.h"
#include "lib/arch/build.h"
#include "lib/base/error.h"
#include "tests/passes/support.h"
#include "tests/support/assets.h"

namespace resnet {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A built net with batch norms that do something.
Graph unsettled(const Graph& graph) {
  Graph result;
  unsigned seed = 1;
  for (const Node& node : graph.nodes()) {
    if (holds_alternative<Input>(node.op)) {
      result.add_input(node.name, node.outputs[0].fact);
    } else if (const auto* constant = get_if<Constant>(&node.op)) {
      const bool of_norm = node.name.find("bn") != std::string::npos || node.name.find("downsample.1.") != std::string::npos;
      const bool positive = node.name.ends_with("running_var") || node.name.ends_with(".weight");
      result.add_constant(
          node.name,
          of_norm ? filled(constant->value.shape(), ++seed, positive ? 0.5f : -0.3f, positive ? 1.5f : 0.3f) : constant->value);
    } else {
      result.append(node.op, node.inputs, node.name, {node.outputs[0].name});
    }
  }
  result.set_outputs({graph.outputs().begin(), graph.outputs().end()});
  return result;
}

TEST(Optimize, BuiltNetsComputeTheSame) {
  for (const char* name : {"resnet14", "plain14", "resnet8v2"}) {
    const Graph graph = unsettled(arch::build(*arch::find_spec(name)));
    PassLog log;
    const Graph after = optimize(graph, log);
    if (std::string(name) != "resnet8v2") {
      EXPECT_EQ(count(after, "BatchNormalization"), 0u);
    }
    expect_same_outputs(graph, after, {filled(Shape{2, 3, 32, 32}, 5)}, 1e-5);
  }
}

TEST(Optimize, StopsWhenNothingChanges) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {1, 2, 6, 6}));
  const ValueId pads = graph.add_constant("pads", integers({0, 0, 1, 1, 0, 0, 1, 1}));
  ValueId y = x;
  // One round cannot do all of this: two Pads before a Conv, Transposes around a no-op.
  for (const char* name : {"pad1", "pad2"}) y = add(graph, Pad{}, {y, pads}, name);
  y = add(graph, Conv{}, {y, graph.add_constant("w", filled(Shape{2, 2, 3, 3}, 2))}, "conv");
  y = add(graph, Transpose{{0, 2, 3, 1}}, {y}, "there");
  y = add(graph, Dropout{}, {y}, "dropout");
  y = add(graph, Transpose{{0, 3, 1, 2}}, {y}, "back");
  const ValueId a = add(graph, Identity{}, {y}, "a"), b = add(graph, Identity{}, {y}, "b");
  graph.set_outputs({a, b});
  PassLog log;
  const Graph after = optimize(graph, log);
  EXPECT_EQ(print_operators(after),
            "%x = Input() : float 1x2x6x6\n%a = Conv(%x, %w) {pads=[2,2,2,2]} : float 1x2x8x8\n"
            "%b = Identity(%a) : float 1x2x8x8\nreturn %a, %b\n");
  expect_same_outputs(graph, after, {filled(Shape{1, 2, 6, 6}, 1)}, 1e-6);
  PassLog again;
  EXPECT_EQ(print(optimize(after, again)), print(after));
  EXPECT_THAT(again.done, IsEmpty());
}

TEST(Optimize, TellsWhatTheLastRoundLetBeOnce) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {1, 2, 6, 6}));
  std::vector<ValueId> inputs = {add(graph, Identity{}, {x}, "same")};
  for (const char* name : {"scale", "shift", "mean", "var"})
    inputs.push_back(graph.add_constant(name, filled(Shape{2}, 3, 1, 2)));
  graph.set_outputs({add(graph, BatchNormalization{}, inputs, "norm")});
  PassLog log;
  log.declined = {"of somebody else"};
  optimize(graph, log);
  EXPECT_THAT(log.declined, ::testing::ElementsAre(
                                "of somebody else",
                                "fold_batch_norm: node 'norm' (BatchNormalization): it does not directly follow a Conv or Gemm"));
}

TEST(Optimize, ErrorsNameThePass) {
  Graph graph;
  const ValueId book = graph.add_constant("book", filled(Shape{3, 2}, 1));
  // A value that shape inference does not follow: 5.0 as an integer.
  const ValueId index = add(graph, Cast{.to = DType::int64}, {graph.add_constant("five", filled(Shape{1}, 1, 5, 5))}, "index");
  graph.set_outputs({add(graph, Gather{.axis = 0}, {book, index}, "rows")});
  PassLog log;
  try {
    optimize(graph, log);
    FAIL() << "an index of 5 into 3 rows";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::StartsWith("fold_constants: node 'rows' (Gather): "));
  }
}

TEST(Optimize, OpaqueOperatorsStay) {
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float32, {1, 2}));
  Opaque guess;
  guess.domain = "com.example";
  guess.type = "Guess";
  const ValueId unknown = graph.append(guess, {x}, "guess", {"y", "z"});
  graph.set_outputs({add(graph, Identity{}, {unknown}, "answer"), {unknown.node, 1}});
  PassLog log;
  const Graph after = optimize(graph, log);
  EXPECT_EQ(print(after), "%x = Input() : float 1x2\n%answer, %z = com.example.Guess(%x) : ? ?, ? ?\nreturn %answer, %z\n");
}

TEST(Optimize, IsQuickOnDeepNets) {
  const Graph graph = arch::build(*arch::find_spec("resnet1202"), {.init = arch::Init::zeros});
  PassLog log;
  const Graph after = optimize(graph, log);
  EXPECT_EQ(count(after, "BatchNormalization"), 0u);
  EXPECT_EQ(count(after, "Conv"), 1201u);
}

// Real files: which operators are left (all but constants and inputs), and that they compute what the whole graph did.
struct RealModel {
  const char* file;
  const char* left;
};

std::string operators(const Graph& graph) {
  std::map<std::string, std::size_t> counts;
  for (const Node& node : graph.nodes()) {
    if (!holds_alternative<Input>(node.op) && !holds_alternative<Constant>(node.op)) ++counts[type_of(node.op)];
  }
  std::string text;
  for (const auto& [type, count] : counts) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, type);
  return text;
}

void PrintTo(const RealModel& model, std::ostream* stream) { *stream << model.file; }

class RealModels : public ::testing::TestWithParam<RealModel> {};

TEST_P(RealModels, ComputeTheSame) {
  RESNET_REQUIRE_ASSETS();
  const Model model = onnx::read(*test::assets() / "models" / GetParam().file);
  PassLog log;
  const Graph after = optimize(model.graph, log);
  EXPECT_EQ(operators(after), GetParam().left);
  std::vector<std::int64_t> dims;
  for (const Dim& dim : *model.graph.fact(model.graph.inputs()[0]).dims) dims.push_back(dim.is_number() ? dim.number() : 1);
  expect_same_outputs(model.graph, after, {filled(Shape(dims), 1, -2, 2)}, 2e-5);
}

INSTANTIATE_TEST_SUITE_P(
    Files, RealModels,
    ::testing::Values(
        RealModel{"imagenet-resnet18-torch-op17-bn.onnx",
                  "8 Add, 20 Conv, 1 Flatten, 1 Gemm, 1 GlobalAveragePool, 1 MaxPool, 17 Relu"},
        RealModel{"imagenet-resnet50-torch-op13-bn.onnx",
                  "16 Add, 53 Conv, 1 Flatten, 1 Gemm, 1 GlobalAveragePool, 1 MaxPool, 49 Relu"},
        RealModel{"imagenet-resnet18-codebook-op13.onnx",
                  "8 Add, 20 Conv, 1 Flatten, 1 Gemm, 1 GlobalAveragePool, 1 MaxPool, 17 Relu"},
        RealModel{"cifar10-resnet20-torch-op11.onnx",
                  "9 Add, 1 AveragePool, 19 Conv, 1 Gemm, 2 Pad, 19 Relu, 1 Reshape, 4 Slice"},
        RealModel{"cifar10-resnet56-torch-op16-bn.onnx",
                  "27 Add, 1 AveragePool, 55 Conv, 1 Gemm, 2 Pad, 55 Relu, 1 Reshape, 4 Slice"},
        RealModel{"cifar10-resnet8-nhwc-op11.onnx",
                  "4 Add, 1 AveragePool, 9 Conv, 1 MatMul, 7 Relu, 1 Reshape, 1 Softmax, 2 Transpose"},
        RealModel{"cifar10-resnet8-int8-qdq-op13.onnx",
                  "4 Add, 1 AveragePool, 9 Conv, 17 DequantizeLinear, 1 MatMul, 17 QuantizeLinear, 7 Relu, 1 Reshape, 1 Softmax, "
                  "2 Transpose"},
        RealModel{"caffe2-light-resnet50.onnx",
                  "16 Add, 1 AveragePool, 53 Conv, 1 Gemm, 1 MaxPool, 49 Relu, 1 Reshape, 1 Softmax"}),
    [](const auto& model) {
      std::string name = model.param.file;
      for (char& letter : name) letter = std::isalnum(static_cast<unsigned char>(letter)) != 0 ? letter : '_';
      return name;
    });

}  // namespace
}  // namespace resnet

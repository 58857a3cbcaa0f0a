// The same network in another file, without a process.
#include "cli/tasks/convert/convert.h"

#include "cli/tasks/open/model.h"
#include "formats/onnx/read.h"
#include "formats/onnx/write.h"
#include "tests/cli/tasks/fixture.h"

namespace resnet::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class ConvertTaskTest : public TaskTest {
 protected:
  cli::ConvertRequest conversion(const std::string& output) const {
    cli::ConvertRequest asked;
    asked.model = "resnet20-cifar10";
    asked.output = path(output);
    asked.native = output.ends_with(".resnet");
    return asked;
  }
  cli::ConvertResult convert(const cli::ConvertRequest& asked) {
    const cli::TaskContext given = context();
    return cli::ConvertTask(asked, given).run();
  }
};

TEST_F(ConvertTaskTest, WhatIsWrittenSaysTheSame) {
  cli::ConvertRequest asked = conversion("out.resnet");
  asked.fold_batch_norm = asked.simplify = true;
  asked.check = 2;
  const cli::ConvertResult result = convert(asked);
  EXPECT_TRUE(result.within);
  ASSERT_THAT(result.checks, SizeIs(2));
  EXPECT_EQ(result.checks[0].inputs, "2 random inputs");
  EXPECT_EQ(result.checks[1].inputs, "2 random inputs by the plain evaluator");
  EXPECT_THAT(result.log.done, Not(IsEmpty()));
  const Model model = cli::read_model_file(asked.output, {}, heard);
  EXPECT_EQ(model.graph.nodes().size(), result.nodes);
  EXPECT_THAT(model.labels, SizeIs(10));
}

TEST_F(ConvertTaskTest, ATightToleranceFindsWeightsOf16Bits) {
  cli::ConvertRequest asked = conversion("half.onnx");
  asked.dtype = DType::float16;
  asked.check = 2;
  EXPECT_TRUE(convert(asked).within);
  std::filesystem::remove(asked.output);
  asked.tolerance = 1e-9;
  const cli::ConvertResult result = convert(asked);
  EXPECT_FALSE(result.within);
  EXPECT_GT(result.checks.at(0).difference.largest, 0);
  EXPECT_FALSE(std::filesystem::exists(asked.output));
}

TEST_F(ConvertTaskTest, LabelsAreKept) {
  cli::ConvertRequest asked = conversion("labelled.resnet");
  asked.model = path("rgb.onnx");
  asked.labels = path("rgb.txt");
  convert(asked);
  EXPECT_THAT(cli::read_model_file(asked.output, {}, heard).labels, testing::ElementsAre("red", "green", "blue"));
  asked.labels = "cifar10";
  EXPECT_THAT(error_of([&] { convert(asked); }).second, HasSubstr("10 labels for a model of 3 classes"));
}

TEST_F(ConvertTaskTest, WhatDoesNotFitTheModelOrTheFormat) {
  cli::ConvertRequest asked = conversion("out.resnet");
  asked.external_data = true;
  EXPECT_EQ(error_of([&] { convert(asked); }).first, Fault::invalid);
  asked = conversion("out.onnx");
  asked.seed = 1;
  EXPECT_THAT(error_of([&] { convert(asked); }).second, HasSubstr("has all its weights"));
  EXPECT_FALSE(std::filesystem::exists(asked.output));
}

TEST_F(ConvertTaskTest, StopsWhereItIsAskedTo) {
  stop = true;
  const cli::ConvertRequest asked = conversion("out.onnx");
  EXPECT_EQ(error_of([&] { convert(asked); }).first, Fault::interrupted);
  EXPECT_FALSE(std::filesystem::exists(asked.output));
}

class CutTaskTest : public ConvertTaskTest {
 protected:
  CutTaskTest() {
    onnx::write(onnx::read_text(R"(<ir_version: 8, opset_import: ["": 17, "elsewhere": 1]>
        net (float[N,3,4,4] image) => (float[N,3] scores)
        <float[3,3,1,1] weight = {1, 0, 0, 0, 1, 0, 0, 0, 1}> {
          map = Conv(image, weight)
          pooled = GlobalAveragePool(map)
          features = Flatten(pooled)
          scores = elsewhere.Frobnicate(features)
        })"),
                path("odd.onnx"));
  }
  cli::ConvertRequest cutting(const std::vector<std::string>& inputs, const std::vector<std::string>& outputs) {
    cli::ConvertRequest asked = conversion("part.onnx");
    asked.model = path("odd.onnx");
    asked.inputs = inputs;
    asked.outputs = outputs;
    return asked;
  }
};

TEST_F(CutTaskTest, WhatCannotRunIsCutOff) {
  cli::ConvertRequest asked = cutting({}, {"features"});
  asked.labels = path("rgb.txt");
  asked.check = 2;
  EXPECT_TRUE(convert(asked).within);
  const Model part = cli::read_model_file(asked.output, {}, heard);
  EXPECT_EQ(part.graph.value(part.graph.outputs()[0]).name, "features");
  EXPECT_THAT(part.labels, SizeIs(3));  // asked for
  asked = cutting({"map"}, {"pooled"});
  asked.preprocess = Convention::torchvision;
  convert(asked);
  EXPECT_EQ(cli::read_model_file(asked.output, {}, heard).graph.nodes().size(), 2u);
}

TEST_F(CutTaskTest, WrongNamesGetTheNearest) {
  const auto [fault, text] = error_of([&] { convert(cutting({}, {"feature"})); });
  EXPECT_EQ(fault, Fault::invalid);
  EXPECT_THAT(text, HasSubstr("--outputs: the network has no value or node 'feature'; the nearest are 'features', "));
  EXPECT_THAT(error_of([&] { convert(cutting({"map", "map"}, {})); }).second, HasSubstr("--inputs: 'map' is named twice"));
}

TEST_F(ConvertTaskTest, ABatchThatIsOpenedIsCheckedImageByImage) {
  onnx::write(onnx::read_text(R"(<ir_version: 8, opset_import: ["": 17]>
      net (float[N,3,4,4] image) => (float[1,3] scores) <int64[2] shape = {1, 3}> {
        pooled = GlobalAveragePool(image)
        scores = Reshape(pooled, shape)
      })"),
              path("one.onnx"));
  cli::ConvertRequest asked = conversion("open.onnx");
  asked.model = path("one.onnx");
  asked.dynamic_batch = true;
  asked.check = 3;
  const cli::ConvertResult result = convert(asked);
  EXPECT_TRUE(result.within);
  ASSERT_THAT(result.checks, SizeIs(2));
  EXPECT_EQ(result.checks[0].inputs, "3 random inputs, beforehand one by one");
  EXPECT_EQ(result.checks[0].difference.rows, 3);
}

TEST_F(ConvertTaskTest, Fp32IsOfInputsAndOutputsToo) {
  onnx::write(onnx::read_text(R"(<ir_version: 8, opset_import: ["": 17]>
      net (float16[N,3,4,4] image) => (float16[N,3] scores) {
        pooled = GlobalAveragePool(image)
        scores = Flatten(pooled)
      })"),
              path("half.onnx"));
  cli::ConvertRequest asked = conversion("whole.onnx");
  asked.model = path("half.onnx");
  asked.dtype = DType::float32;
  asked.check = 2;
  EXPECT_TRUE(convert(asked).within);
  const Graph graph = cli::read_model_file(asked.output, {}, heard).graph;
  EXPECT_EQ(graph.fact(graph.inputs()[0]).dtype, DType::float32);
  EXPECT_EQ(graph.fact(graph.outputs()[0]).dtype, DType::float32);
}

}  // namespace
}  // namespace resnet::test

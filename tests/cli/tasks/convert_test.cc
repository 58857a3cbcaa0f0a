// The same network in another file, without a process.
#include "cli/tasks/convert/convert.h"

#include "cli/tasks/open/model.h"
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
  asked.tolerance = 1e-9;
  const cli::ConvertResult result = convert(asked);
  EXPECT_FALSE(result.within);
  EXPECT_GT(result.checks.at(0).difference.largest, 0);
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

}  // namespace
}  // namespace resnet::test

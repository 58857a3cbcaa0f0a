// What a model is and costs, what is wrong with it and what the paper says of it, without a process.
#include "cli/tasks/inspect/inspect.h"

#include "cli/tasks/inspect/paper_table.h"
#include "cli/tasks/validate/validate.h"
#include "tests/cli/tasks/fixture.h"

namespace resnet::test {
namespace {

using testing::Contains;
using testing::Each;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class InspectTaskTest : public TaskTest {
 protected:
  cli::Inspection inspect(const cli::InspectRequest& asked) { return cli::inspect(asked, context()); }
};

TEST_F(InspectTaskTest, WhatTheBuiltInNetworkIs) {
  const cli::Inspection found = inspect({.model = "resnet20-cifar10"});
  EXPECT_EQ(found.total.macs, 40'551'040);
  EXPECT_EQ(found.batch, 1);
  ASSERT_TRUE(found.recognition);
  EXPECT_EQ(arch::depth_of(found.recognition->spec), 20);
  std::int64_t macs = 0;
  for (const cli::InspectedRow& row : found.rows) macs += row.cost.macs;
  EXPECT_EQ(macs, found.total.macs);
  const cli::Inspection batch = inspect({.model = "resnet20-cifar10", .batch = 3});
  EXPECT_EQ(batch.total.macs, 3 * found.total.macs);
  EXPECT_EQ(batch.total.parameters, found.total.parameters);
}

TEST_F(InspectTaskTest, BlocksAndStagesAddUp) {
  const auto rows = [this](cli::Depth depth) { return inspect({.model = "resnet20-cifar10", .depth = depth}).rows; };
  const auto sum = [](const std::vector<cli::InspectedRow>& all) {
    std::int64_t macs = 0;
    for (const cli::InspectedRow& row : all) macs += row.cost.macs;
    return macs;
  };
  const auto blocks = rows(cli::Depth::block), stages = rows(cli::Depth::stage);
  EXPECT_GT(blocks.size(), stages.size());
  EXPECT_EQ(sum(blocks), 40'551'040);
  EXPECT_EQ(sum(stages), 40'551'040);
}

TEST_F(InspectTaskTest, HowItWouldBeRun) {
  const cli::TaskContext given = context();
  const auto methods = [&](xnnpack::Convolutions convolutions) {
    std::vector<std::string> all;
    for (const xnnpack::StepInfo& step : cli::plan_of({.model = "resnet20-cifar10"}, convolutions, given))
      all.push_back(step.method);
    return all;
  };
  EXPECT_THAT(methods(xnnpack::Convolutions::winograd), Contains(HasSubstr("winograd")));
  EXPECT_THAT(methods(xnnpack::Convolutions::direct), Each(Not(HasSubstr("winograd"))));
}

TEST_F(InspectTaskTest, WhatAModelIsNot) {
  EXPECT_EQ(error_of([&] { inspect({.model = path("nowhere.onnx")}); }).first, Fault::unreadable);
  const cli::Inspection found = inspect({.model = path("rgb.onnx")});
  EXPECT_FALSE(found.recognition);
  EXPECT_FALSE(found.not_recognized.empty());
  stop = true;
  EXPECT_EQ(error_of([&] { inspect({.model = path("rgb.onnx")}); }).first, Fault::interrupted);
}

TEST_F(InspectTaskTest, ThePapersTable) {
  const std::string text = cli::paper_table(arch::Variant::v1, true).render(table::Format::csv);
  for (const char* figure : {"conv2_x", "3.8", "11.3"}) EXPECT_THAT(text, HasSubstr(figure));
  EXPECT_NE(text, cli::paper_table(arch::Variant::v1_5, true).render(table::Format::csv));
  EXPECT_THAT(cli::check_paper(arch::Variant::v1), Each(Field(&cli::PaperCheck::passed, true)));
  EXPECT_THAT(cli::check_paper(arch::Variant::v1_5), Contains(Field(&cli::PaperCheck::passed, false)));
}

TEST_F(InspectTaskTest, AModelBesideThePapersTable) {
  const cli::PaperReport all = cli::compare_with_paper(arch::Variant::v1);
  EXPECT_TRUE(all.passed());
  EXPECT_EQ(all.model, "");
  const cli::PaperReport one =
      cli::compare_with_paper({.model = "resnet34", .arch = {}, .expect = {}, .as_paper = true}, context());
  EXPECT_TRUE(one.passed());
  EXPECT_THAT(one.checks, Each(Field(&cli::PaperCheck::net, HasSubstr("34"))));
  cli::ArchOptions later;
  later.variant = arch::Variant::v1_5;
  const cli::PaperReport other =
      cli::compare_with_paper({.model = "resnet50", .arch = later, .expect = {}, .as_paper = true}, context());
  EXPECT_FALSE(other.passed());
  EXPECT_GT(other.missed(), 0u);
  const cli::PaperReport none =
      cli::compare_with_paper({.model = "resnet20-cifar10", .arch = {}, .expect = {}, .as_paper = true}, context());
  EXPECT_FALSE(none.passed());
  EXPECT_THAT(none.checks, IsEmpty());
  EXPECT_EQ(none.compared_with, "");
}

class ValidateTaskTest : public TaskTest {
 protected:
  std::vector<onnx::Finding> validate(const cli::ValidateRequest& asked) {
    const cli::TaskContext given = context();
    return cli::ValidateTask(asked, given).run();
  }
  static std::vector<std::string> errors_of(const std::vector<onnx::Finding>& findings) {
    std::vector<std::string> errors;
    for (const onnx::Finding& finding : findings) {
      if (finding.level == onnx::Finding::Level::error) errors.push_back(finding.rule + ": " + finding.message);
    }
    return errors;
  }
};

TEST_F(ValidateTaskTest, WhatIsWrongIsAFinding) {
  EXPECT_THAT(errors_of(validate({.model = path("rgb.onnx")})), IsEmpty());
  EXPECT_THAT(errors_of(validate({.model = "resnet20"})), IsEmpty());
  EXPECT_THAT(errors_of(validate({.model = "resnet20-cifar10"})), IsEmpty());
  EXPECT_THAT(errors_of(validate({.model = write("text.onnx", "no model")})), Not(IsEmpty()));
  OnnxGraph graph = mean_classifier(4, {{1, 0, 0}, {0, 1, 0}}, {0, 0});
  graph.nodes.push_back(node("Relu", {"nobody"}, {"dangling"}, "lost"));
  EXPECT_THAT(errors_of(validate({.model = write("dangling.onnx", onnx_file(graph))})), Contains(HasSubstr("dangling-input")));
}

TEST_F(ValidateTaskTest, WhatIsExpected) {
  const auto wrong = [this](const cli::ValidateRequest& asked) { return errors_of(validate(asked)); };
  cli::ValidateRequest asked{.model = "resnet20-cifar10", .expect = "resnet20", .expect_macs = 40'551'040};
  asked.arch.shortcut = arch::Shortcut::A;
  asked.arch.classes = 10;
  EXPECT_THAT(wrong(asked), IsEmpty());
  asked.expect_macs = 7;
  EXPECT_THAT(wrong(asked), testing::ElementsAre("expect-macs: 40551040 multiply-adds, expected 7"));
  EXPECT_THAT(wrong({.model = "resnet20-cifar10", .expect = "resnet56"}), Contains(HasSubstr("expected ResNet-56")));
  EXPECT_THAT(wrong({.model = path("rgb.onnx"), .expect = "resnet18"}), Contains(HasSubstr("found none of this family")));
  EXPECT_EQ(error_of([&] { validate({.model = path("rgb.onnx"), .expect = "renset18"}); }).first, Fault::invalid);
}

TEST_F(ValidateTaskTest, StopsWhereItIsAskedTo) {
  stop = true;
  EXPECT_EQ(error_of([&] { validate({.model = path("rgb.onnx")}); }).first, Fault::interrupted);
}

}  // namespace
}  // namespace resnet::test

// How often a network is right, counted without a process.
#include "cli/tasks/evaluate/evaluate.h"
#include "tests/cli/tasks/fixture.h"

namespace resnet::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class EvaluateTaskTest : public TaskTest {
 protected:
  EvaluateTaskTest() {
    for (const char* name : {"red", "green", "blue"}) make_folder(std::string("data/") + name);
    picture("data/red/a.png", {255, 0, 0});
    picture("data/red/b.png", {0, 0, 255});
    picture("data/green/c.png", {0, 255, 0});
    picture("data/blue/d.png", {0, 0, 255});
  }
  cli::EvaluateRequest evaluation() const {
    cli::EvaluateRequest asked;
    asked.models = {path("rgb.onnx")};
    asked.network = network();
    asked.dataset.data = path("data");
    asked.top_k = 2;
    return asked;
  }
  cli::EvaluateResult evaluate(const cli::EvaluateRequest& asked) {
    const cli::TaskContext given = context();
    cli::EvaluateTask task(asked, given);
    cli::EvaluateResult result = task.run();
    task.write_report(result);
    return result;
  }
};

TEST_F(EvaluateTaskTest, CountsWhatIsRight) {
  const cli::EvaluateResult result = evaluate(evaluation());
  ASSERT_THAT(result.rows, SizeIs(1));
  EXPECT_FALSE(result.any_failed);
  const Evaluator& counted = result.rows[0].evaluator;
  EXPECT_EQ(counted.count(), 4);
  EXPECT_EQ(counted.right_at_1(), 3);
  EXPECT_EQ(counted.right_at_k(), 4);
  EXPECT_EQ(result.rows[0].model, path("rgb.onnx"));
  EXPECT_THAT(result.rows[0].labels, ElementsAre("red", "green", "blue"));
  EXPECT_EQ(accuracy_line(result.rows[0]), "Acc@1 75.000 (25.000) Acc@2 100.000 (0.000)");
  const auto confused = counted.most_confused(5);
  ASSERT_THAT(confused, SizeIs(1));
  EXPECT_EQ(confused[0].truth, 0);
  EXPECT_EQ(confused[0].answer, 2);
}

TEST_F(EvaluateTaskTest, WhatFailsIsToldAndNotCounted) {
  const std::string broken = write("data/green/broken.png", "no picture");
  make_folder("data/empty");
  std::filesystem::remove(path("data/empty"));
  cli::EvaluateRequest asked = evaluation();
  const cli::EvaluateResult result = evaluate(asked);
  EXPECT_TRUE(result.any_failed);
  EXPECT_EQ(result.rows.at(0).evaluator.count(), 4);
  EXPECT_EQ(result.rows.at(0).evaluator.failed(), 1);
  EXPECT_THAT(heard.errors, ElementsAre(HasSubstr(broken)));
  asked.fail_fast = true;
  EXPECT_EQ(error_of([&] { evaluate(asked); }).first, Fault::unreadable);
}

TEST_F(EvaluateTaskTest, ARowForEachNetworkAndWayOfTesting) {
  write("gbr.onnx", onnx_file(mean_classifier(4, {{0, 1, 0}, {0, 0, 1}, {1, 0, 0}}, {0, 0, 0})));
  cli::EvaluateRequest asked = evaluation();
  asked.models.push_back(path("gbr.onnx"));
  asked.crops = {Crop::center, Crop::ten};
  asked.ensemble = true;
  const cli::EvaluateResult result = evaluate(asked);
  ASSERT_THAT(result.rows, SizeIs(6));
  EXPECT_EQ(result.rows[0].evaluator.right_at_1(), 3);
  EXPECT_EQ(result.rows[1].evaluator.right_at_1(), 0);
  EXPECT_EQ(result.rows[2].model, path("rgb.onnx") + " + " + path("gbr.onnx"));
  EXPECT_EQ(result.rows[3].crop, Crop::ten);
}

TEST_F(EvaluateTaskTest, TheReportIsOfTheFirstRow) {
  cli::EvaluateRequest asked = evaluation();
  asked.report = "page";
  evaluate(asked);
  EXPECT_TRUE(written["page"].whole);
  EXPECT_THAT(written["page"].bytes, HasSubstr("Acc@1 75.000"));
}

TEST_F(EvaluateTaskTest, StopsWhereItIsAskedTo) {
  stop = true;
  EXPECT_EQ(error_of([&] { evaluate(evaluation()); }).first, Fault::interrupted);
}

}  // namespace
}  // namespace resnet::test

// `curves`: logs of several runs as one picture.
#include <nlohmann/json.hpp>

#include "tests/cli/fixture.h"
#include "tests/support/assets.h"
#include "tests/support/golden.h"

namespace resnet::test {
namespace {

using testing::HasSubstr;

constexpr const char* header =
    "iteration,epoch,learning_rate,training_loss,training_error,test_loss,test_error,images_per_second,seconds\n";

class CurvesTest : public CliTest {};

TEST_F(CurvesTest, DrawsEachRunTwice) {
  write("a.csv", header + std::string("10,1,0.1,2,0.8,2.1,0.85,100,1\n20,2,0.1,1,0.5,1.5,0.6,100,2\n"));
  write("b.csv", header + std::string("10,1,0.1,2,0.7,,,100,1\n20,2,0.1,1,0.4,,,100,2\n"));
  const Finished finished = run({"curves", "a.csv", "other=b.csv", "-o", "c.svg", "--title", "two < three"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const std::string svg = read("c.svg");
  for (const char* text : {"a training", "a test", "other training", "two &lt; three", "iterations", "error (%)"})
    EXPECT_THAT(svg, HasSubstr(text));
  EXPECT_THAT(svg, testing::Not(HasSubstr("other test")));  // it has none
}

TEST_F(CurvesTest, ALogOfSeveralNetworksDrawsEach) {
  const Finished finished = run({"curves", (testdata() / "degradation" / "degradation.csv").string(), "-o", "c.svg"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  for (const char* text : {">plain20 test<", ">plain56 training<", ">resnet20 test<", ">resnet56 training<"})
    EXPECT_THAT(read("c.svg"), HasSubstr(text));
  expect_golden("degradation/degradation.svg", read("c.svg"));
}

TEST_F(CurvesTest, TheLogOfTheBuiltInNetwork) {
  const Finished finished = run({"curves", (testdata() / "models" / "resnet20-cifar10.csv").string()});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr(">resnet20-cifar10 test<"));
}

TEST_F(CurvesTest, ALogOfOneLineIsDrawn) {
  write("a.csv", header + std::string("10,1,0.1,2,0.8,2.1,0.85,100,1\n"));
  const Finished finished = run({"curves", "a.csv"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("<circle"));
}

TEST_F(CurvesTest, RunsOfOneNameAreTheirMeanAndDeviation) {
  // Table 6's way: five runs.
  const std::vector<std::string> errors = {"0.10", "0.12", "0.11", "0.09", "0.13"};
  std::vector<std::string> command = {"curves"};
  for (std::size_t i = 0; i < errors.size(); ++i) {
    const std::string file = "run" + std::to_string(i) + ".csv";
    write(file, header + ("10,1,0.1,2,0.8,2.1,0.85,100,1\n20,2,0.1,1,0.5,1.5," + errors[i] + ",100,2\n"));
    command.push_back("net=" + file);
  }
  // An iteration that one of them lacks is left out.
  write("run4.csv", read("run4.csv") + "30,3,0.1,1,0.5,1.5,0.1,100,2\n");
  std::vector<std::string> as_json = command;
  as_json.insert(as_json.end(), {"-o", "c.json"});
  ASSERT_EQ(run(as_json).exit_code, 0);
  const nlohmann::json curve = nlohmann::json::parse(read("c.json"))["curves"].at(0);
  EXPECT_EQ(curve["name"], "net");
  EXPECT_EQ(curve["runs"], 5);
  EXPECT_NEAR(curve["least_test_error"].get<double>(), 0.09, 1e-6);
  ASSERT_EQ(curve["points"].size(), 2u);
  EXPECT_EQ(curve["points"][1]["iteration"], 20);
  EXPECT_NEAR(curve["points"][1]["test_error"].get<double>(), 0.11, 1e-6);
  EXPECT_NEAR(curve["points"][1]["test_error_deviation"].get<double>(), 0.0158114, 1e-6);  // of n - 1
  EXPECT_NEAR(curve["points"][0]["training_error_deviation"].get<double>(), 0, 1e-12);
  const Finished drawn = run(command);
  ASSERT_EQ(drawn.exit_code, 0) << drawn.err;
  EXPECT_THAT(drawn.out, HasSubstr("<polygon"));
  EXPECT_THAT(drawn.out, HasSubstr(">net test<"));
  EXPECT_THAT(run({"curves", "run0.csv", "run1.csv"}).out, testing::Not(HasSubstr("<polygon")));
  write("other.csv", header + std::string("7,1,0.1,2,0.8,2.1,0.85,100,1\n"));
  expect_refused(run({"curves", "a=run0.csv", "a=other.csv"}), 5, "the 2 logs of 'a' have no iteration in common");
}

TEST_F(CurvesTest, OnlySvgAndJsonAreWritten) {
  write("a.csv", header + std::string("10,1,0.1,2,0.8,2.1,0.85,100,1\n"));
  expect_refused(run({"curves", "a.csv", "-o", "c.png"}), 2,
                 "c.png: ends in .png, which is not written here; expected .svg or .json");
  EXPECT_FALSE(std::filesystem::exists(folder() / "c.png"));
}

TEST_F(CurvesTest, WhatIsNoLogIsRefused) {
  write("a.csv", "x,y\n1,2\n");
  write("b.csv", header + std::string("10,1,0.1,2,high,,,100,1\n"));
  expect_refused(run({"curves", "a.csv"}), 5, "a.csv: is not a log of a training run: expected the columns iteration,epoch");
  expect_refused(run({"curves", "b.csv"}), 5, "b.csv: line 2: '10,1,0.1,2,high,,,100,1' is not a line of a log");
  expect_refused(run({"curves", "none.csv"}), 5, "none.csv: cannot be opened");
  expect_refused(run({"curves"}), 2, "no LOG given");
}

}  // namespace
}  // namespace resnet::test

// `curves`: logs of several runs as one picture.
#include "tests/cli/fixture.h"
#include "tests/support/assets.h"

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

TEST_F(CurvesTest, OnlySvgIsWritten) {
  write("a.csv", header + std::string("10,1,0.1,2,0.8,2.1,0.85,100,1\n"));
  expect_refused(run({"curves", "a.csv", "-o", "c.png"}), 2, "c.png: ends in .png, which is not written here; expected .svg");
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

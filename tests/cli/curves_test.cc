// `curves`: logs of several runs as one picture.
#include "tests/cli/fixture.h"

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

TEST_F(CurvesTest, WhatIsNoLogIsRefused) {
  write("a.csv", "x,y\n1,2\n");
  write("b.csv", header + std::string("10,1,0.1,2,high,,,100,1\n"));
  expect_refused(run({"curves", "a.csv"}), 5, "a.csv: is no log of a training run: expected the columns iteration,epoch");
  expect_refused(run({"curves", "b.csv"}), 5, "b.csv: line 2: '10,1,0.1,2,high,,,100,1' is no line of a log");
  expect_refused(run({"curves", "none.csv"}), 5, "none.csv: cannot be opened");
  expect_refused(run({"curves"}), 2, "logs");
}

}  // namespace
}  // namespace resnet::test

// build: files that are the same everywhere, and that predict takes.
#include <fstream>
#include <iterator>

#include "tests/cli/fixture.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class BuildTest : public CliTest {
 protected:
  std::string built(std::vector<std::string> words) const {
    words.insert(words.begin(), "build");
    words.insert(words.end(), {"-o", "built.onnx"});
    const Finished finished = run(words);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_EQ(finished.out, "");
    EXPECT_EQ(finished.err, "");
    std::ifstream file(folder() / "built.onnx", std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
};

TEST_F(BuildTest, TheSameSeedGivesTheSameBytes) {
  const std::string first = built({"resnet20", "--seed", "1"});
  EXPECT_GT(first.size(), 1'000'000u);  // 0.27 million parameters
  EXPECT_EQ(built({"resnet20", "--seed", "1"}), first);
  EXPECT_NE(built({"resnet20", "--seed", "2"}), first);
}

TEST_F(BuildTest, ANetworkThatOverflowsUntrainedIsTold) {
  const Finished finished = run({"build", "resnet1202", "--input-shape", "1x3x8x8", "-o", "deep.onnx"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_THAT(finished.err,
              HasSubstr("warning: resnet1202: its 600 blocks double the variance one by one while it is untrained"));
  EXPECT_EQ(run({"build", "resnet1202", "--init", "zeros", "-o", "zeros.onnx"}).err, "");
}

TEST_F(BuildTest, StdoutTakesTheFileUnlessItIsATerminal) {
  const std::string bytes = built({"resnet20"});
  EXPECT_EQ(run({"build", "resnet20", "-o", "-"}).out, bytes);
  RunOptions terminal;
  terminal.terminal = true;
  const Finished refused = run({"build", "resnet20", "-o", "-"}, terminal);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.out, HasSubstr("standard output is a terminal"));
}

TEST_F(BuildTest, OptionsChangeTheNetwork) {
  const std::string plain = built({"resnet20"});
  EXPECT_LT(built({"resnet20", "--classes", "3"}).size(), plain.size());
  EXPECT_GT(built({"resnet20", "--shortcut", "B"}).size(), plain.size());
  EXPECT_LT(built({"resnet20", "--init", "none"}).size(), plain.size() / 4);
  EXPECT_LT(built({"resnet20", "--fold-batch-norm"}).size(), plain.size());
  built({"resnet20", "--classes", "3", "--input-shape", "2x3x48x48", "--opset", "13"});
  const Finished answer = run({"predict", "built.onnx", "red.png", "--format", "csv"});
  EXPECT_EQ(answer.exit_code, 0) << answer.err;
  EXPECT_THAT(inputs_of(answer.out), testing::SizeIs(3));
  EXPECT_THAT(answer.err, HasSubstr("2x3x48x48 and 3 classes"));
}

TEST_F(BuildTest, ZeroChannelsAtTheEnd) {
  const std::string both = built({"resnet20", "--zero-channels", "both"});
  EXPECT_EQ(both, built({"resnet20"}));
  const std::string end = built({"resnet20", "--zero-channels", "end"});
  EXPECT_NE(end, both);
  ASSERT_EQ(run({"convert", "built.onnx", "-o", "again.resnet", "-q"}).exit_code, 0);
  ASSERT_EQ(run({"convert", "again.resnet", "-o", "again.onnx", "-q"}).exit_code, 0);
  write("both.onnx", both);
  write("end.onnx", end);
  const char* described = "ResNet-20 (CIFAR), option A (zero channels at the end), 10 classes";
  for (const char* file : {"end.onnx", "again.resnet", "again.onnx"}) {
    EXPECT_THAT(run({"inspect", file}).out, HasSubstr(described)) << file;
    EXPECT_EQ(run({"validate", file, "--expect", "resnet20"}).exit_code, 0) << file;
    EXPECT_EQ(run({"validate", file, "--expect", "resnet20", "--zero-channels", "end"}).exit_code, 0) << file;
    EXPECT_EQ(run({"validate", file, "--expect", "resnet20", "--zero-channels", "both"}).exit_code, 1) << file;
  }
  EXPECT_THAT(run({"inspect", "both.onnx"}).out, HasSubstr("ResNet-20 (CIFAR), option A, 10 classes"));
  EXPECT_EQ(run({"compare", "end.onnx", "again.onnx", "-q"}).exit_code, 0);
  EXPECT_EQ(run({"compare", "end.onnx", "both.onnx", "-q"}).exit_code, 1);
  expect_refused(run({"build", "resnet50", "--zero-channels", "end", "-o", "x.onnx"}), 2,
                 "resnet50 has no zero channels, expected a net with shortcuts of option A");
}

TEST_F(BuildTest, TheOpsetFollowsTheNetwork) {
  built({"resnet50_gn", "--init", "zeros"});
  EXPECT_THAT(run({"inspect", "built.onnx"}).out, HasSubstr("opset 21"));
  built({"resnet50_gn", "--init", "zeros", "--opset", "17"});
  EXPECT_THAT(run({"inspect", "built.onnx"}).out, HasSubstr("opset 17"));
}

TEST_F(BuildTest, ZerosGiveEveryClassTheSame) {
  built({"resnet20", "--init", "zeros", "--classes", "4"});
  EXPECT_EQ(run({"predict", "built.onnx", "red.png", "--format", "csv", "-q", "--topk", "2"}).out,
            "input,rank,index,label,probability,logit\nred.png,1,0,,0.25,0\nred.png,2,1,,0.25,0\n");
}

TEST_F(BuildTest, WhatDoesNotFitIsRefusedAndLeavesNothing) {
  expect_refused(run({"build", "renset50", "-o", "x.onnx"}), 2, "unknown architecture 'renset50', did you mean 'resnet50'?");
  expect_refused(run({"build", "plain20", "--shortcut", "A", "-o", "x.onnx"}), 2, "plain20");
  expect_refused(run({"build", "resnet20", "--input-shape", "1x1x32x32", "-o", "x.onnx"}), 2, "does not fit resnet20");
  expect_refused(run({"build", "resnet20", "--input-shape", "1x3x0x32", "-o", "x.onnx"}), 2, "'0' is not a dimension");
  expect_refused(run({"build", "resnet20", "--classes", "0", "-o", "x.onnx"}), 2, "--classes");
  expect_refused(run({"build", "resnet20", "--opset", "1", "-o", "x.onnx"}), 2, "opset 1 cannot be written, expected 7 to 25");
  expect_refused(run({"build", "resnet20", "-o", "nowhere/x.onnx"}), 6, "nowhere/x.onnx: cannot be written");
  for (const auto& entry : fs::directory_iterator(folder())) {
    EXPECT_THAT(entry.path().filename().string(), testing::AnyOf("rgb.onnx", "rgb.txt", "red.png", "yellow.png"));
  }
}

}  // namespace
}  // namespace resnet::test

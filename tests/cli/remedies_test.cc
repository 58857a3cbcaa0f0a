// Networks and requests that do not fit as they are: either they are made to, or one line says which file it is and what to do.
#include <sys/stat.h>

#include "tests/cli/fixture.h"

namespace resnet::test {
namespace {

using testing::HasSubstr;

class RemediesTest : public CliTest {
 protected:
  // "foreign.onnx": two scores, and what cannot run after them.
  void write_foreign() const {
    OnnxGraph graph;
    graph.nodes = {node("Conv", {"image", "weight"}, {"map"}, "conv1"), node("GlobalAveragePool", {"map"}, {"mean"}, "pool"),
                   node("Flatten", {"mean"}, {"scores"}, "flatten"),
                   node("Frobnicate", {"scores"}, {"bent"}, "bend", {}, "elsewhere")};
    graph.initializers = {tensor("weight", {2, 3, 1, 1}, {1, 0, 0, 0, 1, 0})};
    graph.inputs = {value("image", {0, 3, 4, 4})};
    graph.outputs = {value("bent", {0, 2})};
    write("foreign.onnx", onnx_file(graph));
  }
  // The means of the channels of one picture of this size.
  void write_means(const std::string& name, std::int64_t high, std::int64_t wide) const {
    OnnxGraph graph = mean_classifier(4, {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, {0, 0, 0});
    graph.inputs = {value("image", {1, 3, high, wide})};
    graph.outputs = {value("logits", {1, 3})};
    write(name, onnx_file(graph));
  }
};

TEST_F(RemediesTest, APhotoCoversAnInputThatIsNotSquare) {
  write_means("wide.onnx", 4, 8);
  for (const char* crop : {"center", "ten"}) {
    const Finished finished =
        run({"predict", "wide.onnx", "red.png", "--preprocess", "torchvision", "--crop", crop, "-k", "1", "--format", "csv"});
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_THAT(finished.out, HasSubstr("red.png,1,0,"));
    EXPECT_THAT(finished.err, HasSubstr("centre crop 8 wide and 4 high"));
  }
  expect_refused(run({"predict", "wide.onnx", "red.png", "-q", "--crop-size", "x"}), 2, "--crop-size");
}

TEST_F(RemediesTest, WhatCannotRunIsNamedWithTheCut) {
  write_foreign();
  const std::string cut =
      "foreign.onnx: cannot run 1 of 4 nodes: node 'bend' (elsewhere.Frobnicate); without it: resnet-cli "
      "convert foreign.onnx --outputs scores -o OUT.onnx";
  expect_refused(run({"predict", "foreign.onnx", "red.png", "-q"}), 4, cut);
  expect_refused(run({"bench", "foreign.onnx", "-q"}), 4, cut);
  expect_refused(run({"compare", "foreign.onnx", "foreign.onnx"}), 4, cut);
  expect_refused(run({"convert", "foreign.onnx", "-o", "out.onnx", "--check", "1"}), 4, cut);
  EXPECT_EQ(run({"convert", "foreign.onnx", "--outputs", "scores", "-o", "cut.onnx"}).exit_code, 0);
  EXPECT_EQ(run({"predict", "cut.onnx", "red.png", "-q"}).exit_code, 0);
}

TEST_F(RemediesTest, AnOutputThatIsNotThereHasNeighbours) {
  expect_refused(run({"predict", "rgb.onnx", "red.png", "--output-name", "score", "-q"}), 2, "expected one of its own: 'logits'");
  EXPECT_THAT(run({"predict", "rgb.onnx", "red.png", "--output-name", "score", "-q"}).err, HasSubstr("rgb.onnx: --output-name"));
}

TEST_F(RemediesTest, AWeightIsNoOutput) {
  OnnxGraph graph = mean_classifier(4, {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, {0, 0, 0});
  graph.nodes.push_back(node("Abs", {"own"}, {"absolute"}, "abs"));
  graph.initializers.push_back(tensor("own", {2}, {1, 2}));
  write("own.onnx", onnx_file(graph));
  for (const char* name : {"own", "absolute"}) {
    expect_refused(run({"convert", "own.onnx", "-o", "cut.onnx", "--outputs", name}), 2, "does not depend on the input");
    EXPECT_FALSE(std::filesystem::exists(folder() / "cut.onnx"));
  }
}

TEST_F(RemediesTest, AFifoThatNobodyReadsIsNotWaitedFor) {
  ASSERT_EQ(mkfifo((folder() / "fifo").c_str(), 0600), 0);
  expect_refused(run({"predict", "rgb.onnx", "red.png", "--preprocess", "raw", "-q", "-o", "fifo"}), 6, "fifo: is a FIFO");
  expect_refused(run({"convert", "rgb.onnx", "-q", "-o", "fifo", "--format", "onnx"}), 6, "fifo: is a FIFO");
  RunOptions there;
  there.folder = folder();
  const Finished read = run_command(
      {"bash", "-c", "cat fifo & " + program() + " predict rgb.onnx red.png --preprocess raw -q -o fifo && wait"}, there);
  EXPECT_EQ(read.exit_code, 0) << read.err;
  EXPECT_THAT(read.out, HasSubstr("red.png"));
}

TEST_F(RemediesTest, OneNumberIsForAllChannels) {
  const auto predict = [this](const std::string& mean) {
    return run({"predict", "rgb.onnx", "red.png", "--preprocess", "raw", "--mean", mean, "--format", "jsonl", "-q"});
  };
  const Finished one = predict("5");
  EXPECT_EQ(one.exit_code, 0) << one.err;
  EXPECT_EQ(one.out, predict("5,5,5").out);
}

}  // namespace
}  // namespace resnet::test

// `quantize`: what a user sees of it.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/cli/fixture.h"
#include "tests/support/assets.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::ContainsRegex;
using testing::HasSubstr;

class QuantizeTest : public CliTest {
 protected:
  Finished quantize(std::vector<std::string> words) const {
    words.insert(words.begin(), {"quantize", "resnet20-cifar10", "red.png", "yellow.png"});
    return run(words);
  }
};

TEST_F(QuantizeTest, TheFileAnswersAsTheNetworkDoes) {
  const Finished finished = quantize({"-o", "q.onnx", "-q"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("29 of 29 layers in integers, u8 by "));
  const auto likeliest = [&](const std::string& model) {
    const Finished answered = run({"predict", model, "red.png", "--format", "csv", "--topk", "1", "-q"});
    EXPECT_EQ(answered.exit_code, 0) << answered.err;
    return answered.out.substr(0, answered.out.rfind(','));
  };
  // Labels and preparation are those of the network.
  EXPECT_THAT(likeliest("q.onnx"), HasSubstr("red.png,1,"));
  EXPECT_EQ(quantize({"-o", "q.resnet", "-q"}).exit_code, 0);
}

TEST_F(QuantizeTest, TheReportAsJson) {
  write("data.csv", "red.png,3\nyellow.png,5\n");
  const Finished finished = quantize({"-o", "q.onnx", "-q", "--check", "data.csv", "--format", "json", "--method", "minmax"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const json report = json::parse(finished.out);
  EXPECT_EQ(report["method"], "minmax");
  EXPECT_EQ(report["layout"], "qdq");
  EXPECT_EQ(report["layers"], 29);
  EXPECT_EQ(report["quantized"], 29);
  EXPECT_EQ(report["bytes"], fs::file_size(folder() / "q.onnx"));
  EXPECT_EQ(report["check"]["photos"], 2);
  EXPECT_EQ(report["check"]["after"]["bytes"], report["bytes"]);
  EXPECT_EQ(report["noise"].size(), 29u);
  EXPECT_LE(report["noise"][0]["snr_db"], report["noise"][1]["snr_db"]);
}

// A network that is built has no file; the field for its size stays empty.
TEST_F(QuantizeTest, WhatIsBuiltHasNoSize) {
  write("data.csv", "red.png,3\nyellow.png,5\n");
  const Finished finished = quantize({"-o", "q.onnx", "-q", "--check", "data.csv", "--method", "minmax"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, ContainsRegex("\nbefore +[0-9.]+ +[0-9.]+ +[0-9.]+\n"));
  EXPECT_THAT(finished.out, ContainsRegex("\nafter +[0-9.]+ +[0-9.]+ +0[.][0-9] +[0-9.]+\n"));
}

TEST_F(QuantizeTest, RequestsThatDoNotFitAreRefused) {
  expect_refused(run({"quantize", "resnet20-cifar10", "-o", "q.onnx"}), 2, "no photos given");
  expect_refused(run({"quantize", "red.png", "-o", "q.onnx"}), 2, "no model among the arguments");
  expect_refused(quantize({"-o", "q.onnx", "--percentile", "99"}), 2, "--percentile is for --method percentile, not ");
  expect_refused(quantize({"-o", "q.onnx", "--max-loss", "1"}), 2, "--max-loss is for --auto");
  expect_refused(quantize({"-o", "q.onnx", "--opset", "12"}), 2, "--opset");
  expect_refused(quantize({"-o", "q.resnet", "--opset", "17"}), 2, "--opset is for ONNX files");
  expect_refused(quantize({"-o", "q.png"}), 2, "q.png: ends in .png");
  expect_refused(quantize({"-o", "-"}), 2, "--output: - is standard output");
  expect_refused(quantize({"-o", "red.png", "-q"}), 2, "red.png is one of the inputs");
  EXPECT_FALSE(fs::exists(folder() / "q.onnx"));
}

TEST_F(QuantizeTest, ExitCodesOfPhotosAndModels) {
  write("broken.png", "no picture");
  const Finished some = run({"quantize", "resnet20-cifar10", "red.png", "broken.png", "-o", "q.onnx", "-q"});
  EXPECT_EQ(some.exit_code, 5);
  EXPECT_TRUE(fs::exists(folder() / "q.onnx"));
  EXPECT_EQ(run({"quantize", "resnet20-cifar10", "broken.png", "-o", "p.onnx", "-q"}).exit_code, 5);
  EXPECT_FALSE(fs::exists(folder() / "p.onnx"));
  const Finished twice = run({"quantize", "q.onnx", "red.png", "-o", "p.onnx", "-q"});
  expect_refused(twice, 2, "q.onnx: is quantized already");
}

}  // namespace
}  // namespace resnet::test

// `validate`: findings, expectations, and the paper's Table 1.
#include <nlohmann/json.hpp>

#include "tests/cli/fixture.h"
#include "tests/support/assets.h"

namespace resnet::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
using ValidateTest = CliTest;

TEST_F(ValidateTest, ThePaperPassesForV1) {
  const Finished finished = run({"validate", "--paper"});
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_THAT(finished.out, HasSubstr("35 of 35 as the paper's Table 1 has them"));
  EXPECT_THAT(finished.out, Not(HasSubstr("MISS")));
}

TEST_F(ValidateTest, ThePaperFailsForV15NamingTheStages) {
  const Finished finished = run({"validate", "--paper", "--variant", "v1.5", "--format", "json"});
  EXPECT_EQ(finished.exit_code, 1);
  const json answer = json::parse(finished.out);
  EXPECT_EQ(answer["passed"], false);
  std::vector<std::string> missed;
  for (const json& check : answer["checks"]) {
    if (!check["passed"]) missed.push_back(check["net"].get<std::string>() + " " + check["stage"].get<std::string>());
  }
  EXPECT_THAT(missed, testing::ElementsAre("resnet50 v1.5 conv3_x", "resnet50 v1.5 conv4_x", "resnet50 v1.5 conv5_x",
                                           "resnet50 v1.5 total", "resnet101 v1.5 conv3_x", "resnet101 v1.5 conv4_x",
                                           "resnet101 v1.5 conv5_x", "resnet101 v1.5 total", "resnet152 v1.5 conv3_x",
                                           "resnet152 v1.5 conv4_x", "resnet152 v1.5 conv5_x", "resnet152 v1.5 total"));
}

TEST_F(ValidateTest, ThePaperBesidesWhatIsExpected) {
  ASSERT_EQ(run({"build", "resnet18", "--init", "none", "-o", "net.onnx"}).exit_code, 0);
  const Finished right = run({"validate", "net.onnx", "--paper", "--expect", "resnet18", "--expect-macs", "1814073344"});
  EXPECT_EQ(right.exit_code, 0) << right.out;
  EXPECT_THAT(right.out, HasSubstr("7 of 7 as the paper's Table 1 has them"));
  EXPECT_THAT(right.out, HasSubstr("net.onnx: 0 errors"));
  const Finished depth = run({"validate", "net.onnx", "--paper", "--expect", "resnet50", "--format", "json"});
  EXPECT_EQ(depth.exit_code, 1);
  const json answer = json::parse(depth.out);
  EXPECT_EQ(answer["passed"], true);
  EXPECT_EQ(answer["valid"], false);
  EXPECT_EQ(answer["findings"][0]["rule"], "expect");
  EXPECT_EQ(run({"validate", "net.onnx", "--paper", "--expect-macs", "5"}).exit_code, 1);
  EXPECT_EQ(run({"validate", "net.onnx", "--paper", "--expect-params", "5", "--strict"}).exit_code, 1);
  // One network, whichever check looks at it: the paper's.
  EXPECT_EQ(run({"validate", "resnet50", "--paper", "--expect-macs", "3857973248"}).exit_code, 0);
  // Of a file the variant is what is expected.
  ASSERT_EQ(run({"build", "resnet50", "--init", "none", "--variant", "v1", "-o", "v1.onnx"}).exit_code, 0);
  EXPECT_EQ(run({"validate", "v1.onnx", "--paper", "--expect", "resnet50", "--variant", "v1"}).exit_code, 0);
  EXPECT_EQ(run({"validate", "v1.onnx", "--paper", "--expect", "resnet50", "--variant", "v1.5"}).exit_code, 1);
}

TEST_F(ValidateTest, WarningsAreErrorsWithThePaperToo) {
  ASSERT_EQ(run({"build", "resnet18", "--init", "none", "-o", "net.onnx"}).exit_code, 0);
  const Finished plain = run({"validate", "net.onnx", "--paper", "--strict", "--format", "json"});
  const json answer = json::parse(plain.out);
  EXPECT_EQ(plain.exit_code, answer["warnings"] == 0 ? 0 : 1) << plain.out;
}

TEST_F(ValidateTest, ThePaperAloneRefusesWhatIsOfAModel) {
  for (const std::vector<std::string>& given : std::vector<std::vector<std::string>>{
           {"--expect", "resnet18"}, {"--expect-macs", "5"}, {"--expect-params", "5"}, {"--strict"}, {"--shortcut", "A"}}) {
    std::vector<std::string> words = {"validate", "--paper"};
    words.insert(words.end(), given.begin(), given.end());
    expect_refused(run(words), 2, given[0] + " is of a model");
  }
}

TEST_F(ValidateTest, ASoundFilePasses) {
  const Finished finished = run({"validate", "rgb.onnx"});
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_THAT(finished.out, HasSubstr("rgb.onnx: 0 errors"));
}

TEST_F(ValidateTest, EveryFindingAtOnce) {
  OnnxGraph graph = mean_classifier(4, {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, {0, 0, 0});
  graph.nodes.push_back(node("Relu", {"nowhere"}, {"dead"}, "dangling"));
  graph.nodes.push_back(node("Guess", {"image"}, {"guess"}, "unknown"));
  graph.initializers.push_back(tensor("short", {5}, {1, 2}));
  write("broken.onnx", onnx_file(graph));
  const Finished finished = run({"validate", "broken.onnx", "--format", "json"});
  EXPECT_EQ(finished.exit_code, 1);
  const json answer = json::parse(finished.out);
  EXPECT_EQ(answer["valid"], false);
  std::vector<std::string> rules;
  for (const json& finding : answer["findings"]) rules.push_back(finding["rule"]);
  for (const char* rule : {"dangling-input", "unknown-operator", "initializer-size", "unused-initializer", "unused-node"}) {
    EXPECT_THAT(rules, testing::Contains(rule));
  }
  EXPECT_THAT(run({"validate", "broken.onnx"}).out, HasSubstr("error: node 'dangling': input 'nowhere' is produced by no node"));
}

TEST_F(ValidateTest, ThePaperAsMarkdownAndCsv) {
  const Finished csv = run({"validate", "--paper", "-o", "paper.csv"});
  ASSERT_EQ(csv.exit_code, 0) << csv.err;
  EXPECT_THAT(read("paper.csv"), testing::StartsWith("net,stage,multiply-adds,expected,result,expected by\nresnet18 v1,conv1,"));
  EXPECT_THAT(read("paper.csv"), HasSubstr("resnet50 v1,total,3857973248,3800000000,ok,"));
  const Finished md = run({"validate", "--paper", "--format", "md"});
  EXPECT_THAT(md.out, HasSubstr("| resnet152 v1 | total"));
  EXPECT_THAT(md.out, HasSubstr("|\n\n35 of 35 as the paper's Table 1 has them\n"));
  const Finished findings = run({"validate", "resnet50", "--paper", "--variant", "v1.5", "--format", "csv"});
  EXPECT_EQ(findings.exit_code, 1);
  EXPECT_THAT(findings.out, HasSubstr("error,paper,conv3_x,"));
  EXPECT_THAT(findings.out, HasSubstr("ok,paper,conv2_x,"));
}

TEST_F(ValidateTest, WarningsAreErrorsWhereAsked) {
  OnnxGraph graph = mean_classifier(4, {{1, 0, 0}}, {0});
  graph.initializers.push_back(tensor("extra", {1}, {1}));
  write("odd.onnx", onnx_file(graph));
  EXPECT_EQ(run({"validate", "odd.onnx"}).exit_code, 0);
  EXPECT_EQ(run({"validate", "odd.onnx", "--strict"}).exit_code, 1);
}

TEST_F(ValidateTest, WhatIsNoModelIsAFinding) {
  const Finished finished = run({"validate", "red.png"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.out, HasSubstr("is a PNG picture"));
  expect_refused(run({"validate", "missing.onnx"}), 3, "missing.onnx: cannot be opened");
}

TEST_F(ValidateTest, ExpectationsThatHold) {
  EXPECT_EQ(run({"validate", "resnet50", "--expect", "resnet50", "--expect-macs", "4089184256", "--expect-params", "25557032"})
                .exit_code,
            0);
  ASSERT_EQ(run({"build", "resnet34", "--init", "none", "--fold-batch-norm", "-o", "net.onnx"}).exit_code, 0);
  const Finished finished = run({"validate", "net.onnx", "--expect", "resnet34"});
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
}

TEST_F(ValidateTest, ExpectationsThatDoNotHold) {
  ASSERT_EQ(run({"build", "resnet50", "--init", "none", "-o", "net.onnx"}).exit_code, 0);
  const Finished depth = run({"validate", "net.onnx", "--expect", "resnet101"});
  EXPECT_EQ(depth.exit_code, 1);
  EXPECT_THAT(depth.out, HasSubstr("is ResNet-50 v1.5, option B, 1000 classes, expected ResNet-101 v1.5"));
  const Finished variant = run({"validate", "net.onnx", "--expect", "resnet50", "--variant", "v1"});
  EXPECT_EQ(variant.exit_code, 1);
  EXPECT_THAT(variant.out, HasSubstr("expected ResNet-50 v1, option B"));
  EXPECT_THAT(run({"validate", "net.onnx", "--expect-macs", "1"}).out, HasSubstr("4089184256 multiply-adds, expected 1"));
  EXPECT_THAT(run({"validate", "net.onnx", "--expect-params", "7"}).out, HasSubstr("25557032 parameters, expected 7"));
  EXPECT_THAT(run({"validate", "rgb.onnx", "--expect", "resnet18"}).out, HasSubstr("found none of this family"));
}

TEST_F(ValidateTest, RealFilesAreWhatTheySay) {
  RESNET_REQUIRE_ASSETS();
  const auto validate = [&](const std::string& file, const std::string& arch) {
    return run({"validate", (*assets() / "models" / file).string(), "--expect", arch}).exit_code;
  };
  EXPECT_EQ(validate("imagenet-resnet18-torch-op17-bn.onnx", "resnet18"), 0);
  EXPECT_EQ(validate("imagenet-resnet18-codebook-op13.onnx", "resnet18"), 0);
  EXPECT_EQ(validate("imagenet-resnet50-torch-op13-bn.onnx", "resnet50"), 0);
  EXPECT_EQ(validate("caffe2-light-resnet50.onnx", "resnet50"), 0);
  EXPECT_EQ(validate("cifar10-resnet20-torch-op11.onnx", "resnet20"), 0);
  EXPECT_EQ(validate("cifar10-resnet56-torch-op16-bn.onnx", "resnet56"), 0);
  EXPECT_EQ(validate("imagenet-resnet18-torch-op17-bn.onnx", "resnet34"), 1);
  EXPECT_EQ(validate("cifar10-resnet8-nhwc-op11.onnx", "resnet8"), 1);
}

}  // namespace
}  // namespace resnet::test

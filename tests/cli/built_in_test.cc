// The network that answers where none is named.
#include <nlohmann/json.hpp>

#include "tests/cli/fixture.h"
#include "tests/support/assets.h"
#include "tests/support/sanitized.h"

namespace resnet::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class BuiltInTest : public CliTest {};

TEST_F(BuiltInTest, AnswersAndSaysSo) {
  const Finished finished = run({"predict", "red.png", "yellow.png", "--topk", "3"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_THAT(finished.err, HasSubstr("no model is named: using resnet20-cifar10, which is built in"));
  EXPECT_EQ(std::count(finished.out.begin(), finished.out.end(), '\n'), 8);
  EXPECT_THAT(finished.out, testing::StartsWith("red.png\n"));
  const Finished named = run({"predict", "resnet20-cifar10", "red.png", "yellow.png", "--topk", "3"});
  EXPECT_EQ(named.out, finished.out);
  EXPECT_THAT(named.err, Not(HasSubstr("no model is named")));
  const Finished file =
      run({"predict", (testdata() / "models" / "resnet20-cifar10.onnx").string(), "red.png", "yellow.png", "--topk", "3", "-q"});
  EXPECT_EQ(file.out, finished.out);
}

TEST_F(BuiltInTest, IsAModelWhereverOneIsWanted) {
  EXPECT_THAT(run({"inspect", "resnet20-cifar10"}).out, HasSubstr("ResNet-20 (CIFAR), option A, 10 classes"));
  EXPECT_EQ(run({"convert", "resnet20-cifar10", "-o", "copy.onnx"}).exit_code, 0);
  EXPECT_EQ(run({"compare", "resnet20-cifar10", "copy.onnx"}).exit_code, 0);
}

TEST_F(BuiltInTest, IsRightAboutWhatItHasNotSeen) {
  RESNET_REQUIRE_ASSETS();
  const std::string labels = (*assets() / "images" / "cifar10" / "labels.csv").string();
  const Finished finished = run({"evaluate", "resnet20-cifar10", labels, "--format", "json", "-q"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  const auto report = nlohmann::json::parse(finished.out);
  EXPECT_EQ(report["count"], 100);
  EXPECT_GE(report["top1"].get<double>(), 80);
}

}  // namespace
}  // namespace resnet::test

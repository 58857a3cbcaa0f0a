// Published networks by their names, from a hub of the test's own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/cli/fixture.h"
#include "tests/support/http_server.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

using Files = std::map<std::string, std::string>;

class FetchCliTest : public CliTest {
 protected:
  RunOptions options(const std::string& address) const {
    RunOptions result;
    for (const char* name : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE"})
      result.environment[name] = "";
    result.environment["HF_HOME"] = folder() / "hf";
    result.environment["TORCH_HOME"] = folder() / "torch";
    result.environment["HF_ENDPOINT"] = address;
    result.environment["RESNET_CLI_TORCH_ENDPOINT"] = address;
    return result;
  }
};

TEST_F(FetchCliTest, ANameIsAModelEverywhere) {
  const FakeHub hub(Files{{"somebody/rgb/net.onnx", read("rgb.onnx")}});
  const std::string name = "hf:somebody/rgb:net.onnx";
  const RunOptions with = options(hub.address());
  const Finished fetched = run({"fetch", name}, with);
  EXPECT_EQ(fetched.exit_code, 0) << fetched.err;
  EXPECT_THAT(fetched.out, HasSubstr("hub/models--somebody--rgb/snapshots/"));
  const std::size_t asked = hub.asked_hub().size();
  const std::vector<std::string> raw = {"--labels", "rgb.txt", "--preprocess", "raw", "-q"};
  std::vector<std::string> predict = {"predict", name, "red.png"};
  predict.insert(predict.end(), raw.begin(), raw.end());
  const Finished answered = run(predict, with);
  EXPECT_EQ(answered.exit_code, 0) << answered.err;
  EXPECT_THAT(answered.out, HasSubstr("red"));
  for (const std::vector<std::string>& command : {std::vector<std::string>{"inspect", name},
                                                  {"validate", name},
                                                  {"compare", name, "rgb.onnx"},
                                                  {"convert", name, "-o", "copy.onnx"},
                                                  {"bench", name, "--iterations", "1", "--warmup", "1"}}) {
    EXPECT_EQ(run(command, with).exit_code, 0) << command.front() << run(command, with).err;
  }
  EXPECT_EQ(run({"predict", "somebody/rgb:net.onnx", "red.png", "-q"}, with).exit_code, 0);  // in the cache, without a prefix
  EXPECT_EQ(hub.asked_hub().size(), asked);
  EXPECT_EQ(run({"inspect", name, "--update"}, with).exit_code, 0);
  EXPECT_EQ(hub.asked_hub().size(), asked + 1);
}

TEST_F(FetchCliTest, AMistypedFolderAsksNobody) {
  const FakeHub hub(Files{{"holiday/photos/config.json", "{}"}});
  const RunOptions with = options(hub.address());
  expect_refused(run({"predict", "holiday/photos"}, with), 2, "holiday/photos: no such model or photo");
  expect_refused(run({"inspect", "timm/renset18.a1_in1k"}, with), 2, "did you mean timm/resnet18.a1_in1k?");
  EXPECT_TRUE(hub.asked_hub().empty());
}

TEST_F(FetchCliTest, AnExistingPathWins) {
  fs::create_directory(folder() / "timm");
  fs::copy_file(folder() / "rgb.onnx", folder() / "timm/resnet18.a1_in1k");
  EXPECT_EQ(run({"inspect", "timm/resnet18.a1_in1k"}, options("http://127.0.0.1:1")).exit_code, 0);
}

TEST_F(FetchCliTest, WhatIsWrongHasItsExitCode) {
  const FakeHub hub(Files{{"a/b/config.json", "{}"}});
  RunOptions with = options(hub.address());
  expect_refused(run({"fetch", "hf:a/c"}, with), 3, "there is no repository a/c");
  expect_refused(run({"fetch", "nonsense"}, with), 2, "is not a published network's name");
  expect_refused(run({"fetch"}, with), 2, "no name given");
  expect_refused(run({"predict", "timm/resnet18.a1_in1k", "red.png", "--offline"}, with), 3, "nothing is fetched offline");
  expect_refused(run({"inspect", "timm/resnet18.a1_in1k"}, options("http://127.0.0.1:1")), 3, "no network");
  const Finished several = run({"fetch", "hf:a/c", "hf:a/d"}, with);
  EXPECT_EQ(several.exit_code, 5);
  with.environment["HF_HUB_OFFLINE"] = "1";
  expect_refused(run({"fetch", "timm/resnet18.a1_in1k"}, with), 3, "nothing is fetched offline");
  with.environment["HF_ENDPOINT"] = "hub";
  expect_refused(run({"fetch", "timm/resnet18.a1_in1k"}, with), 2, "HF_ENDPOINT is 'hub'");
  write("hf", "a file");
  expect_refused(run({"fetch", "hf:a/b:config.json"}, options(hub.address())), 6, "cannot be made");
}

TEST_F(FetchCliTest, TheCatalogue) {
  const Finished csv = run({"fetch", "--list", "timm/resnet50.a1_", "--format", "csv"}, options("http://127.0.0.1:1"));
  EXPECT_EQ(csv.out,
            "name,architecture,classes,parameters,input,top1,test_input,test_top1,licence,in_cache\n"
            "timm/resnet50.a1_in1k,resnet50,1000,25557032,224,80.382,288,81.24,apache-2.0,false\n");
  EXPECT_THAT(run({"fetch", "--list", "--format", "json"}).out, StartsWith("["));
  expect_refused(run({"fetch", "--list", "vit"}), 2, "no network of the catalogue matches 'vit'");
  EXPECT_THAT(run({"fetch", "--names"}, options("http://127.0.0.1:1")).out, HasSubstr("\ntimm/resnet50.a1_in1k\n"));
}

TEST_F(FetchCliTest, UntrainedNetworksNameTrainedOnes) {
  const Finished finished = run({"predict", "resnet18", "red.png"});
  EXPECT_THAT(finished.err, HasSubstr("resnet18 is untrained: its answers mean nothing; timm/resnet18.a1_in1k is not"));
}

}  // namespace
}  // namespace resnet::test

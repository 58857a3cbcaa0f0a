// Weights without a graph as models: checkpoints of a trained network with the logits that PyTorch has for them, and a published
// folder with its configuration.
#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "tests/cli/fixture.h"
#include "tests/support/assets.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

class WeightsTest : public CliTest {
 protected:
  // The published folder "net": a network with weights of 0, so that its logits are the classifier's biases, of which
  // class 3 has the largest.
  void publish(const json& configuration, const std::string& network = "resnet10t") const {
    std::int64_t elements = 0;
    json header = json::object();
    const json weights =
        json::parse(run({"inspect", network, "--classes", "4", "--weights", "--format", "json", "-q"}).out)["weights"];
    std::int64_t bias = -1;
    for (const json& weight : weights) {
      std::vector<std::int64_t> dims;
      const std::string text = weight["shape"];
      for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('x', begin), text.size());
        dims.push_back(std::stoll(text.substr(begin, end - begin)));
        begin = end + 1;
      }
      std::int64_t size = 1;
      for (const std::int64_t dim : dims) size *= dim;
      if (weight["name"] == "fc.bias") bias = elements;
      header[std::string(weight["name"])] = {
          {"dtype", "F32"}, {"shape", dims}, {"data_offsets", {elements * 4, (elements + size) * 4}}};
      elements += size;
    }
    ASSERT_GE(bias, 0);
    const std::string text = header.dump();
    std::string bytes(8, '\0');
    const std::uint64_t length = text.size();
    std::memcpy(bytes.data(), &length, sizeof(length));
    bytes += text;
    const std::size_t data = bytes.size();
    bytes.resize(data + static_cast<std::size_t>(elements) * 4);
    const std::array<float, 4> biases = {0, 1, 2, 5};
    std::memcpy(bytes.data() + data + static_cast<std::size_t>(bias) * 4, biases.data(), sizeof(biases));
    fs::create_directory(folder() / "net");
    write("net/model.safetensors", bytes);
    write("net/config.json", configuration.dump());
  }

  static json configuration() {
    return {{"architecture", "resnet10t"},
            {"num_classes", 4},
            {"label_names", {"ash", "birch", "cedar", "dogwood"}},
            {"pretrained_cfg",
             {{"input_size", {3, 176, 176}},
              {"test_input_size", {3, 224, 224}},
              {"interpolation", "bicubic"},
              {"crop_pct", 0.875},
              {"test_crop_pct", 0.95},
              {"mean", {0.5, 0.4, 0.3}},
              {"std", {0.2, 0.2, 0.2}}}}};
  }
};

TEST_F(WeightsTest, CheckpointsOfATrainedNetwork) {
  RESNET_REQUIRE_ASSETS();
  const fs::path small = *assets() / "models" / "hub" / "small", expected = *assets() / "expected" / "hub-small";
  std::vector<std::string> words = {"predict",           "",      "--topk",           "10", "--format", "jsonl", "-q", "--mean",
                                    "0.485,0.456,0.406", "--std", "0.229,0.224,0.225"};
  constexpr std::size_t photos = 100, classes = 10;
  for (std::size_t i = 0; i < photos; ++i)
    words.push_back((*assets() / "images" / "cifar10" / fmt::format("{:03}.png", i)).string());
  int checked = 0;
  for (const auto& entry : fs::directory_iterator(expected)) {
    SCOPED_TRACE(entry.path().filename());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string npy{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    std::vector<float> logits(photos * classes);
    ASSERT_GT(npy.size(), logits.size() * sizeof(float));
    std::memcpy(logits.data(), npy.data() + npy.size() - logits.size() * sizeof(float), logits.size() * sizeof(float));
    words[1] = (small / entry.path().stem()).string();
    const Finished finished = run(words);
    ASSERT_EQ(finished.exit_code, 0) << finished.err;
    std::size_t photo = 0;
    std::istringstream lines(finished.out);
    for (std::string line; std::getline(lines, line); ++photo) {
      ASSERT_LT(photo, photos);
      const json answers = json::parse(line);
      for (const json& answer : answers["predictions"]) {
        const std::size_t index = answer["index"];
        EXPECT_NEAR(answer["logit"].get<double>(), logits[photo * classes + index], 1e-4) << "photo " << photo;
      }
    }
    EXPECT_EQ(photo, photos);
    ++checked;
  }
  EXPECT_GE(checked, 13);
}

TEST_F(WeightsTest, APublishedFolderHasItsPreparationAndLabels) {
  publish(configuration());
  const Finished finished = run({"predict", "net", "red.png", "--topk", "1"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("dogwood"));
  EXPECT_THAT(finished.err, HasSubstr("shorter side to 201 (bicubic), centre crop 176, RGB 0..1, mean 0.5,0.4,0.3"));
  // The file alone has the configuration beside it, by its published name.
  EXPECT_EQ(run({"predict", "net/model.safetensors", "red.png", "--topk", "1"}).out, finished.out);
  const Finished tested = run({"predict", "net", "red.png", "--topk", "1", "--test-size"});
  EXPECT_EQ(tested.out, finished.out);
  EXPECT_THAT(tested.err, HasSubstr("shorter side to 235 (bicubic), centre crop 224"));
}

// transformers' way: how photos are prepared is in a file of its own, and says the network's input size, too.
TEST_F(WeightsTest, APreprocessorBesideTheConfiguration) {
  publish({{"model_type", "resnet"},
           {"layer_type", "basic"},
           {"depths", {2, 2, 2, 2}},
           {"embedding_size", 64},
           {"hidden_sizes", {64, 128, 256, 512}},
           {"id2label", {{"0", "ash"}, {"1", "birch"}, {"2", "cedar"}, {"3", "dogwood"}}}},
          "resnet18");
  write("net/preprocessor_config.json",
        json{{"size", {{"shortest_edge", 288}}}, {"crop_pct", 0.9}, {"image_mean", {0.5, 0.4, 0.3}}}.dump());
  const Finished finished = run({"predict", "net", "red.png", "--topk", "1"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("dogwood"));
  EXPECT_THAT(finished.err, HasSubstr("centre crop 288"));
}

TEST_F(WeightsTest, TooLargeAConfigurationIsRefused) {
  publish(configuration());
  write("net/config.json", std::string((8u << 20) + 1, ' '));
  expect_refused(run({"predict", "net", "red.png", "-q"}), 3, "net/config.json: has 8388609 bytes");
}

TEST_F(WeightsTest, WhatIsMadeOfThemAnswersTheSame) {
  publish(configuration());
  for (const char* out : {"made.onnx", "made.resnet"}) {
    ASSERT_EQ(run({"convert", "net", "-o", out, "-q"}).exit_code, 0);
    const Finished finished = run({"predict", out, "red.png", "--topk", "1"});
    EXPECT_THAT(finished.out, HasSubstr("dogwood")) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("shorter side to 201 (bicubic), centre crop 176"));
  }
  const json inspected = json::parse(run({"inspect", "net", "--format", "json", "-q"}).out);
  EXPECT_EQ(run({"validate", "net", "-q"}).exit_code, 0);
  EXPECT_EQ(run({"compare", "net", "made.onnx", "-q"}).exit_code, 0);
}

TEST_F(WeightsTest, AConfigurationDecidesTheAnswerAndSoIsItsIdentity) {
  publish(configuration());
  const std::vector<std::string> words = {"predict", "net", "red.png", "--resume", "answers.jsonl", "-q"};
  ASSERT_EQ(run(words).exit_code, 0);
  ASSERT_EQ(run(words).exit_code, 0);
  json other = configuration();
  other["label_names"][3] = "elm";
  write("net/config.json", other.dump());
  EXPECT_NE(run(words).exit_code, 0);
  EXPECT_THAT(run({"predict", "net", "red.png", "--topk", "1", "-q"}).out, HasSubstr("elm"));
}

// Also from where they are not beside the name.
TEST_F(WeightsTest, AFolderOfOtherNamesIsAModelByItsConfiguration) {
  publish(configuration());
  fs::rename(folder() / "net" / "model.safetensors", folder() / "net" / "best.safetensors");
  EXPECT_THAT(run({"predict", "net", "red.png", "--topk", "1"}).out, HasSubstr("dogwood"));
  write("net/optimizer.bin", "not looked at: weights are in the other");
  EXPECT_THAT(run({"predict", "net", "red.png", "--topk", "1"}).out, HasSubstr("dogwood"));
  fs::copy_file(folder() / "net" / "best.safetensors", folder() / "net" / "last.safetensors");
  expect_refused(run({"predict", "net", "red.png"}), 3,
                 "net: holds several files of weights (best.safetensors, last.safetensors); name one of them");
  // Without it neither is meant for sure, and no other network answers in their place.
  fs::remove(folder() / "net" / "config.json");
  expect_refused(run({"predict", "net", "red.png"}), 3, "net: holds weights (best.safetensors, last.safetensors) and no photos");
  fs::copy_file(folder() / "red.png", folder() / "net" / "red.png");
  EXPECT_THAT(run({"predict", "net"}).err, HasSubstr("is built in"));
}

TEST_F(WeightsTest, ShardsOfAFolder) {
  RESNET_REQUIRE_ASSETS();
  fs::copy(*assets() / "models" / "hub" / "small" / "resnet20-shards", folder() / "shards");
  const Finished finished = run({"predict", "shards", "red.png", "--topk", "1", "-q", "--resume", "answers.jsonl"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  for (const char* command : {"inspect", "validate"}) EXPECT_EQ(run({command, "shards", "-q"}).exit_code, 0) << command;
  EXPECT_EQ(run({"convert", "shards", "-o", "made.onnx", "-q"}).exit_code, 0);
  EXPECT_EQ(run({"compare", "shards", "made.onnx", "-q"}).exit_code, 0);
  expect_refused(run({"predict", "shards/model-00001-of-00003.safetensors", "red.png", "-q"}), 3,
                 "it is one of several shards, expected their index (*.index.json) or the folder");
}

// The size that a file declares is the one at which it was exported, where nothing in its graph needs it.
TEST_F(WeightsTest, OtherCropsThanTheFileDeclares) {
  publish(configuration());
  ASSERT_EQ(run({"convert", "net", "-o", "made.onnx", "-q"}).exit_code, 0);
  for (const char* model : {"net", "made.onnx"}) {
    const Finished finished = run({"predict", model, "red.png", "--topk", "1", "--crop-size", "208"});
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_THAT(finished.out, HasSubstr("dogwood"));
    EXPECT_THAT(finished.err, HasSubstr("centre crop 208"));
  }
}

TEST_F(WeightsTest, WhatDoesNotFitIsSaid) {
  publish(configuration());
  expect_refused(run({"predict", "net", "red.png", "--arch", "resnet50", "-q"}), 3, "net: the weights do not fit ResNet-50");
  expect_refused(run({"predict", "net", "red.png", "--arch", "renset50", "-q"}), 2, "did you mean 'resnet50'?");
  expect_refused(run({"predict", "resnet20", "red.png", "--arch", "resnet50", "-q"}), 2,
                 "--arch is for weights without a graph, but resnet20 is not a file of such");
  expect_refused(run({"predict", "rgb.onnx", "red.png", "--arch", "resnet50", "-q"}), 2,
                 "--arch is for weights without a graph, but rgb.onnx is not a file of such");
  json fewer = configuration();
  fewer["num_classes"] = 3;
  fewer.erase("label_names");
  write("net/config.json", fewer.dump());
  expect_refused(run({"predict", "net", "red.png", "-q"}), 3,
                 "net/config.json: has 3 classes, but the classifier of the weights has 4");
  fs::remove(folder() / "net" / "model.safetensors");
  expect_refused(run({"predict", "net", "red.png", "-q"}), 3, "net: has no weights, expected model.safetensors");
}

}  // namespace
}  // namespace resnet::test

// `evaluate`, and the paper's ways of testing.
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <tuple>
#include <utility>

#include "tests/cli/fixture.h"
#include "tests/support/assets.h"
#include "tests/support/sanitized.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

class EvaluateTest : public CliTest {
 protected:
  Finished evaluate(std::vector<std::string> words) const {
    words.insert(words.begin(), "evaluate");
    return run(words);
  }
  json report(std::vector<std::string> words) const {
    words.insert(words.end(), {"--format", "json", "-q"});
    const Finished finished = evaluate(words);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    return json::parse(finished.out, nullptr, false);
  }
  static std::string model(const std::string& name) { return (*assets() / "models" / name).string(); }
};

TEST_F(EvaluateTest, FoldersByNameNumberAndOrder) {
  for (const auto& [red, green, blue] : {std::tuple{"red", "GREEN", "blue"}, {"0", "01", "2"}}) {
    const std::string data = std::string("data_") + red;
    fs::create_directories(folder() / data / red);
    fs::create_directories(folder() / data / green);
    write(data + "/" + red + "/a.png", png(4, 4, {255, 0, 0}));
    write(data + "/" + red + "/b.png", png(4, 4, {0, 0, 255}));
    write(data + "/" + green + "/c.png", png(4, 4, {0, 255, 0}));
    fs::create_directories(folder() / data / blue);
    write(data + "/" + blue + "/d.png", png(4, 4, {0, 0, 255}));
    const json found = report({"rgb.onnx", data, "--labels", "rgb.txt", "--preprocess", "raw", "-k", "2"});
    EXPECT_EQ(found["count"], 4);
    EXPECT_EQ(found["top1"], 75.0);
    EXPECT_EQ(found["top1_err"], 25.0);
    ASSERT_EQ(found["most_confused"].size(), 1u);
    EXPECT_EQ(found["most_confused"][0]["true_label"], "red");
    EXPECT_EQ(found["most_confused"][0]["answered_label"], "blue");
    EXPECT_EQ(found["classes"][0]["accuracy"], 50.0);
  }
  // Names that say nothing, as many as there are classes.
  for (const char* name : {"x", "y", "z"}) fs::create_directories(folder() / "other" / name);
  write("other/x/c.png", png(4, 4, {255, 0, 0}));
  write("other/y/c.png", png(4, 4, {0, 255, 0}));
  write("other/z/c.png", png(4, 4, {0, 0, 255}));
  const Finished finished = evaluate({"rgb.onnx", "other", "--labels", "rgb.txt", "--preprocess", "raw"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_THAT(finished.err, HasSubstr("are taken in their order"));
  EXPECT_THAT(finished.out, testing::StartsWith("Acc@1 100.000 (0.000) Acc@5 100.000 (0.000)\n"));
  fs::create_directories(folder() / "other" / "red");
  expect_refused(evaluate({"rgb.onnx", "other", "--labels", "rgb.txt", "--preprocess", "raw", "-q"}), 2,
                 "other/x: is not a class");
}

TEST_F(EvaluateTest, PrecisionRecallAndF1) {
  write("blue.png", png(4, 4, {0, 0, 255}));
  write("list.csv", "red.png,0\nred.png,0\nblue.png,0\nblue.png,2\n");
  const std::vector<std::string> words = {"rgb.onnx", "list.csv", "--labels", "rgb.txt", "--preprocess", "raw", "-q"};
  const json found = report(words);
  EXPECT_NEAR(found["macro"]["precision"].get<double>(), 75, 1e-9);
  EXPECT_NEAR(found["macro"]["recall"].get<double>(), 100 * 5.0 / 6, 1e-9);
  EXPECT_NEAR(found["micro"]["f1"].get<double>(), 75, 1e-9);
  EXPECT_NEAR(found["weighted"]["precision"].get<double>(), 87.5, 1e-9);
  EXPECT_EQ(found["classes"][1]["answered"], 2);
  EXPECT_EQ(found["architecture"], nullptr);
  std::vector<std::string> as_text = words, as_csv = words;
  as_text.push_back("--per-class");
  EXPECT_THAT(evaluate(as_text).out, HasSubstr("macro average"));
  as_csv.insert(as_csv.end(), {"--format", "csv"});
  EXPECT_THAT(evaluate(as_csv).out, HasSubstr(",macro_precision,macro_recall,macro_f1,micro_precision,"));
}

TEST_F(EvaluateTest, OnlyValidLabelsAreAnswers) {
  write("list.csv", "yellow.png,1\n");  // red and green alike: red is first
  write("valid.txt", "1\r\n2\n\n");
  const std::vector<std::string> words = {"rgb.onnx", "list.csv", "--preprocess", "raw", "-q"};
  std::vector<std::string> valid = words;
  valid.insert(valid.end(), {"--valid-labels", "valid.txt"});
  EXPECT_EQ(report(words)["top1"], 0.0);
  EXPECT_EQ(report(valid)["top1"], 100.0);
  write("valid.txt", "1\n3\n");
  expect_refused(evaluate(valid), 2, "valid.txt: line 2: '3' is not a class of the model, expected 0 to 2");
  write("valid.txt", "\n");
  expect_refused(evaluate(valid), 2, "valid.txt: holds no classes");
}

TEST_F(EvaluateTest, BesideThePaper) {
  write("list.csv", "red.png,1\n");
  const Finished one = evaluate({"resnet20", "list.csv", "--against-paper", "-q"});
  EXPECT_THAT(one.out, HasSubstr("paper: ResNet, Table 6: top-1 error 8.75, here "));
  const json found = report({"resnet20", "list.csv", "--against-paper", "-q"});
  EXPECT_EQ(found["architecture"], "resnet20");
  EXPECT_EQ(found["shortcut"], "A");
  EXPECT_EQ(found["paper"]["top1_err"], 8.75);
  EXPECT_EQ(found["paper"]["top5_err"], nullptr);
  const Finished other = evaluate({"resnet20", "list.csv", "--crop", "ten", "--against-paper", "-q"});
  EXPECT_THAT(other.out, HasSubstr("paper: prints no error of resnet20 by crop ten"));
  const Finished unknown = evaluate({"rgb.onnx", "list.csv", "--preprocess", "raw", "--against-paper", "-q"});
  EXPECT_THAT(unknown.out, HasSubstr("paper: prints no error of this network"));
  const Finished several = evaluate({"resnet20", "resnet32", "list.csv", "--against-paper", "--format", "csv", "-q"});
  EXPECT_THAT(several.out, HasSubstr(",paper top-1,paper top-5,paper's,"));
  EXPECT_THAT(several.out, HasSubstr(",7.51,,Table 6,"));
}

TEST_F(EvaluateTest, ListsGroundTruthAndItsMistakes) {
  write("list.csv", "file,class\nred.png,red\nyellow.png,1\n");
  const json found = report({"rgb.onnx", "list.csv", "--labels", "rgb.txt", "--preprocess", "raw"});
  EXPECT_EQ(found["count"], 2);
  EXPECT_EQ(found["top1"], 50.0);  // yellow is red first
  fs::create_directories(folder() / "val");
  write("val/1.png", png(4, 4, {255, 0, 0}));
  write("val/2.png", png(4, 4, {0, 255, 0}));
  write("truth.txt", "0\n1\n");
  EXPECT_EQ(report({"rgb.onnx", "val", "--ground-truth", "truth.txt", "--preprocess", "raw"})["top1"], 100.0);
  write("truth.txt", "0\n");
  expect_refused(evaluate({"rgb.onnx", "val", "--ground-truth", "truth.txt", "--preprocess", "raw", "-q"}), 2,
                 "1 lines for the 2 photos");
  write("bad.csv", "red.png,red\nyellow.png,purple\n");
  expect_refused(evaluate({"rgb.onnx", "bad.csv", "--labels", "rgb.txt", "--preprocess", "raw", "-q"}), 2,
                 "bad.csv: line 2: 'purple' is not a class of the model");
  expect_refused(evaluate({"rgb.onnx", "nowhere", "-q"}), 2, "nowhere: there is no such file or folder");
  expect_refused(evaluate({"rgb.onnx"}), 2, "expected one folder or file of data, got 0");
}

// ILSVRC numbers its classes in another order than networks do: the map's WordNet ids say which is which.
TEST_F(EvaluateTest, IlsvrcsOwnNumbers) {
  ASSERT_EQ(run({"build", "resnet18", "--input-shape", "Nx3x32x32", "-o", "net.onnx"}).exit_code, 0);
  fs::create_directories(folder() / "val");
  write("val/ILSVRC2012_val_00000001.png", png(32, 32, {255, 0, 0}));
  write("val/ILSVRC2012_val_00000002.png", png(32, 32, {0, 255, 0}));
  write("truth.txt", "1\n2\n");
  write("map.txt", "n01443537 1 goldfish\nn01440764 2 tench\n");
  const json found = report({"net.onnx", "val", "--ground-truth", "truth.txt", "--class-map", "map.txt"});
  ASSERT_EQ(found["classes"].size(), 2u);
  EXPECT_EQ(found["classes"][0]["label"], "tench");
  EXPECT_EQ(found["classes"][1]["index"], 1);
  const std::string confusion = "confusion.csv";
  report({"net.onnx", "val", "--ground-truth", "truth.txt", "--class-map", "map.txt", "--confusion", confusion});
  std::ifstream file(folder() / confusion);
  std::string line;
  std::getline(file, line);
  EXPECT_EQ(line, "model,crop,true,true_label,answered,answered_label,count");
  std::getline(file, line);
  EXPECT_THAT(line, testing::StartsWith("net.onnx,center,0,tench,"));
  write("truth.txt", "1\n3\n");
  expect_refused(evaluate({"net.onnx", "val", "--ground-truth", "truth.txt", "--class-map", "map.txt", "-q"}), 2,
                 "truth.txt: line 2: '3' is not a class of the model");
}

TEST_F(EvaluateTest, APhotoThatFailsIsCountedApart) {
  write("list.csv", "red.png,0\nmissing.png,1\n");
  const Finished finished = evaluate({"rgb.onnx", "list.csv", "--preprocess", "raw", "--format", "json"});
  EXPECT_EQ(finished.exit_code, 5);
  EXPECT_THAT(finished.err, HasSubstr("missing.png: "));
  const json found = json::parse(finished.out);
  EXPECT_EQ(found["count"], 1);
  EXPECT_EQ(found["failed"], 1);
}

TEST_F(EvaluateTest, Cifar10Batches) {
  ASSERT_EQ(run({"build", "resnet20", "-o", "net.onnx"}).exit_code, 0);
  std::string batch;
  for (int i = 0; i < 3; ++i) batch += std::string(1, static_cast<char>(i)) + std::string(3072, static_cast<char>(40 * i));
  write("batch.bin", batch);
  const json found = report({"net.onnx", "batch.bin", "--preprocess", "cifar10", "-k", "10"});
  EXPECT_EQ(found["count"], 3);
  EXPECT_EQ(found["top10"], 100.0);
  write("batch.bin", batch + "x");
  EXPECT_EQ(evaluate({"net.onnx", "batch.bin", "-q"}).exit_code, 5);
}

TEST_F(EvaluateTest, SeveralModelsAndCropsSideBySide) {
  ASSERT_EQ(run({"build", "resnet20", "-o", "a.onnx"}).exit_code, 0);
  ASSERT_EQ(run({"build", "resnet20", "--seed", "1", "-o", "b.onnx"}).exit_code, 0);
  write("p.png", png(40, 36, {200, 10, 10}));
  write("list.csv", "p.png,3\n");
  const json rows = report(
      {"a.onnx", "b.onnx", "list.csv", "--crop", "center,ten,full", "--scales", "32,40", "--ensemble", "--crop-size", "32"});
  ASSERT_EQ(rows.size(), 9u);
  EXPECT_EQ(rows[2]["model"], "a.onnx + b.onnx");
  EXPECT_EQ(rows[8]["crop"], "full at 32,40");
  EXPECT_EQ(rows[0]["params"].get<int>() * 2, rows[2]["params"].get<int>());
  EXPECT_THAT(evaluate({"a.onnx", "b.onnx", "list.csv", "--format", "md", "-q"}).out, HasSubstr("| model "));
  expect_refused(evaluate({"a.onnx", "list.csv", "--crop", "some"}), 2, "--crop: expected center, ten or full");
  expect_refused(evaluate({"a.onnx", "list.csv", "--scales", "big"}), 2, "--scales: expected lengths in pixels");
}

#ifndef RESNET_SANITIZED
TEST_F(EvaluateTest, RealNetworksOnTheirPictures) {
  RESNET_REQUIRE_ASSETS();
  const std::string photos = (*assets() / "images" / "imagenet").string(), cifar = (*assets() / "images" / "cifar10").string();
  EXPECT_NEAR(report({model("imagenet-resnet18-torch-op17-bn.onnx"), photos})["top1"].get<double>(), 82, 1);
  EXPECT_NEAR(report({model("imagenet-resnet50-torch-op13-bn.onnx"), photos})["top1"].get<double>(), 91, 1);
  const std::vector<std::string> trained_with = {"--preprocess",      "cifar10", "--mean",
                                                 "0.485,0.456,0.406", "--std",   "0.229,0.224,0.225"};
  for (const auto& [name, right] :
       {std::pair{"cifar10-resnet20-torch-op11.onnx", 94}, {"cifar10-resnet56-torch-op16-bn.onnx", 96}}) {
    std::vector<std::string> words = {model(name), cifar};
    words.insert(words.end(), trained_with.begin(), trained_with.end());
    EXPECT_EQ(report(words)["top1"], right) << name;
  }
  EXPECT_EQ(report({model("cifar10-resnet8-nhwc-op11.onnx"), cifar, "--preprocess", "raw"})["top1"], 88);
}
#endif

// Against PyTorch's figures (tools/reference/views_torch.py).
TEST_F(EvaluateTest, ThePapersWaysOfTestingAsPyTorchHasThem) {
  RESNET_REQUIRE_ASSETS();
  struct Figure {
    int index;
    double logit, probability;
  };
  std::map<std::string, std::map<std::string, Figure>> figures;  // by "model crop", then by photo
  std::vector<std::string> photos;
  std::ifstream file(testdata() / "views" / "imagenet.csv");
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string photo, net, crop, index, logit, probability;
    for (std::string* word : {&photo, &net, &crop, &index, &logit, &probability}) std::getline(words, *word, ',');
    figures[net + " " + crop][photo] = {std::stoi(index), std::stod(logit), std::stod(probability)};
    if (photos.empty() || photos.back() != photo) photos.push_back(photo);
  }
  ASSERT_GE(photos.size(), 10u);
  const std::string r18 = model("imagenet-resnet18-torch-op17-bn.onnx"), r50 = model("imagenet-resnet50-torch-op13-bn.onnx");
  const std::map<std::string, std::vector<std::string>> nets = {
      {"resnet18", {"--model", r18}}, {"resnet50", {"--model", r50}}, {"both", {"--model", r18, "--model", r50}}};
  for (const auto& [crop, most] :
#ifdef RESNET_SANITIZED
       {std::pair<std::string, std::size_t>{"center", 1}, {"ten", 1}, {"full", 0}}) {
#else
       {std::pair<std::string, std::size_t>{"center", 6}, {"ten", 1}, {"full", 1}}) {
#endif
    for (const auto& [net, options] : nets) {
      if (crop == "full" && net == "resnet50") continue;  // the most work of all, and a half of "both"
#ifdef RESNET_SANITIZED
      if (net != "resnet18") continue;
#endif
      SCOPED_TRACE(net + " " + crop);
      const auto& expected = figures.at(net + " " + crop);
      std::vector<std::string> names;
      for (const std::string& photo : photos) {
        if (names.size() < most && expected.contains(photo)) names.push_back(photo);
      }
      if (names.empty()) continue;
      for (const char* average : {"logit", "probability"}) {
        std::vector<std::string> words = {"predict", "--preprocess", "torchvision", "--crop",   crop,    "--average",
                                          average,   "--topk",       "5",           "--format", "jsonl", "-q"};
        words.insert(words.end(), options.begin(), options.end());
        if (crop == "full") words.insert(words.end(), {"--scales", "224,256,384,480,640"});
        for (const std::string& photo : names) words.push_back((*assets() / "images" / "imagenet" / photo).string());
        const Finished finished = run(words);
        ASSERT_EQ(finished.exit_code, 0) << finished.err;
        std::istringstream lines(finished.out);
        std::size_t same = 0;
        for (const std::string& photo : names) {
          ASSERT_TRUE(std::getline(lines, line));
          const json answer = json::parse(line);
          const Figure& figure = expected.at(photo);
          const bool by_logit = average == std::string("logit");
          for (const json& p : answer["predictions"]) {
            if (p["index"] != figure.index) continue;
            if (by_logit) {
              EXPECT_NEAR(p["logit"].get<double>(), figure.logit, 2e-3) << photo;
            }
            if (!by_logit) {
              EXPECT_NEAR(p["probability"].get<double>(), figure.probability, 5e-4) << photo;
            }
          }
          same += answer["predictions"][0]["index"] == figure.index ? 1u : 0u;
        }
        if (average == std::string("probability")) {
          EXPECT_GE(same * 100, names.size() * 98);
        }
      }
    }
  }
}

}  // namespace
}  // namespace resnet::test

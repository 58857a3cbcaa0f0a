// `convert`, `compare` and `ops`.
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "tests/cli/fixture.h"
#include "tests/support/assets.h"
#include "tests/support/sanitized.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ConvertTest : public CliTest {
 protected:
  Finished convert(std::vector<std::string> words) const {
    words.insert(words.begin(), "convert");
    return run(words);
  }
  // The largest difference of the first outputs of two models.
  double difference(const std::string& a, const std::string& b) const {
    const Finished finished = run({"compare", a, b, "--format", "json", "-q"});
    EXPECT_THAT(finished.exit_code, testing::AnyOf(0, 1)) << finished.err;
    return json::parse(finished.out)["outputs"][0]["max"];
  }
};

TEST_F(ConvertTest, ThereAndBackIsTheSameFile) {
  ASSERT_EQ(run({"build", "resnet20", "--seed", "3", "-o", "net.onnx"}).exit_code, 0);
  ASSERT_EQ(convert({"net.onnx", "-o", "net.resnet"}).exit_code, 0);
  ASSERT_EQ(convert({"net.resnet", "-o", "again.onnx"}).exit_code, 0);
  EXPECT_EQ(read("again.onnx"), read("net.onnx"));
  ASSERT_EQ(run({"build", "resnet20", "--seed", "3", "-o", "built.resnet"}).exit_code, 0);
  EXPECT_EQ(difference("built.resnet", "net.resnet"), 0);
  EXPECT_EQ(difference("net.onnx", "net.resnet"), 0);
}

TEST_F(ConvertTest, LabelsAndPreprocessingTravel) {
  for (const char* file : {"named.resnet", "named.onnx"}) {
    SCOPED_TRACE(file);
    ASSERT_EQ(convert({"rgb.onnx", "-o", file, "--labels", "rgb.txt", "--preprocess", "raw"}).exit_code, 0);
    const Finished answer = run({"predict", file, "red.png", "--topk", "1", "--format", "csv"});
    EXPECT_EQ(answer.out, "input,rank,index,label,probability,logit\nred.png,1,0,red,1,255\n");
    EXPECT_THAT(answer.err, Not(HasSubstr("guessed")));
  }
}

TEST_F(ConvertTest, FoldingAndSimplifyingKeepTheFunction) {
  ASSERT_EQ(run({"build", "resnet20", "-o", "net.onnx"}).exit_code, 0);
  const Finished finished = convert(
      {"net.onnx", "-o", "small.onnx", "--fold-batch-norm", "--simplify", "--check", "3", "--tolerance", "1e-3", "--explain"});
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_THAT(finished.out, HasSubstr("done: fold_batch_norm: node 'bn1' (BatchNormalization)"));
  EXPECT_THAT(finished.out, HasSubstr("check: 3 random inputs, output 'logits': largest difference"));
  EXPECT_THAT(run({"inspect", "small.onnx"}).out, Not(HasSubstr("BatchNormalization")));
  EXPECT_LT(read("small.onnx").size(), read("net.onnx").size());
}

TEST_F(ConvertTest, HalfPrecisionIsHalfTheSizeAndBackAgain) {
  ASSERT_EQ(run({"build", "resnet20", "-o", "net.onnx"}).exit_code, 0);
  ASSERT_EQ(convert({"net.onnx", "-o", "half.onnx", "--dtype", "fp16"}).exit_code, 0);
  EXPECT_LT(static_cast<double>(read("half.onnx").size()), 0.6 * static_cast<double>(read("net.onnx").size()));
  ASSERT_EQ(convert({"half.onnx", "-o", "single.onnx", "--dtype", "fp32"}).exit_code, 0);
  EXPECT_EQ(difference("half.onnx", "single.onnx"), 0);
  EXPECT_THAT(run({"inspect", "single.onnx"}).out, Not(HasSubstr("Cast")));
  // What is allowed follows the type, unless the tolerance is given.
  for (const char* type : {"fp16", "bf16"})
    EXPECT_EQ(convert({"net.onnx", "-o", "half.onnx", "--dtype", type, "--check", "2"}).exit_code, 0) << type;
  EXPECT_EQ(convert({"net.onnx", "-o", "half.onnx", "--dtype", "fp16", "--check", "2", "--tolerance", "1e-7"}).exit_code, 1);
}

// The likeliest class and the logit of each class, photo by photo, as predict gives them.
struct Answers {
  std::vector<int> best;
  std::map<std::string, double> logits;  // by photo and class
};

TEST_F(ConvertTest, PhotosAreAnsweredTheSameFoldedAndInHalfPrecision) {
  RESNET_REQUIRE_ASSETS();
  std::vector<std::string> photos;
  for (const auto& entry : fs::recursive_directory_iterator(*assets() / "images" / "imagenet")) {
    if (entry.path().extension() == ".jpg" || entry.path().extension() == ".JPEG") photos.push_back(entry.path().string());
  }
  std::sort(photos.begin(), photos.end());
  ASSERT_GE(photos.size(), 100u);
  // Every fifth is enough for a fold or a rounding that is wrong.
  std::vector<std::string> some;
#ifdef RESNET_SANITIZED
  const std::size_t step = 50;
#else
  const std::size_t step = 5;
#endif
  for (std::size_t i = 0; i < photos.size(); i += step) some.push_back(photos[i]);
  photos = std::move(some);
  const auto answers_of = [&](const std::string& model) {
    std::vector<std::string> words = {"predict", "--model", model,      "--preprocess", "torchvision",
                                      "--topk",  "1000",    "--format", "csv",          "-q"};
    words.insert(words.end(), photos.begin(), photos.end());
    const Finished finished = run(words);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    Answers answers;
    std::istringstream lines(finished.out);
    std::string line;
    std::getline(lines, line);  // input,rank,index,label,probability,logit
    while (std::getline(lines, line)) {
      // Labels may hold commas: the numbers are before them and after.
      const std::size_t rank = line.find(',') + 1, index = line.find(',', rank) + 1, logit = line.rfind(',') + 1;
      if (line.compare(rank, 2, "1,") == 0) answers.best.push_back(std::stoi(line.substr(index)));
      answers.logits[line.substr(0, rank) + std::to_string(std::stoi(line.substr(index)))] = std::stod(line.substr(logit));
    }
    return answers;
  };
  for (const char* name : {"imagenet-resnet18-torch-op17-bn.onnx", "imagenet-resnet50-torch-op13-bn.onnx"}) {
    SCOPED_TRACE(name);
    const std::string model = (*assets() / "models" / name).string();
    ASSERT_EQ(convert({model, "-o", "folded.onnx", "--fold-batch-norm", "--simplify", "-q"}).exit_code, 0);
    ASSERT_EQ(convert({model, "-o", "half.resnet", "--dtype", "fp16", "-q"}).exit_code, 0);
    const Answers plain = answers_of(model), folded = answers_of("folded.onnx"), half = answers_of("half.resnet");
    ASSERT_EQ(plain.best.size(), photos.size());
    ASSERT_EQ(plain.logits.size(), 1000 * photos.size());
    double worst = 0;
    for (const auto& [key, logit] : plain.logits) worst = std::max(worst, std::abs(folded.logits.at(key) - logit));
    EXPECT_LT(worst, 1e-4);
    std::size_t same = 0;
    for (std::size_t i = 0; i < plain.best.size(); ++i) same += half.best[i] == plain.best[i] ? 1u : 0u;
    EXPECT_GE(same + photos.size() / 100, photos.size());
    std::printf("%s: folding changes a logit by %.2g at most; in fp16 %zu of %zu photos keep their class\n", name, worst, same,
                photos.size());
  }
}

TEST_F(ConvertTest, LightFilesAreFilledFromASeed) {
#ifdef RESNET_SANITIZED
  const std::string net = "resnet20";
#else
  const std::string net = "resnet50";
#endif
  ASSERT_EQ(run({"build", net, "--seed", "9", "-o", "net.onnx"}).exit_code, 0);
  ASSERT_EQ(convert({"net.onnx", "-o", "light.onnx", "--strip-weights"}).exit_code, 0);
  EXPECT_LT(read("light.onnx").size(), 100'000u);
  ASSERT_EQ(convert({"light.onnx", "-o", "filled.onnx", "--seed", "9"}).exit_code, 0);
  EXPECT_EQ(difference("filled.onnx", "net.onnx"), 0);
}

TEST_F(ConvertTest, TorchvisionsNames) {
  RESNET_REQUIRE_ASSETS();
  const std::string model = (*assets() / "models" / "caffe2-light-resnet50.onnx").string();
  ASSERT_EQ(convert({model, "-o", "named.onnx", "--rename", "torchvision", "--simplify"}).exit_code, 0);
  const json weights = json::parse(run({"inspect", "named.onnx", "--weights", "--format", "json"}).out)["weights"];
  std::set<std::string> names, expected;
  for (const json& weight : weights) names.insert(weight["name"]);
  std::ifstream list(testdata() / "arch" / "resnet50.txt");
  for (std::string line; std::getline(list, line);) {
    if (line.empty() || line[0] == '#') continue;
    expected.insert(line.substr(0, line.find(' ')));
  }
  std::erase_if(expected, [](const std::string& name) { return name.ends_with("num_batches_tracked"); });
  for (const std::string& name : expected) EXPECT_TRUE(names.contains(name)) << name;
#ifndef RESNET_SANITIZED
  EXPECT_EQ(difference("named.onnx", model), 0);
#endif
  const std::string eight = (*assets() / "models" / "cifar10-resnet8-nhwc-op11.onnx").string();
  expect_refused(convert({eight, "-o", "x.onnx", "--rename", "torchvision"}), 4,
                 "only a network without differences can be renamed");
}

TEST_F(ConvertTest, OpsetsAndExternalData) {
  ASSERT_EQ(run({"build", "resnet20", "--shortcut", "B", "-o", "net.onnx"}).exit_code, 0);
  for (const char* opset : {"7", "9", "11", "13", "17", "18", "22", "25"}) {
    ASSERT_EQ(convert({"net.onnx", "-o", "other.onnx", "--opset", opset}).exit_code, 0) << opset;
    EXPECT_EQ(difference("net.onnx", "other.onnx"), 0) << opset;
  }
  ASSERT_EQ(run({"build", "resnet20", "-o", "a.onnx"}).exit_code, 0);
  expect_refused(convert({"a.onnx", "-o", "old.onnx", "--opset", "9"}), 4, "the lowest opset that can is 10");
  EXPECT_FALSE(fs::exists(folder() / "old.onnx"));
  ASSERT_EQ(convert({"net.onnx", "-o", "outer.onnx", "--external-data"}).exit_code, 0);
  EXPECT_TRUE(fs::exists(folder() / "outer.onnx.data"));
  EXPECT_EQ(difference("net.onnx", "outer.onnx"), 0);
}

TEST_F(ConvertTest, TheBatchIsOpened) {
  ASSERT_EQ(run({"build", "resnet20", "--input-shape", "1x3x32x32", "-o", "one.onnx"}).exit_code, 0);
  ASSERT_EQ(convert({"one.onnx", "-o", "many.onnx", "--dynamic-batch"}).exit_code, 0);
  EXPECT_EQ(json::parse(run({"inspect", "many.onnx", "--batch", "5", "--format", "json"}).out)["outputs"][0]["shape"],
            json::parse("[5, 10]"));
  RESNET_REQUIRE_ASSETS();
  // Its Reshape names the batch.
  const std::string model = (*assets() / "models" / "caffe2-light-resnet50.onnx").string();
  ASSERT_EQ(convert({model, "-o", "many.onnx", "--simplify", "--dynamic-batch", "-q"}).exit_code, 0);
  EXPECT_EQ(json::parse(run({"inspect", "many.onnx", "--batch", "3", "--format", "json"}).out)["outputs"][0]["shape"],
            json::parse("[3, 1000]"));
}

TEST_F(ConvertTest, Mistakes) {
  expect_refused(convert({"rgb.onnx"}), 2, "--output");
  expect_refused(convert({"rgb.onnx", "-o", "x.resnet", "--external-data"}), 2, "--external-data is for ONNX files");
  expect_refused(convert({"rgb.onnx", "-o", "x.onnx", "--opset", "3"}), 2, "opset 3 cannot be written");
  expect_refused(convert({"rgb.onnx", "-o", "x.onnx", "--seed", "1"}), 2, "rgb.onnx has all its weights");
  expect_refused(convert({"missing.resnet", "-o", "x.onnx"}), 3, "missing.resnet");
  expect_refused(convert({"rgb.onnx", "-o", "nowhere/x.onnx"}), 6, "nowhere/x.onnx: cannot be written");
  ASSERT_EQ(convert({"rgb.onnx", "-o", "x.resnet"}).exit_code, 0);
  std::string damaged = read("x.resnet");
  damaged[damaged.size() - 200] = static_cast<char>(damaged[damaged.size() - 200] ^ 1);
  write("damaged.resnet", damaged);
  expect_refused(run({"predict", "damaged.resnet", "red.png", "-q"}), 3, "checksum mismatch: the file is damaged");
}

TEST_F(ConvertTest, NativeFilesAreValidated) {
  ASSERT_EQ(run({"build", "resnet20", "-o", "net.resnet"}).exit_code, 0);
  EXPECT_EQ(run({"validate", "net.resnet", "--expect", "resnet20"}).exit_code, 0);
  EXPECT_EQ(run({"validate", "net.resnet", "--expect", "resnet18"}).exit_code, 1);
  std::string damaged = read("net.resnet");
  damaged[damaged.size() - 200] = static_cast<char>(damaged[damaged.size() - 200] ^ 1);
  write("damaged.resnet", damaged);
  const Finished finished = run({"validate", "damaged.resnet"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.out, HasSubstr("error: damaged.resnet: checksum mismatch: the file is damaged"));
}

TEST_F(ConvertTest, ANetworkInFloatsHasNoOtherLayout) {
  ASSERT_EQ(run({"build", "resnet20", "-o", "net.onnx"}).exit_code, 0);
  const Finished finished = run({"convert", "net.onnx", "-o", "out.onnx", "--layout", "qoperator"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_EQ(finished.err, "resnet-cli: net.onnx: nothing in it has another form to be written as qoperator\n");
}

TEST_F(ConvertTest, CompareNamesTheFirstLayerThatDiverges) {
  ASSERT_EQ(run({"build", "resnet20", "--seed", "1", "-o", "a.onnx"}).exit_code, 0);
  ASSERT_EQ(run({"build", "resnet20", "--seed", "2", "-o", "b.onnx"}).exit_code, 0);
  EXPECT_EQ(run({"compare", "a.onnx", "a.onnx", "--layers"}).exit_code, 0);
  const Finished finished = run({"compare", "a.onnx", "b.onnx", "--layers", "--format", "json"});
  EXPECT_EQ(finished.exit_code, 1);
  const json report = json::parse(finished.out);
  EXPECT_EQ(report["within"], false);
  EXPECT_THAT(report["first_divergence"].get<std::string>(), StartsWith("conv1"));
  EXPECT_EQ(report["outputs"][0]["rows"], 4);
  EXPECT_LT(report["outputs"][0]["snr_db"], 40);
}

TEST_F(ConvertTest, CompareWithLayersFailsWhereOnlyALayerDiffers) {
  // Twice and half as large inside, equal outside.
  for (const auto& [name, factor] : {std::pair{"a.onnx", 1.0f}, std::pair{"b.onnx", 2.0f}}) {
    write(name, onnx_file({{node("Mul", {"x", "f"}, {"inner"}, "first"), node("Div", {"inner", "f"}, {"y"}, "second")},
                           {tensor("f", {1}, {factor})},
                           {value("x", {1, 3, 4, 4})},
                           {value("y", {1, 3, 4, 4})}}));
  }
  EXPECT_EQ(run({"compare", "a.onnx", "b.onnx"}).exit_code, 0);
  const Finished finished = run({"compare", "a.onnx", "b.onnx", "--layers", "-o", "report.json"});
  EXPECT_EQ(finished.exit_code, 1);
  const json report = json::parse(read("report.json"));
  EXPECT_EQ(report["within"], false);
  EXPECT_EQ(report["outputs"][0]["within"], true);
  EXPECT_EQ(report["first_divergence"], "inner");
}

TEST_F(ConvertTest, AnEndingThatIsNotWrittenIsUsage) {
  for (const char* name : {"m.pth", "m.tflite", "m.engine", "m.pb"}) {
    expect_refused(convert({"rgb.onnx", "-o", name}), 2,
                   std::string(name) + ": ends in " + fs::path(name).extension().string() +
                       ", which is not written here; expected .onnx or .resnet; override with --format");
    expect_refused(run({"build", "resnet20", "-o", name}), 2, "expected .onnx or .resnet");
    expect_refused(run({"train", "resnet20", ".", "-o", name}), 2, "expected .onnx or .resnet");
    expect_refused(run({"compare", "rgb.onnx", "rgb.onnx", "-o", name}), 2, "expected .txt or .json; override with --format");
    EXPECT_FALSE(fs::exists(folder() / name));
  }
  EXPECT_EQ(convert({"rgb.onnx", "-o", "m.pb", "--format", "onnx"}).exit_code, 0);
  EXPECT_EQ(convert({"rgb.onnx", "-o", "m.RESNET"}).exit_code, 0);
  EXPECT_EQ(convert({"rgb.onnx", "-o", "m.resnet"}).exit_code, 0);
  EXPECT_EQ(read("m.RESNET"), read("m.resnet"));
}

TEST_F(ConvertTest, CompareWithStoredOutputs) {
  RESNET_REQUIRE_ASSETS();
  const fs::path top = *assets();
  write("x.npy", npy({1, 3, 4, 4}, std::vector<float>(48, 2.0f)));
  write("y.npy", npy({1, 3}, {2, 2, 2}));
  write("z.npy", npy({1, 3}, {2, 2, 3}));
  EXPECT_EQ(run({"compare", "rgb.onnx", "y.npy", "--input", "x.npy"}).exit_code, 0);
  EXPECT_EQ(run({"compare", "rgb.onnx", "z.npy", "--input", "x.npy"}).exit_code, 1);
  EXPECT_EQ(run({"compare", "rgb.onnx", "z.npy", "--input", "x.npy", "--check", "median"}).exit_code, 0);
  // The order of the options and the arguments does not matter.
  EXPECT_EQ(run({"compare", "rgb.onnx", "--input", "x.npy", "y.npy"}).exit_code, 0);
  EXPECT_EQ(run({"compare", "--input", "x.npy", "rgb.onnx", "z.npy"}).exit_code, 1);
  expect_refused(run({"compare", "rgb.onnx", "--input", "x.npy"}), 2, "expected two models, or a model and its expected outputs");
  expect_refused(run({"compare", "rgb.onnx", "--input", "x.npy", "y.npy", "z.npy"}), 2, "3 inputs given, rgb.onnx has 1");
  expect_refused(run({"compare", "rgb.onnx", "y.npy"}), 2, "stored outputs need the inputs that they are of");
  const Finished caffe2 = run({"compare", (top / "models" / "caffe2-light-resnet50.onnx").string(),
                               (top / "expected" / "caffe2-light-resnet50.pb").string(), "--input", "big.npy", "--atol", "1e-5"});
  EXPECT_EQ(caffe2.exit_code, 5);  // no such input
}

TEST_F(ConvertTest, OpsListsEveryOperator) {
  const Finished finished = run({"ops", "--format", "csv"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_THAT(finished.out, StartsWith("operator,since,read,written,run\n"));
  EXPECT_THAT(finished.out, HasSubstr("\nAdd,1,1-25,7-25,yes\n"));
  EXPECT_THAT(finished.out, HasSubstr("\nQuantizeLinear,10,10-25,10-25,yes\n"));
}

}  // namespace
}  // namespace resnet::test

// predict's answers: formats, labels, preprocessing, and images that fail.
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "tests/cli/fixture.h"
#include "tests/support/assets.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class PredictTest : public CliTest {
 protected:
  // With raw pixels.
  Finished predict(std::vector<std::string> words, const RunOptions& options = {}) const {
    words.insert(words.begin(), {"predict", "rgb.onnx", "--preprocess", "raw"});
    return run(words, options);
  }
  // The float after a CSV answer's last comma: the first logit of the first input.
  static double first_logit(const std::string& csv) {
    const std::string line = csv.substr(csv.find('\n') + 1, csv.find('\n', csv.find('\n') + 1) - csv.find('\n') - 1);
    return std::stod(line.substr(line.rfind(',') + 1));
  }
};

TEST_F(PredictTest, Text) {
  const Finished finished = predict({"yellow.png", "red.png", "--labels", "rgb.txt", "--topk", "2"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_EQ(finished.out,
            "yellow.png\n"
            "   50.00 %  0  red\n"
            "   50.00 %  1  green\n"
            "red.png\n"
            "  100.00 %  0  red\n"
            "    0.00 %  1  green\n");
  EXPECT_EQ(finished.err,
            "resnet-cli: preprocessing raw: shorter side to 4 (bilinear), centre crop 4, RGB 0..255, mean 0,0,0, std 1,1,1\n");
}

TEST_F(PredictTest, JsonLines) {
  const Finished finished =
      predict({"yellow.png", "missing.png", "red.png", "--labels", "rgb.txt", "--topk", "2", "--format", "jsonl", "-q"});
  EXPECT_EQ(finished.exit_code, 5);
  EXPECT_EQ(finished.out,
            R"({"input":"yellow.png","predictions":[{"rank":1,"index":0,"label":"red","probability":0.5,"logit":255.0},)"
            R"({"rank":2,"index":1,"label":"green","probability":0.5,"logit":255.0}]})"
            "\n"
            R"({"input":"missing.png","error":"cannot be opened: No such file or directory"})"
            "\n"
            R"({"input":"red.png","predictions":[{"rank":1,"index":0,"label":"red","probability":1.0,"logit":255.0},)"
            R"({"rank":2,"index":1,"label":"green","probability":0.0,"logit":0.0}]})"
            "\n");
  EXPECT_EQ(finished.err, "resnet-cli: missing.png: cannot be opened: No such file or directory\n");
}

TEST_F(PredictTest, Csv) {
  write("odd.txt", "red, really\n\"green\"\nblue\n");
  write("a,b.png", png(4, 4, {255, 255, 0}));
  const Finished finished = predict({"a,b.png", "missing.png", "--labels", "odd.txt", "--topk", "2", "--format", "csv", "-q"});
  EXPECT_EQ(finished.exit_code, 5);
  EXPECT_EQ(finished.out,
            "input,rank,index,label,probability,logit\n"
            "\"a,b.png\",1,0,\"red, really\",0.5,255\n"
            "\"a,b.png\",2,1,\"\"\"green\"\"\",0.5,255\n");
}

TEST_F(PredictTest, MoreClassesThanThereAreIsAllOfThem) {
  EXPECT_THAT(inputs_of(predict({"red.png", "--topk", "100", "--format", "csv"}).out), testing::SizeIs(3));
}

TEST_F(PredictTest, LogitsAreNullWhereTheGraphEndsInASoftmax) {
  OnnxGraph graph = mean_classifier(4, {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, {0, 0, 0});
  graph.nodes.push_back(node("Softmax", {"logits"}, {"probabilities"}, "softmax"));
  graph.outputs = {value("probabilities", {0, 3})};
  write("softmax.onnx", onnx_file(graph));
  const std::vector<std::string> words = {"predict", "softmax.onnx", "yellow.png", "--preprocess", "raw", "--topk",
                                          "1",       "-q",           "--format"};
  const auto in_format = [&](const char* format) {
    std::vector<std::string> all = words;
    all.push_back(format);
    return run(all).out;
  };
  EXPECT_EQ(in_format("jsonl"),
            R"({"input":"yellow.png","predictions":[{"rank":1,"index":0,"label":null,"probability":0.5,"logit":null}]})"
            "\n");
  EXPECT_EQ(in_format("csv"), "input,rank,index,label,probability,logit\nyellow.png,1,0,,0.5,\n");
}

TEST_F(PredictTest, AnOutputFileFollowsItsEndingAndIsWhole) {
  const Finished finished = predict({"red.png", "--topk", "1", "-o", "answers.csv"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_EQ(finished.out, "");
  EXPECT_EQ(read("answers.csv"), "input,rank,index,label,probability,logit\nred.png,1,0,,1,255\n");
  predict({"red.png", "--topk", "1", "-o", "answers.jsonl"});
  EXPECT_EQ(nlohmann::json::parse(read("answers.jsonl"))["input"], "red.png");
  predict({"red.png", "--topk", "1", "-o", "answers.csv", "--format", "text"});
  EXPECT_EQ(read("answers.csv"), "red.png\n  100.00 %  0\n");
}

TEST_F(PredictTest, AnOutputFileIsWrittenWhereSomeInputsFailAndAbsentWithFailFast) {
  EXPECT_EQ(predict({"missing.png", "red.png", "-o", "answers.csv", "-q"}).exit_code, 5);
  EXPECT_THAT(inputs_of(read("answers.csv")), testing::Each("red.png"));
  const Finished fast = predict({"red.png", "missing.png", "yellow.png", "-o", "fast.csv", "--fail-fast", "-q"});
  expect_refused(fast, 5, "missing.png: cannot be opened");
  EXPECT_FALSE(fs::exists(folder() / "fast.csv"));
}

TEST_F(PredictTest, FailFastStopsAtTheFirstButKeepsWhatWasAnswered) {
  const Finished finished =
      predict({"red.png", "missing.png", "yellow.png", "--fail-fast", "--format", "csv", "--topk", "1", "-q"});
  EXPECT_EQ(finished.exit_code, 5);
  EXPECT_THAT(inputs_of(finished.out), testing::ElementsAre("red.png"));
}

TEST_F(PredictTest, OutputsThatCannotBeWritten) {
  expect_refused(predict({"red.png", "-q", "-o", "nowhere/answers.csv"}), 6, "nowhere/answers.csv: cannot be written");
  fs::create_directory(folder() / "here");
  expect_refused(predict({"red.png", "-q", "-o", "here"}), 6, "here: is a folder");
  const auto through_shell = [&](const std::string& redirection) {
    RunOptions options;
    options.folder = folder();
    return run_command({"bash", "-c", "exec \"$0\" predict rgb.onnx red.png -q " + redirection, program()}, options);
  };
  expect_refused(through_shell(">/dev/full"), 6, "standard output: cannot be written: No space left on device");
  expect_refused(through_shell(">&-"), 6, "standard output: cannot be written");
}

TEST_F(PredictTest, ClosedDescriptorsAreNotMistakenForFiles) {
  RunOptions options;
  options.folder = folder();
  const Finished finished = run_command(
      {"bash", "-c",
       "exec \"$0\" predict rgb.onnx red.png missing.png -q --preprocess raw --format csv --topk 1 -o answers.csv <&- >&- 2>&-",
       program()},
      options);
  EXPECT_EQ(finished.exit_code, 5);
  EXPECT_EQ(read("answers.csv"), "input,rank,index,label,probability,logit\nred.png,1,0,,1,255\n");
}

TEST_F(PredictTest, APathThatIsNotUtf8IsGivenInBase64Too) {
  write("caf\xe9.png", png(4, 4, {255, 0, 0}));
  const Finished finished = predict({"caf\xe9.png", "--format", "jsonl", "--topk", "1", "-q"});
  EXPECT_EQ(finished.exit_code, 0);
  const nlohmann::json answer = nlohmann::json::parse(finished.out);
  EXPECT_EQ(answer["input"], "caf\xef\xbf\xbd.png");
  EXPECT_EQ(answer["input_base64"], "Y2Fm6S5wbmc=");
  EXPECT_THAT(predict({"caf\xe9.png", "--topk", "1", "-q"}).out, testing::StartsWith("caf\\xe9.png\n"));
}

TEST_F(PredictTest, ANameWithALineEndStaysOneLine) {
  expect_refused(predict({"two\nlines\x1b.png", "-q"}), 5, "two\\nlines\\x1b.png: cannot be opened");
}

TEST_F(PredictTest, BadPhotosAreReportedAndTheRestGoOn) {
  write("empty.png", "");
  write("page.jpg", "<!DOCTYPE html><html></html>");
  write("cut.png", png(4, 4, {1, 2, 3}).substr(0, 50));
  write("large.png", png(40, 30, {1, 2, 3}));
  const Finished finished = predict({"empty.png", "page.jpg", "red.png", "cut.png", "large.png", "rgb.txt", "--max-pixels",
                                     "1000", "--format", "csv", "--topk", "1", "-q", "--batch-size", "4"});
  EXPECT_EQ(finished.exit_code, 5);
  EXPECT_THAT(inputs_of(finished.out), testing::ElementsAre("red.png"));
  EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 5) << finished.err;
  for (const char* line : {"resnet-cli: empty.png: is empty", "resnet-cli: page.jpg: ", "resnet-cli: cut.png: is truncated",
                           "resnet-cli: large.png: has 40x30 pixels", "resnet-cli: rgb.txt: is not an image"}) {
    EXPECT_THAT(finished.err, HasSubstr(line));
  }
}

TEST_F(PredictTest, BatchesAnswerAsSingleImages) {
  std::vector<std::string> words;
  for (int i = 0; i < 7; ++i) {
    words.push_back("grey" + std::to_string(i) + ".png");
    const auto level = static_cast<std::uint8_t>(i * 30);
    write(words.back(), png(4, 4, {level, static_cast<std::uint8_t>(255 - level), 7}));
  }
  words.insert(words.end(), {"--format", "csv", "-q"});
  const std::string one_by_one = predict(words).out;
  words.insert(words.end(), {"--batch-size", "3"});
  EXPECT_EQ(predict(words).out, one_by_one);
  EXPECT_THAT(inputs_of(one_by_one), testing::SizeIs(21));
}

TEST_F(PredictTest, TheConventionsAreWhatTheyAreCalled) {
  // One colour stays itself whatever the resizing; logits are the normalised channels.
  write("color.png", png(4, 4, {200, 100, 50}));
  const auto logits = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = {"predict", "rgb.onnx", "color.png", "--format", "jsonl", "-q"};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<double> result(3);
    const nlohmann::json answer = nlohmann::json::parse(run(words).out);
    for (const auto& entry : answer.at("predictions")) result.at(entry["index"]) = entry["logit"];
    return result;
  };
  const auto near = [](double r, double g, double b) {
    return testing::ElementsAre(testing::DoubleNear(r, 1e-4), testing::DoubleNear(g, 1e-4), testing::DoubleNear(b, 1e-4));
  };
  EXPECT_THAT(logits({"--preprocess", "raw"}), near(200, 100, 50));
  EXPECT_THAT(logits({"--preprocess", "torchvision"}),
              near((200 / 255.0 - 0.485) / 0.229, (100 / 255.0 - 0.456) / 0.224, (50 / 255.0 - 0.406) / 0.225));
  EXPECT_THAT(logits({"--preprocess", "caffe"}), near(50 - 103.939, 100 - 116.779, 200 - 123.68));
  EXPECT_THAT(logits({"--preprocess", "tf"}), near(200 / 127.5 - 1, 100 / 127.5 - 1, 50 / 127.5 - 1));
  EXPECT_THAT(logits({"--preprocess", "mlperf"}), near(200 - 123.68, 100 - 116.78, 50 - 103.94));
  EXPECT_THAT(logits({"--preprocess", "cifar10"}),
              near((200 / 255.0 - 0.4914) / 0.2470, (100 / 255.0 - 0.4822) / 0.2435, (50 / 255.0 - 0.4465) / 0.2616));
  EXPECT_THAT(logits({"--preprocess", "raw", "--mean", "1,2,-3", "--std", "2,4,5"}), near(199 / 2.0, 98 / 4.0, 53 / 5.0));
  EXPECT_THAT(logits({"--preprocess", "raw", "--channel-order", "bgr"}), near(50, 100, 200));
}

TEST_F(PredictTest, PhotosOfAnotherSizeAreFitted) {
  write("wide.png", png(12, 8, {255, 0, 0}));
  EXPECT_EQ(run({"predict", "rgb.onnx", "wide.png", "-q"}).exit_code, 0);
  EXPECT_THAT(predict({"wide.png"}).err, HasSubstr("raw: shorter side to 4 (bilinear), centre crop 4"));
  expect_refused(predict({"wide.png", "-q", "--resize", "none", "--crop-size", "none"}), 5, "wide.png: ");
  EXPECT_EQ(predict({"wide.png", "--resize", "6", "--crop-size", "4", "-q"}).exit_code, 0);
  EXPECT_THAT(predict({"wide.png", "--crop-size", "4", "--crop-pct", "0.5"}).err,
              HasSubstr("shorter side to 8 (bilinear), centre crop 4"));
}

TEST_F(PredictTest, TensorsNeedNoPreprocessing) {
  std::vector<float> values(2 * 3 * 16, 0.f);
  std::fill_n(values.begin(), 16, 255.f);            // the first is red
  std::fill_n(values.begin() + 48 + 16, 16, 255.f);  // the second green
  write("two.npy", npy({2, 3, 4, 4}, values));
  write("one.npy", npy({3, 4, 4}, {values.begin(), values.begin() + 48}));
  write("odd.npy", npy({3, 5, 4}, std::vector<float>(60)));
  const Finished finished = run({"predict", "rgb.onnx", "two.npy", "one.npy", "--format", "csv", "--topk", "1"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_EQ(finished.err, "");
  EXPECT_EQ(finished.out,
            "input,rank,index,label,probability,logit\ntwo.npy[0],1,0,,1,255\ntwo.npy[1],1,1,,1,255\none.npy,1,0,,1,255\n");
  expect_refused(run({"predict", "rgb.onnx", "odd.npy"}), 5, "odd.npy: ");
}

TEST_F(PredictTest, AnArchitectureByNameIsUntrainedAndSaysSo) {
  const Finished finished =
      run({"predict", "resnet20", "red.png", "--topk", "1", "--seed", "3", "--format", "csv", "--resize", "32"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_THAT(finished.err, HasSubstr("warning: resnet20 is built with untrained weights"));
  EXPECT_THAT(finished.err, HasSubstr("preprocessing cifar10"));
  EXPECT_THAT(finished.err, Not(HasSubstr("guessed")));
  EXPECT_EQ(run({"build", "resnet20", "--seed", "3", "-o", "r20.onnx"}).exit_code, 0);
  const Finished from_file = run({"predict", "r20.onnx", "red.png", "--topk", "1", "--format", "csv"});
  EXPECT_NEAR(first_logit(from_file.out), first_logit(finished.out), 1e-4);
  // A file of that name comes first.
  write("resnet20", png(4, 4, {0, 0, 255}));
  EXPECT_EQ(predict({"resnet20", "--topk", "1", "--format", "csv", "-q"}).out,
            "input,rank,index,label,probability,logit\nresnet20,1,2,,1,255\n");
}

TEST_F(PredictTest, RealNetworksKnowTheirPhotos) {
  RESNET_REQUIRE_ASSETS();
  const fs::path shared = *assets();
  const Finished finished = run({"predict", (shared / "models/imagenet-resnet18-torch-op17-bn.onnx").string(),
                                 (shared / "images/imagenet/n01558993_robin.jpg").string(),
                                 (shared / "expected/imagenet-inputs-4.npy").string(), "--topk", "1", "--format", "jsonl"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("guessed the preprocessing by its input Nx3x224x224 and 1000 classes: torchvision"));
  std::vector<nlohmann::json> answers;
  std::istringstream lines(finished.out);
  for (std::string line; std::getline(lines, line);) answers.push_back(nlohmann::json::parse(line)["predictions"][0]);
  ASSERT_EQ(answers.size(), 5u);
  EXPECT_EQ(answers[0]["label"], "robin");
  EXPECT_EQ(answers[1]["label"], "robin");
  EXPECT_NEAR(answers[0]["logit"].get<double>(), answers[1]["logit"].get<double>(), 0.1);
  const Finished cifar = run({"predict", (shared / "models/cifar10-resnet8-nhwc-op11.onnx").string(),
                              (shared / "images/cifar10/000.png").string(), "--topk", "1", "--format", "jsonl"});
  EXPECT_THAT(cifar.err, HasSubstr("guessed the preprocessing by its input Nx32x32x3 and 10 classes: raw"));
  EXPECT_EQ(nlohmann::json::parse(cifar.out)["predictions"][0]["label"], "cat");
}

TEST_F(PredictTest, HowConvolutionsAreComputedDoesNotMatter) {
  RESNET_REQUIRE_ASSETS();
  const auto logits = [&](const char* convolution) {
    const Finished finished = run({"predict", (*assets() / "models/imagenet-resnet18-torch-op17-bn.onnx").string(),
                                   (*assets() / "expected/imagenet-inputs-4.npy").string(), "--topk", "1000", "--format", "jsonl",
                                   "-q", "--convolution", convolution});
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    std::vector<std::map<int, double>> images;
    std::vector<int> first;
    std::istringstream lines(finished.out);
    for (std::string line; std::getline(lines, line);) {
      const auto predictions = nlohmann::json::parse(line)["predictions"];
      first.push_back(predictions[0]["index"]);
      auto& image = images.emplace_back();
      for (const auto& entry : predictions) image[entry["index"]] = entry["logit"];
    }
    return std::pair(first, images);
  };
  const auto [first, direct] = logits("direct");
  ASSERT_EQ(direct.size(), 4u);
  for (const char* convolution : {"auto", "winograd"}) {
    const auto [other_first, other] = logits(convolution);
    EXPECT_EQ(other_first, first);
    ASSERT_EQ(other.size(), 4u);
    double largest = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      for (const auto& [index, logit] : direct[i]) largest = std::max(largest, std::abs(other[i].at(index) - logit));
    }
    EXPECT_LT(largest, 1e-3) << convolution;
    EXPECT_TRUE(largest > 0 || std::string_view(convolution) == "auto");  // it is another way
  }
}

}  // namespace
}  // namespace resnet::test

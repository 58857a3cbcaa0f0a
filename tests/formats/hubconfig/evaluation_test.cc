// The evaluation that configurations ask for, against timm's own and transformers': sizes and crops of a hundred photos, what is
// left of two before the mean, and what a network answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "formats/hubconfig/hubconfig.h"
#include "formats/npy/npy.h"
#include "formats/onnx/read.h"
#include "lib/classify/classifier.h"
#include "lib/classify/endpoints.h"
#include "lib/image/image.h"
#include "tests/support/assets.h"
#include "tests/support/sanitized.h"

namespace resnet::hubconfig {
namespace {

namespace fs = std::filesystem;

fs::path expected() { return *test::assets() / "expected" / "hub-eval"; }

#define RESNET_REQUIRE_EVALUATION() \
  RESNET_REQUIRE_ASSETS();          \
  if (!fs::exists(expected())) GTEST_SKIP() << "the test assets have no expected/hub-eval"

std::vector<std::string> split_at(const std::string& text, char separator) {
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; std::getline(stream, word, separator);) words.push_back(word);
  return words;
}

// "timm-224-0.95-bicubic", "transformers-224-0.875-bicubic": as the configuration that asks for it.
Preprocessing preprocessing_of(const std::string& way) {
  const std::vector<std::string> words = split_at(way, '-');
  if (words.at(0) == "timm") {
    return *parse(R"({"architecture": "resnet18", "pretrained_cfg": {"input_size": [3, )" + words[1] + ", " + words[1] +
                      R"(], "crop_pct": )" + words[2] + R"(, "interpolation": ")" + words[3] + "\"}}",
                  way)
                .preprocessing;
  }
  return parse_preprocessor(R"({"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": )" + words[1] +
                                R"(}, "crop_pct": )" + words[2] + R"(, "resample": )" + (words[3] == "bicubic" ? "3" : "2") +
                                R"(, "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]})",
                            way);
}

TEST(Evaluation, SizesAndCropsOfEveryPhoto) {
  RESNET_REQUIRE_EVALUATION();
  std::ifstream table(expected() / "sizes.csv");
  std::string line;
  std::getline(table, line);
  ASSERT_EQ(line, "photo,width,height,way,short_side,resized_width,resized_height,left,top,crop");
  int rows = 0, floored = 0;
  while (std::getline(table, line)) {
    ++rows;
    const std::vector<std::string> words = split_at(line, ',');
    const auto number = [&](std::size_t i) { return std::stoi(words.at(i)); };
    const Preprocessing preprocessing = preprocessing_of(words.at(3));
    const image::Size photo{number(1), number(2)};
    const image::Framing framing = image::framing_of(photo, preprocessing);
    EXPECT_EQ(*preprocessing.resize, number(4)) << line;
    EXPECT_EQ(framing.resized.width, number(5)) << line;
    EXPECT_EQ(framing.resized.height, number(6)) << line;
    EXPECT_EQ(framing.left, number(7)) << line;
    EXPECT_EQ(framing.top, number(8)) << line;
    EXPECT_EQ(framing.crop.width, number(9)) << line;
    EXPECT_EQ(framing.crop.height, number(9)) << line;
    Preprocessing other = preprocessing;
    other.crop_corner = CropCorner::half_to_even;
    const image::Framing even = image::framing_of(photo, other);
    floored += even.left != framing.left || even.top != framing.top ? 1 : 0;
  }
  EXPECT_EQ(rows, 700);
  // The corner matters: of the hundred photos, the twelve that transformers crop a pixel off.
  EXPECT_EQ(floored, 12);
}

TEST(Evaluation, WhatIsLeftBeforeTheMean) {
  RESNET_REQUIRE_EVALUATION();
  int count = 0;
  for (const auto& entry : fs::directory_iterator(expected())) {
    if (entry.path().extension() != ".png") continue;
    ++count;
    const std::string stem = entry.path().stem();
    const std::size_t end = std::min(stem.find("-timm-"), stem.find("-transformers-"));
    ASSERT_NE(end, std::string::npos) << stem;
    const fs::path photo = *test::assets() / "images" / "imagenet" / (stem.substr(0, end) + ".jpg");
    const image::Pixels shown = image::prepare(image::decode(photo), preprocessing_of(stem.substr(end + 1)));
    const image::Pixels wanted = image::decode(entry.path());
    ASSERT_EQ(shown.width, wanted.width) << stem;
    ASSERT_EQ(shown.height, wanted.height) << stem;
    EXPECT_TRUE(shown.rgb == wanted.rgb) << stem;  // to the bit: the resampler is PIL's
  }
  EXPECT_EQ(count, 4);
}

class Answers : public testing::TestWithParam<const char*> {};

TEST_P(Answers, AreThoseOfTheLibraries) {
  RESNET_REQUIRE_EVALUATION();
  std::ifstream list(*test::assets() / "images" / "imagenet" / "labels.csv");
  std::vector<fs::path> files;
  std::string line;
  std::getline(list, line);
  while (files.size() < 20 && std::getline(list, line))
    files.push_back(*test::assets() / "images" / "imagenet" / line.substr(0, line.rfind(',')));
  const Tensor wanted = npy::read(expected() / (std::string("resnet18-") + GetParam() + ".npy"));
  ASSERT_EQ(wanted.shape(), (Shape{20, 1000}));
#ifdef RESNET_SANITIZED
  files.resize(3);
#endif
  ThreadPool pool;
  ClassifierOptions options;
  options.batch_size = 4;
  options.top_k = 1000;
  options.preprocessing = preprocessing_of(GetParam());
  Model model = onnx::read(*test::assets() / "models" / "imagenet-resnet18-torch-op17-bn.onnx");
  // The file declares 224, which nothing in it depends on.
  Classifier classifier(xnnpack::Plan::make(with_image_size(model.graph, options.preprocessing.crop_size.value())), pool,
                        options);
  const std::vector<Result> results = classifier.classify(files);
  ASSERT_EQ(results.size(), files.size());
  double worst = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    ASSERT_EQ(results[i].error, std::nullopt) << files[i];
    ASSERT_EQ(results[i].predictions.size(), 1000u);
    const auto scores = wanted.data<float>().subspan(i * 1000, 1000);
    for (const Prediction& prediction : results[i].predictions)
      worst = std::max(
          worst, std::abs(prediction.logit.value() - static_cast<double>(scores[static_cast<std::size_t>(prediction.index)])));
  }
  EXPECT_LT(worst, 1e-2);
  RecordProperty("worst_difference", std::to_string(worst));
}

INSTANTIATE_TEST_SUITE_P(Ways, Answers,
                         testing::Values("timm-224-0.95-bicubic", "timm-288-1.0-bicubic", "transformers-224-0.875-bicubic"));

}  // namespace
}  // namespace resnet::hubconfig

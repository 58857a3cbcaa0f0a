// Real networks on real photos, against the logits that other programs compute.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "formats/npy/npy.h"
#include "formats/onnx/read.h"
#include "lib/classify/classifier.h"
#include "lib/classify/top_k.h"
#include "tests/support/assets.h"
#include "tests/support/sanitized.h"

namespace resnet {
namespace {

namespace fs = std::filesystem;

// Two correct programs differ by up to 4e-5 in these logits; ours sums in another order, too.
constexpr double logit_tolerance = 2e-3;
constexpr double probability_tolerance = 1e-4;

struct Photo {
  fs::path file;
  std::int64_t class_index;
};

std::vector<Photo> labelled_photos(const std::string& folder) {
  const fs::path top = *test::assets() / "images" / folder;
  std::ifstream list(top / "labels.csv");
  std::vector<Photo> photos;
  std::string line;
  std::getline(list, line);  // file,class
  while (std::getline(list, line)) {
    const std::size_t comma = line.rfind(',');
    photos.push_back({top / line.substr(0, comma), std::stoll(line.substr(comma + 1))});
  }
  return photos;
}

struct Case {
  const char* model;
  const char* photos;
  const char* expected;
  const char* preprocessing;
  int right;  // of 100
  bool cifar_with_imagenet_figures = false;
  double tolerance = logit_tolerance;
  int least_equal = 100;  // how many of the 100 first answers are the expected ones
};

void PrintTo(const Case& test_case, std::ostream* out) { *out << test_case.model; }

class RealNetwork : public testing::TestWithParam<Case> {};

TEST_P(RealNetwork, AnswersAsOtherProgramsDo) {
  RESNET_REQUIRE_ASSETS();
  const Case& test_case = GetParam();
  std::vector<Photo> photos = labelled_photos(test_case.photos);
  ASSERT_EQ(photos.size(), 100u);
#ifdef RESNET_SANITIZED
  photos.resize(3);
#endif
  const bool all = photos.size() == 100;
  std::vector<fs::path> files;
  for (const Photo& photo : photos) files.push_back(photo.file);
  const Tensor expected = npy::read(*test::assets() / "expected" / test_case.expected);

  ThreadPool pool;
  ClassifierOptions options;
  options.batch_size = 8;
  options.preprocessing = *find_preprocessing(test_case.preprocessing);
  if (test_case.cifar_with_imagenet_figures) {
    options.preprocessing.mean = find_preprocessing("torchvision")->mean;
    options.preprocessing.std = find_preprocessing("torchvision")->std;
  }
  Model model = onnx::read(*test::assets() / "models" / test_case.model);
  Classifier classifier(xnnpack::Plan::make(std::move(model.graph)), pool, options);
  const std::vector<Result> results = classifier.classify(files);
  ASSERT_EQ(results.size(), photos.size());

  const auto classes = static_cast<std::size_t>(expected.shape()[1]);
  EXPECT_EQ(classifier.output().classes, expected.shape()[1]);
  int right = 0, equal = 0;
  double worst = 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    ASSERT_EQ(results[i].error, std::nullopt) << results[i].input;
    const auto scores = expected.data<float>().subspan(i * classes, classes);
    equal += results[i].predictions[0].index == top_k(scores, 1)[0] ? 1 : 0;
    right += results[i].predictions[0].index == photos[i].class_index ? 1 : 0;
    for (const Prediction& prediction : results[i].predictions) {
      const double wanted = scores[static_cast<std::size_t>(prediction.index)];
      worst = std::max(worst, std::abs(prediction.logit.value_or(prediction.probability) - wanted));
    }
  }
  EXPECT_GE(equal, all ? test_case.least_equal : 3);
  if (all) {
    EXPECT_EQ(right, test_case.right);
  }
  EXPECT_LT(worst, test_case.tolerance);
  RecordProperty("worst_difference", std::to_string(worst));
}

INSTANTIATE_TEST_SUITE_P(
    Models, RealNetwork,
    testing::Values(
        Case{"imagenet-resnet18-torch-op17-bn.onnx", "imagenet", "imagenet-resnet18.npy", "torchvision", 82},
        Case{"imagenet-resnet18-codebook-op13.onnx", "imagenet", "imagenet-resnet18.npy", "torchvision", 82},
        Case{"imagenet-resnet50-torch-op13-bn.onnx", "imagenet", "imagenet-resnet50.npy", "torchvision", 91},
        Case{"cifar10-resnet20-torch-op11.onnx", "cifar10", "cifar10-resnet20-torch-op11.npy", "cifar10", 94, true},
        Case{"cifar10-resnet56-torch-op16-bn.onnx", "cifar10", "cifar10-resnet56-torch-op16-bn.npy", "cifar10", 96, true},
        Case{"cifar10-resnet8-nhwc-op11.onnx", "cifar10", "cifar10-resnet8-nhwc-op11.npy", "raw", 88, false,
             probability_tolerance},
        // Where a value lies halfway between two steps, the order of a sum decides; a step is about 0.004.
        Case{"cifar10-resnet8-int8-qdq-op13.onnx", "cifar10", "cifar10-resnet8-int8-qdq-op13.npy", "raw", 86, false, 0.06, 98}));

}  // namespace
}  // namespace resnet

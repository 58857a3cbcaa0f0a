#include "lib/classify/classifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "formats/npy/npy.h"
#include "lib/base/error.h"
#include "lib/base/files.h"
#include "tests/classify/small_networks.h"
#include "tests/support/assets.h"
#include "tests/support/temporary_folder.h"

namespace resnet {
namespace {

namespace fs = std::filesystem;
using test::channel_means;
using test::plan_of;
using testing::ElementsAre;
using testing::SizeIs;
using testing::StartsWith;

const Dim n = Dim::symbol("batch");

std::optional<Tensor> load_npy(const fs::path& file) {
  if (file.extension() == ".npy") return npy::read(file);
  return std::nullopt;
}

class ClassifierTest : public testing::Test {
 protected:
  // Pixels as they are: the mean levels are the scores.
  static ClassifierOptions raw(std::size_t batch_size = 1) {
    ClassifierOptions options;
    options.batch_size = batch_size;
    options.decode_threads = 2;
    options.preprocessing = *find_preprocessing("raw");
    options.load_tensor = load_npy;
    return options;
  }
  // 3xHxW of one value per channel.
  fs::path tensor(const std::string& name, float r, float g, float b, std::int64_t side = 4) {
    Tensor values = Tensor::allocate(DType::float32, Shape{3, side, side});
    const auto data = values.mutable_data<float>();
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = i < data.size() / 3 ? r : (i < data.size() / 3 * 2 ? g : b);
    npy::write(folder.path() / name, values);
    return folder.path() / name;
  }
  static std::vector<std::int64_t> best(const std::vector<Result>& results) {
    std::vector<std::int64_t> indices;
    for (const Result& result : results) indices.push_back(result.error ? -1 : result.predictions.at(0).index);
    return indices;
  }

  ThreadPool pool{2};
  test::TemporaryFolder folder;
};

Graph any_size() { return channel_means({.input = {n, 3, Dim::symbol("h"), Dim::symbol("w")}}); }

TEST_F(ClassifierTest, PredictionsAreSoftmaxOfTheScores) {
  Classifier classifier(plan_of(channel_means()), pool, raw());
  const std::vector<Result> results = classifier.classify(std::vector{tensor("x.npy", 0, 1, 2)});
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_EQ(results[0].input, (folder.path() / "x.npy").string());
  EXPECT_EQ(results[0].error, std::nullopt);
  ASSERT_THAT(results[0].predictions, SizeIs(4));
  // Scores 0, 1, 2 and -1: exp(2) / (1 + e + e^2 + 1/e) = 0.6439
  const std::vector<Prediction>& predictions = results[0].predictions;
  EXPECT_EQ(predictions[0].index, 2);
  EXPECT_NEAR(predictions[0].probability, 0.64391426, 1e-5);
  ASSERT_TRUE(predictions[0].logit);
  EXPECT_NEAR(*predictions[0].logit, 2, 1e-5);
  EXPECT_THAT((std::vector{predictions[1].index, predictions[2].index, predictions[3].index}), ElementsAre(1, 0, 3));
  EXPECT_NEAR(predictions[3].probability, 0.03205860, 1e-5);
}

TEST_F(ClassifierTest, BehindASoftmaxThereIsNoLogit) {
  ClassifierOptions options = raw();
  options.top_k = 2;
  Classifier classifier(plan_of(channel_means({.softmax = true})), pool, options);
  EXPECT_TRUE(classifier.output().probabilities);
  const std::vector<Result> results = classifier.classify(std::vector{tensor("x.npy", 0, 1, 2)});
  ASSERT_THAT(results.at(0).predictions, SizeIs(2));
  EXPECT_NEAR(results[0].predictions[0].probability, 0.64391426, 1e-5);
  EXPECT_EQ(results[0].predictions[0].logit, std::nullopt);
}

TEST_F(ClassifierTest, PhotosGoThroughThePreprocessing) {
  ClassifierOptions options = raw();
  options.preprocessing = *find_preprocessing("caffe");
  options.preprocessing.resize = 40;
  options.preprocessing.crop_size = 32;
  Classifier classifier(plan_of(channel_means({.input = {n, 3, 32, 32}})), pool, options);
  const fs::path photo = test::testdata() / "images" / "disc.png";
  const std::vector<Result> results = classifier.classify(std::vector{photo});
  const image::Pixels pixels = image::prepare(image::decode(photo), options.preprocessing);
  std::array<double, 3> mean{};
  for (std::size_t i = 0; i < pixels.rgb.size(); ++i) mean[i % 3] += pixels.rgb[i] / (32.0 * 32.0);
  for (const Prediction& prediction : results.at(0).predictions) {
    if (prediction.index == 0) {
      EXPECT_NEAR(*prediction.logit, mean[2] - 103.939, 1e-3) << "blue comes first";
    }
    if (prediction.index == 1) {
      EXPECT_NEAR(*prediction.logit, mean[1] - 116.779, 1e-3);
    }
    if (prediction.index == 2) {
      EXPECT_NEAR(*prediction.logit, mean[0] - 123.68, 1e-3);
    }
  }
}

TEST_F(ClassifierTest, ResultsComeInOrderWithTheBadOnesInTheirPlace) {
  const fs::path text = folder.write("text.jpg", "hello"), empty = folder.write("empty.png", "");
  std::vector<fs::path> files;
  for (int i = 0; i < 7; ++i) files.push_back(tensor(std::to_string(i) + ".npy", 0, i % 2 == 0 ? 5.0f : 1.0f, 3));
  files.insert(files.begin() + 2, text);
  files.insert(files.begin() + 5, {empty, folder.path() / "missing.jpg"});
  files.push_back(text);
  for (const std::size_t batch_size : {1u, 2u, 3u, 16u}) {
    for (const std::size_t threads : {0u, 1u, 4u}) {
      ClassifierOptions options = raw(batch_size);
      options.decode_threads = threads;
      Classifier classifier(plan_of(channel_means()), pool, options);
      const std::vector<Result> results = classifier.classify(files);
      EXPECT_THAT(best(results), ElementsAre(1, 2, -1, 1, 2, -1, -1, 1, 2, 1, -1)) << batch_size << " " << threads;
      for (std::size_t i = 0; i < results.size(); ++i) {
        EXPECT_EQ(results[i].input, files[i].string());
        EXPECT_EQ(results[i].source, i);
      }
      EXPECT_EQ(results[2].error,
                "is not an image that can be read, expected JPEG, PNG, WebP, GIF, TIFF, HEIF, AVIF, BMP or PNM");
      EXPECT_EQ(results[5].error, "is empty");
      EXPECT_EQ(results[6].error, "cannot be opened: No such file or directory");
    }
  }
}

TEST_F(ClassifierTest, TheSameBitsInAnyBatch) {
  std::vector<fs::path> files;
  for (int i = 0; i < 9; ++i) files.push_back(tensor(std::to_string(i) + ".npy", 0.1f * static_cast<float>(i), 0.7f, 0.3f));
  Classifier one(plan_of(channel_means()), pool, raw(1)), four(plan_of(channel_means()), pool, raw(4));
  const std::vector<Result> expected = one.classify(files), found = four.classify(files);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].predictions, expected[i].predictions) << i;
}

TEST_F(ClassifierTest, ATensorOfSeveralImages) {
  npy::write(folder.path() / "three.npy", Tensor::from<float>(Shape{3, 3, 1, 1}, {9, 1, 1, 0, 9, 1, 0, 1, 9}));
  npy::write(folder.path() / "one.npy", Tensor::from<float>(Shape{1, 3, 1, 1}, {0, 1, 9}));
  const std::string name = (folder.path() / "three.npy").string();
  Classifier classifier(plan_of(any_size()), pool, raw(2));
  const std::vector<Result> results = classifier.classify(std::vector{folder.path() / "three.npy", folder.path() / "one.npy"});
  ASSERT_THAT(results, SizeIs(4));
  EXPECT_EQ(results[0].input, name + "[0]");
  EXPECT_EQ(results[2].input, name + "[2]");
  EXPECT_EQ(results[3].input, (folder.path() / "one.npy").string());
  EXPECT_EQ(results[2].source, 0u);
  EXPECT_EQ(results[3].source, 1u);
  EXPECT_THAT(best(results), ElementsAre(3, 1, 2, 2));
}

TEST_F(ClassifierTest, TensorsThatDoNotFit) {
  Classifier classifier(plan_of(channel_means()), pool, raw());
  npy::write(folder.path() / "integers.npy", Tensor::allocate(DType::int32, Shape{3, 4, 4}));
  const fs::path broken = folder.write("broken.npy", "hello");
  const std::vector<Result> results =
      classifier.classify(std::vector{tensor("large.npy", 1, 2, 3, 5), folder.path() / "integers.npy", broken});
  EXPECT_EQ(results.at(0).error, "has shape 3x5x5, expected 3xHxW or Nx3x4x4");
  EXPECT_EQ(results.at(1).error, "holds elements of type int32, expected float");
  EXPECT_EQ(results.at(2).error, "is not a .npy file");
}

TEST_F(ClassifierTest, ImagesOfDifferentSizesDoNotShareABatch) {
  std::vector<fs::path> files;
  int count = 0;
  for (const std::int64_t side : {4, 4, 7, 7, 7, 4, 9}) files.push_back(tensor(std::to_string(count++) + ".npy", 0, 1, 2, side));
  Classifier classifier(plan_of(any_size()), pool, raw(3));
  const std::vector<Result> results = classifier.classify(files);
  EXPECT_THAT(best(results), ElementsAre(2, 2, 2, 2, 2, 2, 2));
}

TEST_F(ClassifierTest, PhotosThatHaveNotTheNetworksSize) {
  Classifier classifier(plan_of(channel_means()), pool, raw(2));
  const fs::path photo = test::testdata() / "images" / "disc.png";
  const std::vector<Result> results = classifier.classify(std::vector{photo, tensor("x.npy", 0, 1, 2)});
  EXPECT_EQ(results.at(0).error, "has 320x240 pixels after the preprocessing 'raw', expected Nx3x4x4");
  EXPECT_EQ(results.at(1).error, std::nullopt);
}

// The means of the channels, divided by themselves: 0 gives NaN, and by 0 infinity.
Graph quotients(float divisor) {
  Graph graph;
  const ValueId image = graph.add_input("image", Fact::of(DType::float32, {n, 3, 4, 4}));
  const ValueId means = graph.append(GlobalAveragePool{}, {image}, "pool");
  const ValueId by = graph.add_constant("by", Tensor::from<float>(Shape{1, 3, 1, 1}, {divisor, divisor, 1}));
  graph.set_outputs({graph.append(Div{}, {means, by}, "quotients")});
  return graph;
}

TEST_F(ClassifierTest, ScoresThatAreNotFinite) {
  const auto plan = plan_of(quotients(0));
  for (const Average average : {Average::probability, Average::logit}) {
    for (const bool mirrored : {false, true}) {
      ClassifierOptions options = raw(2);
      options.average = average;
      if (mirrored) options.views.crop = Crop::full;
      Classifier classifier(plan, pool, options);
      const std::vector<Result> results = classifier.classify(std::vector{tensor("x.npy", 0, 1, 2)});
      EXPECT_EQ(results.at(0).error, "2 of the model's 3 scores are not finite (NaN or infinite)");
      EXPECT_THAT(results[0].predictions, SizeIs(0));
    }
  }
  // One member of an ensemble is enough.
  Classifier ensemble({{plan_of(quotients(2)), *find_preprocessing("raw")}, {plan, *find_preprocessing("raw")}}, pool, raw(2));
  EXPECT_NE(ensemble.classify(std::vector{tensor("x.npy", 3, 1, 2)}).at(0).error, std::nullopt);
  EXPECT_EQ(Classifier(plan_of(quotients(2)), pool, raw()).classify(std::vector{tensor("x.npy", 3, 1, 2)}).at(0).error,
            std::nullopt);
}

TEST_F(ClassifierTest, PixelsThatAreNotFinite) {
  Classifier classifier(plan_of(channel_means()), pool, raw(2));
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const std::vector<Result> results = classifier.classify(
      std::vector{tensor("nan.npy", 1, nan, 3), tensor("x.npy", 0, 1, 2), tensor("inf.npy", 1, -infinity, nan)});
  EXPECT_EQ(results.at(0).error, "holds 16 values that are not finite (NaN or infinite), expected numbers");
  EXPECT_EQ(results.at(1).error, std::nullopt);
  EXPECT_EQ(results.at(2).error, "holds 32 values that are not finite (NaN or infinite), expected numbers");
}

TEST_F(ClassifierTest, TooManyPixels) {
  ClassifierOptions options = raw();
  options.max_pixels = 1000;
  Classifier classifier(plan_of(any_size()), pool, options);
  const std::vector<Result> results = classifier.classify(std::vector{test::testdata() / "images" / "disc.png"});
  EXPECT_EQ(results.at(0).error, "has 320x240 pixels, more than the 1000 that are allowed");
}

TEST_F(ClassifierTest, NoFiles) { EXPECT_THAT(Classifier(plan_of(channel_means()), pool, raw()).classify({}), SizeIs(0)); }

TEST_F(ClassifierTest, AnyFileName) {
  const std::string bytes = read_file(test::testdata() / "images" / "disc.png", Role::input);
  const fs::path odd = folder.write("line\nbreak \xff.png", bytes), bad = folder.write("bad\n\xff.png", "x");
  Classifier classifier(plan_of(any_size()), pool, raw());
  const std::vector<Result> results = classifier.classify(std::vector{odd, bad});
  EXPECT_EQ(results.at(0).input, odd.string());
  EXPECT_EQ(results[0].error, std::nullopt);
  EXPECT_EQ(results.at(1).input, bad.string());
  EXPECT_THAT(results[1].error.value_or(""), StartsWith("is not an image"));
}

TEST_F(ClassifierTest, StopsWhereItIsTold) {
  std::vector<fs::path> files;
  for (int i = 0; i < 200; ++i) files.push_back(tensor("x.npy", 0, 1, 2));
  for (const std::size_t batch_size : {1u, 8u}) {
    Classifier classifier(plan_of(channel_means()), pool, raw(batch_size));
    std::atomic<bool> stop = false;
    std::size_t delivered = 0;
    const auto deliver = [&](Result&&) { stop = ++delivered == 5; };
    classifier.classify(files, deliver, &stop);
    EXPECT_EQ(delivered, 5u) << "the rest of a batch is not delivered either";
    classifier.classify(files, deliver, &stop);
    EXPECT_EQ(delivered, 5u) << "it is stopped from the start";
  }
}

TEST_F(ClassifierTest, DeliversEachBatchAsItIsDone) {
  std::vector<fs::path> files;
  for (int i = 0; i < 12; ++i) files.push_back(tensor("x.npy", 0, 1, 2));
  std::size_t loaded = 0;
  ClassifierOptions options = raw(2);
  options.decode_threads = 1;
  std::atomic<std::size_t> count = 0;
  options.load_tensor = [&](const fs::path& file) { return ++count, load_npy(file); };
  Classifier classifier(plan_of(channel_means()), pool, options);
  classifier.classify(files, [&](Result&& result) {
    if (result.source == 0) loaded = count;
  });
  EXPECT_LT(loaded, files.size()) << "the first result has to come before the last file is read";
}

TEST_F(ClassifierTest, ErrorsThatConcernMoreThanOneFileAreThrown) {
  ClassifierOptions options = raw(2);
  options.load_tensor = [](const fs::path&) -> std::optional<Tensor> { throw Error(Fault::internal, "no more"); };
  Classifier classifier(plan_of(channel_means()), pool, options);
  EXPECT_THROW(classifier.classify(std::vector<fs::path>(5, "x")), Error);
}

TEST_F(ClassifierTest, ACropThatTheNetworkDoesNotTake) {
  ClassifierOptions options = raw();
  options.preprocessing = *find_preprocessing("torchvision");
  try {
    Classifier(plan_of(channel_means()), pool, options);
    FAIL() << "was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::invalid);
    EXPECT_STREQ(error.what(), "the preprocessing 'torchvision' crops to 224x224 pixels, the model takes Nx3x4x4");
  }
  options.preprocessing = fit_to(options.preprocessing, find_image_input(channel_means()));
  EXPECT_EQ(Classifier(plan_of(channel_means()), pool, options).input().height, 4);
}

}  // namespace
}  // namespace resnet

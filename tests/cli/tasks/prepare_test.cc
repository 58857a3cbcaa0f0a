// A network made ready to run: described, identified, and kept for the next time.
#include <filesystem>

#include "cli/tasks/prepare/network_cache.h"
#include "cli/tasks/prepare/networks.h"
#include "tests/cli/tasks/fixture.h"

namespace resnet::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class PrepareTaskTest : public TaskTest {
 protected:
  cli::ReadyNetwork prepare(const cli::NetworkCache* cache = nullptr) {
    const cli::Asked asked{
        .views = {}, .batch = 1, .threads = 2, .images = 1, .with_head = false, .cache = cache, .identify = true};
    return prepare_network(path("rgb.onnx"), network(), asked, pool, heard);
  }
  ThreadPool pool{2};
};

TEST_F(PrepareTaskTest, SaysWhatItIs) {
  const cli::ReadyNetwork ready = prepare();
  EXPECT_THAT(ready.network.labels, ElementsAre("red", "green", "blue"));
  EXPECT_EQ(ready.network.parameters, 12);
  ASSERT_TRUE(ready.identity);
  EXPECT_EQ(ready.identity->name, path("rgb.onnx"));
  EXPECT_THAT(ready.identity->model, testing::StartsWith("digest "));
  EXPECT_THAT(ready.identity->preparation, HasSubstr("scale 1,"));
  EXPECT_FALSE(ready.fresh);
  tell_preprocessing(ready.network, {}, true, heard);
  EXPECT_THAT(heard.notes, ElementsAre(HasSubstr("preprocessing raw")));
}

// Of a model that was published with timm's 224 and 0.95.
cli::ChosenPreprocessing chosen(const cli::PreprocessOptions& options) {
  Model model;
  model.preprocessing = find_preprocessing("torchvision");
  model.preprocessing->crop_pct = 0.95;
  model.preprocessing->resize = 235;
  ImageInput input;
  return cli::choose_preprocessing(options, model, input, std::nullopt);
}

TEST(ChoosePreprocessing, AnotherCropIsResizedByThePublishedShare) {
  EXPECT_EQ(chosen({}).preprocessing.resize, 235);
  const Preprocessing larger = chosen({.crop_size = "288"}).preprocessing;
  EXPECT_EQ(larger.resize, 303);
  EXPECT_EQ(larger.crop_size, 288);
  EXPECT_EQ(chosen({.crop_pct = "0.8"}).preprocessing.resize, 280);
  EXPECT_EQ(chosen({.resize = "300", .crop_size = "288"}).preprocessing.resize, 300);
  EXPECT_EQ(chosen({.preprocess = Convention::torchvision, .crop_size = "288"}).preprocessing.resize, 329);
}

TEST(ChoosePreprocessing, IsDescribedWithItsCrop) {
  Preprocessing p = *find_preprocessing("torchvision");
  EXPECT_THAT(cli::describe(p), HasSubstr("torchvision: shorter side to 256 (bilinear), centre crop 224, RGB 0..1"));
  p.crop_corner = CropCorner::down;
  EXPECT_THAT(cli::describe(p), HasSubstr("centre crop 224 (corner rounded down), RGB"));
  p.crop_mode = CropMode::squash;
  p.crop_corner = CropCorner::half_to_even;
  EXPECT_THAT(cli::describe(p), HasSubstr("both sides to 256 (bilinear), centre crop 224, RGB"));
  p.crop_mode = CropMode::border;
  EXPECT_THAT(cli::describe(p), HasSubstr("longer side to 256 (bilinear), centre crop 224, padded with the mean, RGB"));
}

TEST_F(PrepareTaskTest, IsKeptForTheNextTime) {
  const cli::NetworkCache cache({path("cache"), 100});
  const cli::ReadyNetwork first = prepare(&cache);
  ASSERT_TRUE(first.fresh);
  EXPECT_EQ(cache.keep(*first.fresh, pool), "");
  EXPECT_THAT(cache.entries(), SizeIs(1));
  const cli::ReadyNetwork second = prepare(&cache);
  EXPECT_FALSE(second.fresh);
  EXPECT_EQ(second.identity->model, first.identity->model);
  EXPECT_EQ(second.identity->methods, first.identity->methods);
  EXPECT_EQ(second.network.parameters, first.network.parameters);
  // Another model of that name is another one.
  write("rgb.onnx", onnx_file(mean_classifier(4, {{0, 1, 0}, {0, 0, 1}, {1, 0, 0}}, {0, 0, 0})));
  EXPECT_TRUE(prepare(&cache).fresh);
}

TEST_F(PrepareTaskTest, AFolderThatOthersMayWriteToIsNotUsed) {
  make_folder("cache");
  fs::permissions(path("cache"), fs::perms::all);
  EXPECT_FALSE(cli::open_cache({path("cache"), 100}, heard));
  EXPECT_THAT(heard.notes, ElementsAre(HasSubstr("others may write to it")));
}

TEST_F(PrepareTaskTest, LabelsHaveToFit) {
  write("rgb.txt", "red\ngreen\n");
  const auto [kind, text] = error_of([&] { prepare(); });
  EXPECT_EQ(kind, Fault::invalid);
  EXPECT_THAT(text, HasSubstr("2 labels for a model of 3 classes"));
}

}  // namespace
}  // namespace resnet::test

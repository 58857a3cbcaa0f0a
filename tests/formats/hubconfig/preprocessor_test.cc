// transformers' preprocessor_config.json.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/hubconfig/hubconfig.h"
#include "tests/support/observe.h"

namespace resnet::hubconfig {
namespace {

using testing::HasSubstr;
using Channels = std::array<float, 3>;

Preprocessing read(const std::string& text) { return parse_preprocessor(text, "p.json"); }
std::string error(const std::string& text) {
  return test::error_of([&] { read(text); }).second;
}

TEST(Preprocessor, AsPublishedWithResNets) {
  Preprocessing expected = *find_preprocessing("torchvision");
  expected.name = "transformers";
  expected.interpolation = Interpolation::bicubic;
  expected.crop_corner = CropCorner::down;
  expected.crop_pct = 0.875;
  const std::string rest = R"("crop_pct": 0.875, "do_normalize": true, "do_resize": true, "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225], "resample": 3)";
  EXPECT_EQ(read("{\"feature_extractor_type\": \"ConvNextFeatureExtractor\", \"size\": 224, " + rest + "}"), expected);
  EXPECT_EQ(
      read("{\"image_processor_type\": \"ConvNextImageProcessor\", \"do_rescale\": true, \"rescale_factor\": 0.00392156862745098,"
           " \"size\": {\"shortest_edge\": 224}, " +
           rest + "}"),
      expected);
  EXPECT_EQ(read("{\"image_processor_type\": \"ConvNextImageProcessorFast\", \"size\": {\"shortest_edge\": 224}, " + rest + "}"),
            expected);
  EXPECT_EQ(read("{\"size\": {\"shortest_edge\": 224}, " + rest + "}"), expected);
}

TEST(Preprocessor, DefaultsAreTransformers) {
  const Preprocessing p = read(R"({"size": 224})");
  EXPECT_EQ(p.resize, 256);  // 224 / (224 / 256)
  EXPECT_EQ(p.interpolation, Interpolation::bilinear);
  EXPECT_EQ(p.mean, (Channels{0.5f, 0.5f, 0.5f}));
  EXPECT_EQ(p.std, (Channels{0.5f, 0.5f, 0.5f}));
  EXPECT_FLOAT_EQ(p.scale, 1 / 255.0f);
  EXPECT_EQ(read(R"({"size": 224, "crop_pct": null})").resize, 256);
  EXPECT_EQ(read(R"({"size": 224, "crop_pct": 0.95})").resize, 235);
}

TEST(Preprocessor, From384OnAPhotoIsSquashed) {
  for (const char* text : {R"({"size": 384, "crop_pct": 0.875})", R"({"size": {"shortest_edge": 384}})", "{}",
                           R"({"image_processor_type": "ViTImageProcessor", "size": {"height": 384, "width": 384}})"}) {
    const Preprocessing p = read(text);
    EXPECT_EQ(p.crop_mode, CropMode::squash) << text;
    EXPECT_EQ(p.resize, 384) << text;
    EXPECT_EQ(p.crop_size, 384) << text;
    EXPECT_EQ(p.crop_pct, std::nullopt) << text;
  }
  EXPECT_EQ(read(R"({"size": 383})").crop_mode, CropMode::center);
}

TEST(Preprocessor, ViTIsSquashedAtAnySize) {
  const Preprocessing p = read(R"({"feature_extractor_type": "ViTFeatureExtractor", "size": 224, "resample": 2})");
  EXPECT_EQ(p.crop_mode, CropMode::squash);
  EXPECT_EQ(p.resize, 224);
  EXPECT_EQ(p.interpolation, Interpolation::bilinear);
  EXPECT_EQ(read(R"({"image_processor_type": "ViTImageProcessor"})").crop_size, 224);
}

TEST(Preprocessor, StepsThatAreNotDone) {
  const Preprocessing p =
      read(R"({"size": 224, "do_resize": false, "do_normalize": false, "do_rescale": false, "image_mean": [1, 2, 3]})");
  EXPECT_EQ(p.resize, std::nullopt);
  EXPECT_EQ(p.crop_size, std::nullopt);
  EXPECT_EQ(p.mean, (Channels{0, 0, 0}));
  EXPECT_EQ(p.std, (Channels{1, 1, 1}));
  EXPECT_EQ(p.scale, 1);
  EXPECT_FLOAT_EQ(read(R"({"rescale_factor": 0.0078431373})").scale, 1 / 127.5f);
}

TEST(Preprocessor, ValuesThatCannotBeAreNamed) {
  const auto expect = [](const std::string& keys, const std::string& line) {
    EXPECT_EQ(error("{" + keys + "}"), "p.json: " + line);
  };
  expect(R"("size": 0)", "'size' is 0, expected a whole number from 1 to 16384");
  expect(R"("size": {"shortest_edge": 1000000})", "'size.shortest_edge' is 1000000, expected a whole number from 1 to 16384");
  expect(R"("size": {"height": 224, "width": 224})",
         "'size' is an object, expected a number of pixels, or an object with 'shortest_edge'");
  expect(R"("size": "large")", "'size' is 'large', expected a whole number from 1 to 16384");
  expect(R"("image_processor_type": "ViTImageProcessor", "size": {"shortest_edge": 224})",
         "'size' is an object, expected a number of pixels, or an object with 'height' and 'width'");
  expect(R"("image_processor_type": "ViTImageProcessor", "size": {"height": 224, "width": 192})",
         "'size.width' is 192, expected 224, as the height is: crops are square");
  expect(R"("size": 224, "crop_pct": 0)", "'crop_pct' is 0, expected a share above 0.01 and up to 1");
  expect(R"("size": 384, "crop_pct": 1e-9)", "'crop_pct' is 1e-09, expected a share above 0.01 and up to 1");
  expect(R"("resample": 0)", "'resample' is 0, expected 1 (Lanczos), 2 (bilinear) or 3 (bicubic)");
  expect(R"("resample": "bicubic")", "'resample' is 'bicubic', expected 1 (Lanczos), 2 (bilinear) or 3 (bicubic)");
  expect(R"("image_mean": 0.5)", "'image_mean' is 0.5, expected three numbers, one for each channel");
  expect(R"("image_std": [0, 0, 0])", "'image_std[0]' is 0, expected a number from 1e-06 to 1e+06");
  expect(R"("rescale_factor": 0)", "'rescale_factor' is 0, expected a number from 1e-06 to 1e+06");
  expect(R"("do_resize": "no")", "'do_resize' is 'no', expected true or false");
  expect(R"("image_processor_type": "CLIPImageProcessor")",
         "'image_processor_type' is 'CLIPImageProcessor', expected ConvNextImageProcessor or ViTImageProcessor");
  EXPECT_THAT(error("<html>"), HasSubstr("p.json: is a web page, expected JSON"));
}

}  // namespace
}  // namespace resnet::hubconfig

#include "lib/model/preprocessing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <sstream>

namespace resnet {
namespace {

using Channels = std::array<float, 3>;

TEST(Preprocessing, EveryNameIsFoundAndKept) {
  std::istringstream names(preprocessing_names());
  int count = 0;
  for (std::string name; std::getline(names, name, '|'); ++count) {
    const auto found = find_preprocessing(name);
    ASSERT_TRUE(found) << name;
    EXPECT_EQ(found->name, name);
    EXPECT_EQ(found->interpolation, Interpolation::bilinear);
    EXPECT_FALSE(found->exif);
  }
  EXPECT_EQ(count, 6);
  EXPECT_EQ(preprocessing_names(), "torchvision|caffe|tf|mlperf|cifar10|raw");
}

TEST(Preprocessing, OtherNamesAreNot) {
  EXPECT_FALSE(find_preprocessing(""));
  EXPECT_FALSE(find_preprocessing("Torchvision"));
  EXPECT_FALSE(find_preprocessing("custom"));
}

TEST(Preprocessing, ImageNetConventionsResizeAndCrop) {
  for (const char* name : {"torchvision", "caffe", "tf", "mlperf"}) {
    const auto found = find_preprocessing(name);
    EXPECT_EQ(found->resize, 256) << name;
    EXPECT_EQ(found->crop_size, 224) << name;
  }
  for (const char* name : {"cifar10", "raw"}) {
    const auto found = find_preprocessing(name);
    EXPECT_EQ(found->resize, std::nullopt) << name;
    EXPECT_EQ(found->crop_size, std::nullopt) << name;
  }
}

TEST(Preprocessing, Figures) {
  const auto torchvision = *find_preprocessing("torchvision");
  EXPECT_FLOAT_EQ(torchvision.scale, 1 / 255.0f);
  EXPECT_EQ(torchvision.mean, (Channels{0.485f, 0.456f, 0.406f}));
  EXPECT_EQ(torchvision.std, (Channels{0.229f, 0.224f, 0.225f}));
  EXPECT_EQ(torchvision.channel_order, ChannelOrder::rgb);

  const auto caffe = *find_preprocessing("caffe");
  EXPECT_EQ(caffe.scale, 1);
  EXPECT_EQ(caffe.mean, (Channels{103.939f, 116.779f, 123.68f}));
  EXPECT_EQ(caffe.std, (Channels{1, 1, 1}));
  EXPECT_EQ(caffe.channel_order, ChannelOrder::bgr);

  const auto tf = *find_preprocessing("tf");
  EXPECT_FLOAT_EQ(255 * tf.scale - tf.mean[0], 1);
  EXPECT_FLOAT_EQ(0 * tf.scale - tf.mean[2], -1);
  EXPECT_EQ(tf.std, (Channels{1, 1, 1}));

  const auto mlperf = *find_preprocessing("mlperf");
  EXPECT_EQ(mlperf.scale, 1);
  EXPECT_EQ(mlperf.mean, (Channels{123.68f, 116.78f, 103.94f}));
  EXPECT_EQ(mlperf.channel_order, ChannelOrder::rgb);

  const auto cifar10 = *find_preprocessing("cifar10");
  EXPECT_FLOAT_EQ(cifar10.scale, 1 / 255.0f);
  EXPECT_EQ(cifar10.mean, (Channels{0.4914f, 0.4822f, 0.4465f}));
  EXPECT_EQ(cifar10.std, (Channels{0.2470f, 0.2435f, 0.2616f}));

  const auto raw = *find_preprocessing("raw");
  EXPECT_EQ(raw.scale, 1);
  EXPECT_EQ(raw.mean, (Channels{0, 0, 0}));
  EXPECT_EQ(raw.std, (Channels{1, 1, 1}));
}

TEST(Preprocessing, ASizeByItsShareIsTimms) {
  EXPECT_EQ(resized_for(224, 0.95), 235);
  EXPECT_EQ(resized_for(224, 0.875), 256);
  EXPECT_EQ(resized_for(224, 0.8), 280);
  EXPECT_EQ(resized_for(288, 0.9), 320);
  EXPECT_EQ(resized_for(288, 1), 288);
  EXPECT_GT(resized_for(224, 1e-300), largest_side);
  // A float is what a person wrote.
  EXPECT_EQ(shortest_decimal(0.8f), 0.8);
  EXPECT_EQ(resized_for(224, shortest_decimal(0.8f)), 280);
}

TEST(Preprocessing, ACropNeedNotBeSquare) {
  Preprocessing p = *find_preprocessing("torchvision");
  EXPECT_EQ(crop_width_of(p), 224);
  EXPECT_EQ(resize_width_of(p), 256);
  p.crop_width = 448;
  EXPECT_EQ(crop_width_of(p), 448);
  EXPECT_EQ(resize_width_of(p), 512);
  EXPECT_EQ(with_crop(p, 288).crop_width, std::nullopt);
  p.crop_width = 0;
  EXPECT_EQ(find_mistake(p), "the crop width of 'torchvision' is 0, expected 1 to 16384 pixels");
}

TEST(Preprocessing, ForAnotherCropByTheShareElseInTheSameRatio) {
  Preprocessing p = *find_preprocessing("torchvision");
  EXPECT_EQ(with_crop(p, 224), p);
  EXPECT_EQ(with_crop(p, 299).resize, 342);  // 341.7, rounded
  EXPECT_EQ(with_crop(p, 299).crop_size, 299);
  p.crop_pct = 0.95;
  p.resize = 235;
  EXPECT_EQ(with_crop(p, 288).resize, 303);  // 302.1 in the ratio of 235 and 224
  p.resize.reset();
  EXPECT_EQ(with_crop(p, 288).resize, std::nullopt);
  p.crop_size.reset();
  EXPECT_EQ(with_crop(p, 288).crop_size, 288);
}

TEST(Preprocessing, WaysToCropHaveNames) {
  for (const CropMode mode : {CropMode::center, CropMode::squash, CropMode::border})
    EXPECT_EQ(find_value<CropMode>(word_of(mode)), mode);
  for (const CropCorner corner : {CropCorner::half_to_even, CropCorner::down})
    EXPECT_EQ(find_value<CropCorner>(word_of(corner)), corner);
  EXPECT_EQ(find_value<CropMode>("Center"), std::nullopt);
  EXPECT_EQ(find_value<CropCorner>(""), std::nullopt);
}

TEST(Preprocessing, WhatCannotBeUsedIsNamed) {
  for (const char* name : {"torchvision", "caffe", "tf", "mlperf", "cifar10", "raw"}) {
    EXPECT_EQ(find_mistake(*find_preprocessing(name)), "") << name;
  }
  const auto with = [](auto change) {
    Preprocessing p = *find_preprocessing("torchvision");
    change(p);
    return find_mistake(p);
  };
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {0.0f, -1.0f, 1e-45f, 1e38f, nan, infinity}) {
    EXPECT_NE(with([&](auto& p) { p.std[1] = bad; }), "") << bad;
    EXPECT_NE(with([&](auto& p) { p.scale = bad; }), "") << bad;
  }
  for (const float bad : {1e38f, -1e38f, nan, infinity}) EXPECT_NE(with([&](auto& p) { p.mean[2] = bad; }), "") << bad;
  for (const int bad : {0, -5, 20'000, std::numeric_limits<int>::max()}) {
    EXPECT_NE(with([&](auto& p) { p.crop_size = bad; }), "") << bad;
    EXPECT_NE(with([&](auto& p) { p.resize = bad; }), "") << bad;
  }
  EXPECT_EQ(with([](auto& p) { p.resize = p.crop_size = std::nullopt; }), "");
  EXPECT_EQ(with([](auto& p) { p.resize = largest_side; }), "");
  for (const double bad : {0.0, -1.0, 0.01, 1.001, static_cast<double>(nan)})
    EXPECT_NE(with([&](auto& p) { p.crop_pct = bad; }), "") << bad;
  EXPECT_EQ(with([](auto& p) { p.crop_pct = 1; }), "");
  EXPECT_EQ(with([](auto& p) { p.crop_size = 0; }), "the crop size of 'torchvision' is 0, expected 1 to 16384 pixels");
}

}  // namespace
}  // namespace resnet

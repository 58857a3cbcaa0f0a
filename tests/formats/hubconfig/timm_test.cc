// timm's config.json, in its newer and its older form.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/hubconfig/hubconfig.h"
#include "formats/labels/labels.h"
#include "tests/support/observe.h"

namespace resnet::hubconfig {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Channels = std::array<float, 3>;

Configuration read(const std::string& text) { return parse(text, "config.json"); }
std::string error(const std::string& text) {
  return test::error_of([&] { read(text); }).second;
}

constexpr const char* resnet50_a1 =
    R"({"architecture": "resnet50", "num_classes": 1000, "num_features": 2048, "global_pool": "avg",
  "pretrained_cfg": {"tag": "a1_in1k", "custom_load": false, "input_size": [3, 224, 224], "test_input_size": [3, 288, 288],
    "fixed_input_size": false, "interpolation": "bicubic", "crop_pct": 0.95, "test_crop_pct": 1.0, "crop_mode": "center",
    "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "num_classes": 1000, "pool_size": [7, 7], "first_conv": "conv1",
    "classifier": "fc", "license": "apache-2.0"}})";

TEST(Timm, APublishedConfiguration) {
  const Configuration c = read(resnet50_a1);
  EXPECT_EQ(c.library, Library::timm);
  EXPECT_EQ(c.architecture, "resnet50");
  EXPECT_EQ(c.spec, std::nullopt);
  EXPECT_THAT(c.model_args, IsEmpty());
  EXPECT_EQ(c.classes, 1000);
  EXPECT_EQ(c.labels, *labels::find("imagenet1k"));
  EXPECT_EQ(c.tag, "a1_in1k");
  EXPECT_EQ(c.license, "apache-2.0");
  EXPECT_FALSE(c.fixed_input_size);
  EXPECT_THAT(c.notes, IsEmpty());
  ASSERT_TRUE(c.preprocessing);
  Preprocessing expected = *find_preprocessing("torchvision");
  expected.name = "resnet50.a1_in1k";
  expected.interpolation = Interpolation::bicubic;
  expected.resize = 235;
  expected.crop_size = 224;
  expected.crop_pct = 0.95;
  EXPECT_EQ(*c.preprocessing, expected);
  ASSERT_TRUE(c.test_preprocessing);
  expected.name = "resnet50.a1_in1k at test size";
  expected.resize = expected.crop_size = 288;
  expected.crop_pct = 1.0;
  EXPECT_EQ(*c.test_preprocessing, expected);
}

TEST(Timm, WhatIsAbsentHasTimmsDefaults) {
  for (const char* text :
       {R"({"architecture": "resnet18"})", R"({"architecture": "resnet18", "pretrained_cfg": {}})",
        R"({"architecture": "resnet18", "pretrained_cfg": {"input_size": null, "crop_pct": null, "mean": null}})"}) {
    const Configuration c = read(text);
    EXPECT_EQ(c.classes, std::nullopt);
    EXPECT_THAT(c.labels, IsEmpty());
    Preprocessing expected = *find_preprocessing("torchvision");
    expected.name = "resnet18";
    expected.interpolation = Interpolation::bicubic;
    expected.crop_pct = 0.875;
    EXPECT_EQ(*c.preprocessing, expected);
    EXPECT_EQ(c.test_preprocessing, std::nullopt);
  }
}

TEST(Timm, TheOlderFormHasItsKeysAtTheTop) {
  const Configuration c =
      read(R"({"architecture": "resnet26d", "num_classes": 3, "labels": ["a", "b", "c"], "input_size": [3, 160, 160],
    "interpolation": "bilinear", "crop_pct": 0.9, "crop_mode": "squash", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5],
    "license": "mit", "fixed_input_size": true, "tag": "mine"})");
  EXPECT_EQ(c.classes, 3);
  EXPECT_THAT(c.labels, ElementsAre("a", "b", "c"));
  EXPECT_EQ(c.license, "mit");
  EXPECT_TRUE(c.fixed_input_size);
  const Preprocessing& p = *c.preprocessing;
  EXPECT_EQ(p.name, "resnet26d.mine");
  EXPECT_EQ(p.resize, 177);
  EXPECT_EQ(p.crop_size, 160);
  EXPECT_EQ(p.interpolation, Interpolation::bilinear);
  EXPECT_EQ(p.crop_mode, CropMode::squash);
  EXPECT_EQ(p.crop_corner, CropCorner::half_to_even);
  EXPECT_EQ(p.mean, (Channels{0.5f, 0.5f, 0.5f}));
  EXPECT_EQ(p.std, (Channels{0.5f, 0.5f, 0.5f}));
}

TEST(Timm, SizesAreTimms) {
  const auto resize_of = [](int input, const char* pct) {
    return *read(fmt::format(
                     R"({{"architecture": "resnet50", "pretrained_cfg": {{"input_size": [3, {0}, {0}], "crop_pct": {1}}}}})",
                     input, pct))
                .preprocessing->resize;
  };
  EXPECT_EQ(resize_of(224, "0.95"), 235);
  EXPECT_EQ(resize_of(288, "1.0"), 288);
  EXPECT_EQ(resize_of(224, "1"), 224);
  EXPECT_EQ(resize_of(224, "0.965"), 232);
  EXPECT_EQ(resize_of(176, "0.875"), 201);
  EXPECT_EQ(resize_of(224, "0.8"), 280);
  EXPECT_EQ(resize_of(288, "0.9"), 320);
  EXPECT_EQ(resize_of(448, "0.875"), 512);
}

TEST(Timm, ATestSizeTakesWhatIsAbsentFromTheOther) {
  const auto of = [](const std::string& keys) {
    return *read(R"({"architecture": "resnet50", "pretrained_cfg": {"input_size": [3, 160, 160], "crop_pct": 0.9, )" + keys +
                 "}}")
                .test_preprocessing;
  };
  EXPECT_EQ(of(R"("test_input_size": [3, 224, 224])").resize, 248);
  EXPECT_EQ(of(R"("test_input_size": [3, 224, 224])").crop_size, 224);
  EXPECT_EQ(of(R"("test_crop_pct": 0.95)").resize, 168);
  EXPECT_EQ(of(R"("test_crop_pct": 0.95)").crop_size, 160);
}

TEST(Timm, ClassesOfTheTopCountAndNoneIsNoClassifier) {
  const Configuration none = read(R"({"architecture": "resnet50", "num_classes": 0, "label_names": ["a"], "global_pool": "",
    "pretrained_cfg": {"num_classes": 1000, "tag": "a1_in1k"}})");
  EXPECT_EQ(none.classes, 0);
  EXPECT_THAT(none.labels, IsEmpty());
  EXPECT_THAT(none.notes, ElementsAre(HasSubstr("'global_pool' is ''")));
  EXPECT_EQ(read(R"({"architecture": "resnet50", "pretrained_cfg": {"num_classes": 37}})").classes, 37);
  EXPECT_EQ(read(R"({"architecture": "resnet50", "num_classes": 5, "model_args": {"num_classes": 6}})").classes, 6);
  // Names alone give the number, too.
  EXPECT_EQ(read(R"({"architecture": "resnet50", "label_names": ["a", "b"]})").classes, 2);
}

TEST(Timm, ImageNetsNamesOnlyWhereTheyAreKnownToFit) {
  const auto labels_of = [](int classes, const char* tag) {
    return read(fmt::format(R"({{"architecture": "resnet50", "num_classes": {}, "pretrained_cfg": {{"tag": "{}"}}}})", classes,
                            tag))
        .labels;
  };
  EXPECT_THAT(labels_of(1000, "a1_in1k"), SizeIs(1000));
  EXPECT_EQ(labels_of(1000, "sw_in12k_ft_in1k")[207], "golden retriever");
  EXPECT_THAT(labels_of(1000, "mine"), IsEmpty());
  EXPECT_THAT(labels_of(1000, ""), IsEmpty());
  EXPECT_THAT(labels_of(999, "a1_in1k"), IsEmpty());
  EXPECT_THAT(labels_of(11821, "sw_in12k"), IsEmpty());
  EXPECT_THAT(labels_of(21843, "goog_in21k"), IsEmpty());
  EXPECT_TRUE(is_imagenet1k("timm/resnet50.tv_in1k"));
  EXPECT_TRUE(is_imagenet1k("in1k"));
  EXPECT_FALSE(is_imagenet1k("timm/resnet50.sw_in12k"));
  EXPECT_FALSE(is_imagenet1k("min1k"));
  EXPECT_FALSE(is_imagenet1k(""));
}

TEST(Timm, LabelsAsListOrObjectWithDescriptions) {
  const auto labels_of = [](const std::string& keys) {
    return read(R"({"architecture": "resnet18", "num_classes": 3, )" + keys + "}").labels;
  };
  EXPECT_THAT(labels_of(R"("label_names": ["n1", "n2", "n3"])"), ElementsAre("n1", "n2", "n3"));
  EXPECT_THAT(labels_of(R"("label_names": {"2": "c", "0": "a", "1": "b"})"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(
      labels_of(R"("label_names": ["n1", "n2", "n3"], "label_descriptions": {"n2": "a dog, a hound", "n9": "x", "n1": "cat"})"),
      ElementsAre("cat", "a dog, a hound", "n3"));
  EXPECT_THAT(labels_of(R"("pretrained_cfg": {"label_names": ["x", "y", "z"], "label_descriptions": {"z": "Z"}})"),
              ElementsAre("x", "y", "Z"));
  EXPECT_THAT(labels_of(R"("label_names": ["x", "y", "z"], "pretrained_cfg": {"label_names": ["1"]})"),
              ElementsAre("x", "y", "z"));
  EXPECT_THAT(labels_of(R"("label_names": ["Käfer", "甲虫", ""])"), ElementsAre("Käfer", "甲虫", ""));
  EXPECT_THAT(labels_of(R"("label_names": [])"), IsEmpty());
  EXPECT_THAT(labels_of(R"("label_names": null)"), IsEmpty());
}

TEST(Timm, LabelsThatCannotBe) {
  const auto error_with = [](const std::string& keys) {
    return error(R"({"architecture": "resnet18", "num_classes": 3, )" + keys + "}");
  };
  const std::string file = "config.json: ";
  EXPECT_EQ(error_with(R"("label_names": "cat")"),
            file + "'label_names' is 'cat', expected a list of names, or an object with a name for each class");
  EXPECT_EQ(error_with(R"("label_names": ["a", "b", 3])"), file + "'label_names' has 3 for class 2, expected its name");
  EXPECT_EQ(error_with(R"("label_names": {"0": "a", "1": "b", "3": "d"})"),
            file + "'label_names' has the key '3', expected the numbers from 0 to 2, one for each of its names");
  EXPECT_THAT(error_with(R"("label_names": {"0": "a", "1": "b", "01": "d"})"), HasSubstr("has the key '01'"));
  EXPECT_THAT(error_with(R"("label_names": {"0": "a", "1": "b", "99999999999999999999": "d"})"), HasSubstr("has the key '99999"));
  EXPECT_THAT(error_with(R"("label_names": {"0": "a", "1": "b", "": "d"})"), HasSubstr("has the key ''"));
  EXPECT_THAT(error_with(R"("label_names": {"0": "a", "0": "b", "1": "d"})"), HasSubstr("has the key '0' twice"));
  EXPECT_EQ(error_with(R"("pretrained_cfg": {"label_names": ["a", "b"]})"),
            file + "'pretrained_cfg.label_names' has 2 names, expected 3 as 'num_classes' says");
  EXPECT_THAT(error_with(R"("label_names": ["a", "b", "c", "d"])"), HasSubstr("has 4 names, expected 3"));
  for (const char* bad : {R"(\u001b[2J)", R"(a\nb)", R"(\u0000)", R"(\u009b0m)", R"(\u202ecat)", R"(\u007f)"})
    EXPECT_THAT(error_with(fmt::format(R"("label_names": ["a", "b", "{}"])", bad)), HasSubstr("expected a name without control"))
        << bad;
  EXPECT_THAT(error_with(R"("label_names": ["a", "b", "c"], "label_descriptions": {"c": "\u001b]0;x"})"),
              HasSubstr("'label_descriptions' has '\\x1b]0;x' for class 2"));
  EXPECT_THAT(error_with(R"("label_names": ["a", "b", "c"], "label_descriptions": ["c"])"),
              HasSubstr("'label_descriptions' is a list of 1"));
  EXPECT_THAT(error_with(fmt::format(R"("label_names": ["a", "b", "{}"])", std::string(3000, 'x'))),
              HasSubstr("at most 2000 bytes"));
}

TEST(Timm, ArgumentsThatChangeTheNetworkAreKept) {
  const Configuration c =
      read(R"({"architecture": "resnet50", "model_args": {"stem_type": "deep", "stem_width": 32, "layers": [3, 4, 6, 3],
    "drop_rate": 0.1, "zero_init_last": false, "in_chans": 3, "aa_layer": null, "global_pool": "avg"}})");
  EXPECT_EQ(c.model_args,
            (std::map<std::string, std::string>{{"stem_type", "\"deep\""}, {"stem_width", "32"}, {"layers", "[3,4,6,3]"}}));
  EXPECT_EQ(error(R"({"architecture": "resnet50", "model_args": {"in_chans": 1}})"),
            "config.json: 'model_args.in_chans' is 1, expected 3 channels");
  EXPECT_EQ(error(R"({"architecture": "resnet50", "model_args": {"global_pool": "max"}})"),
            "config.json: 'model_args.global_pool' is 'max', expected avg");
  EXPECT_EQ(error(R"({"architecture": "resnet50", "model_args": {"\u001b[2J": 1}})"),
            "config.json: 'model_args' has the key '\\x1b[2J', expected an argument's name");
  EXPECT_EQ(error(R"({"architecture": "resnet50", "model_args": 7})"),
            "config.json: 'model_args' is 7, expected an object of arguments");
}

TEST(Timm, ValuesThatCannotBeAreNamed) {
  const auto expect = [](const std::string& keys, const std::string& line) {
    EXPECT_EQ(error(R"({"architecture": "resnet50", )" + keys + "}"), "config.json: " + line);
  };
  expect(R"("num_classes": -1)", "'num_classes' is -1, expected a whole number from 0 to 10000000");
  expect(R"("num_classes": 1e3)", "'num_classes' is 1000.0, expected a whole number from 0 to 10000000");
  expect(R"("num_classes": "1000")", "'num_classes' is '1000', expected a whole number from 0 to 10000000");
  expect(R"("num_classes": 18446744073709551615)",
         "'num_classes' is 18446744073709551615, expected a whole number from 0 to 10000000");
  expect(R"("num_classes": true)", "'num_classes' is true, expected a whole number from 0 to 10000000");
  expect(R"("pretrained_cfg": [])", "'pretrained_cfg' is [], expected an object");
  const auto expect_trained = [&](const std::string& key, const std::string& line) {
    expect(R"("pretrained_cfg": {)" + key + "}", "'pretrained_cfg." + line);
  };
  expect_trained(R"("input_size": 224)", "input_size' is 224, expected three numbers: channels, height and width");
  expect_trained(R"("input_size": [224, 224])", "input_size' is [224, 224], expected three numbers: channels, height and width");
  expect_trained(R"("input_size": [1, 28, 28])", "input_size[0]' is 1, expected 3 channels");
  expect_trained(R"("input_size": [3, 0, 0])", "input_size[1]' is 0, expected a whole number from 1 to 16384");
  expect_trained(R"("input_size": [3, 224, 192])", "input_size[2]' is 192, expected 224, as the height is: crops are square");
  expect_trained(R"("input_size": [3, 16384, 16384])",
                 "input_size' is [3, 16384, 16384], expected sides that are 0.875 of at most 16384");
  expect_trained(R"("test_input_size": [3, 1000000, 1000000])",
                 "test_input_size[1]' is 1000000, expected a whole number from 1 to 16384");
  expect_trained(R"("crop_pct": 1.5)", "crop_pct' is 1.5, expected a share above 0.01 and up to 1");
  expect_trained(R"("crop_pct": -0.5)", "crop_pct' is -0.5, expected a share above 0.01 and up to 1");
  expect_trained(R"("crop_pct": "0.9")", "crop_pct' is '0.9', expected a share above 0.01 and up to 1");
  expect_trained(R"("crop_pct": 0.011)",
                 "crop_pct' is 0.011, expected a share with which a photo for 224 pixels is resized to at most 16384");
  expect_trained(R"("test_crop_pct": 0)", "test_crop_pct' is 0, expected a share above 0.01 and up to 1");
  expect_trained(R"("interpolation": "nearest")", "interpolation' is 'nearest', expected bilinear, bicubic or lanczos");
  expect_trained(R"("crop_mode": "fit")", "crop_mode' is 'fit', expected center, squash or border");
  expect_trained(R"("crop_mode": 1)", "crop_mode' is 1, expected center, squash or border");
  expect_trained(R"("mean": [0.5])", "mean' is [0.5], expected three numbers, one for each channel");
  expect_trained(R"("mean": [0.5, "x", 0.5])", "mean[1]' is 'x', expected a number from -1e+06 to 1e+06");
  expect_trained(R"("std": [0.5, 0.5, -1])", "std[2]' is -1, expected a number from 1e-06 to 1e+06");
  expect_trained(R"("fixed_input_size": 1)", "fixed_input_size' is 1, expected true or false");
  expect_trained(R"("tag": 5)", "tag' is 5, expected a text");
  expect_trained(R"("license": "\u001b[31m")", "license' is '\\x1b[31m', expected a text without control characters");
  expect(R"("global_pool": "catavgmax")", "'global_pool' is 'catavgmax', expected avg");
}

TEST(Timm, ArchitecturesAreNamesOfResNets) {
  for (const char* name : {"resnet50", "seresnext101d_32x8d", "resnetv2_50x1_bit", "wide_resnet50_2", "ecaresnetlight",
                           "test_resnet", "resnetrs420", "resnetaa50d"})
    EXPECT_EQ(read(fmt::format(R"({{"architecture": "{}"}})", name)).architecture, name);
  for (const char* name : {"", "ResNet50", "resnet50/..", "regnety_032", "resnest50d", "efficientnet_b0", "resnet 50"})
    EXPECT_THAT(error(fmt::format(R"({{"architecture": "{}"}})", name)), HasSubstr("expected a ResNet of timm")) << name;
  EXPECT_THAT(error(R"({"architecture": ["resnet50"]})"), HasSubstr("'architecture' is a list of 1"));
  EXPECT_THAT(error(fmt::format(R"({{"architecture": "resnet{}"}})", std::string(200, '1'))),
              HasSubstr("expected a ResNet of timm"));
}

TEST(Timm, AsTransformersWrapIt) {
  EXPECT_EQ(read(R"({"architecture": "resnet50", "model_type": "timm_wrapper", "num_classes": 4})").classes, 4);
  EXPECT_THAT(error(R"({"architecture": "resnet50", "model_type": "vit"})"), HasSubstr("'model_type' is 'vit', expected resnet"));
}

}  // namespace
}  // namespace resnet::hubconfig

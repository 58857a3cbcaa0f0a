// transformers' config.json.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/hubconfig/hubconfig.h"
#include "tests/support/observe.h"

namespace resnet::hubconfig {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Configuration read(const std::string& text) { return parse(text, "config.json"); }
std::string error(const std::string& text) {
  return test::error_of([&] { read(text); }).second;
}

std::string resnet(const std::string& depths, const std::string& sizes, const std::string& type, const std::string& more = "") {
  return fmt::format(R"({{"architectures": ["ResNetForImageClassification"], "model_type": "resnet", "num_channels": 3,
    "depths": {}, "hidden_sizes": {}, "layer_type": "{}"{}}})",
                     depths, sizes, type, more);
}
std::string resnet18(const std::string& more = "") { return resnet("[2, 2, 2, 2]", "[64, 128, 256, 512]", "basic", more); }
std::string resnet50(const std::string& more = "") {
  return resnet("[3, 4, 6, 3]", "[256, 512, 1024, 2048]", "bottleneck", more);
}

TEST(Transformers, TellTheNetworkItself) {
  const Configuration c = read(resnet50(R"(, "embedding_size": 64, "hidden_act": "relu", "downsample_in_first_stage": false)"));
  EXPECT_EQ(c.library, Library::transformers);
  EXPECT_EQ(c.architecture, "resnet50");
  EXPECT_EQ(c.spec, arch::find_spec("resnet50"));
  EXPECT_EQ(c.classes, std::nullopt);
  EXPECT_EQ(c.preprocessing, std::nullopt);
  EXPECT_THAT(c.labels, IsEmpty());
  EXPECT_EQ(read(resnet18()).spec, arch::find_spec("resnet18"));
  EXPECT_EQ(read(resnet("[3, 8, 36, 3]", "[256, 512, 1024, 2048]", "bottleneck")).architecture, "resnet152");
  EXPECT_EQ(read(resnet("[2, 2, 2, 2]", "[256, 512, 1024, 2048]", "bottleneck")).architecture, "resnet26_bottleneck");
}

TEST(Transformers, TheStrideInTheFirstConvolutionIsV1) {
  const Configuration c = read(resnet50(R"(, "downsample_in_bottleneck": true)"));
  EXPECT_EQ(c.spec->variant, arch::Variant::v1);
  EXPECT_EQ(c.architecture, "resnet50");
  EXPECT_EQ(read(resnet50(R"(, "downsample_in_bottleneck": false)")).spec->variant, arch::Variant::v1_5);
}

TEST(Transformers, LabelsAndClasses) {
  const Configuration named = read(resnet18(R"(, "id2label": {"1": "dog", "0": "cat"}, "label2id": {"cat": 0, "dog": 1})"));
  EXPECT_EQ(named.classes, 2);
  EXPECT_EQ(named.spec->classes, 2);
  EXPECT_THAT(named.labels, ElementsAre("cat", "dog"));
  const Configuration numbered = read(resnet18(R"(, "id2label": {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"})"));
  EXPECT_EQ(numbered.classes, 3);
  EXPECT_THAT(numbered.labels, IsEmpty());
  EXPECT_EQ(read(resnet18(R"(, "num_labels": 7)")).classes, 7);
  EXPECT_EQ(read(R"({"architectures": ["ResNetModel"], "model_type": "resnet", "depths": [1], "hidden_sizes": [64],
                     "layer_type": "basic"})")
                .classes,
            0);
}

TEST(Transformers, WhatCannotBeBuiltIsNamed) {
  const std::string file = "config.json: ";
  EXPECT_EQ(error(R"({"model_type": "resnet", "hidden_sizes": [64]})"),
            file + "has no 'depths', expected a ResNet of transformers");
  EXPECT_EQ(error(R"({"model_type": "resnet", "depths": [2]})"),
            file + "has no 'hidden_sizes', expected a ResNet of transformers");
  EXPECT_EQ(error(resnet("[2, 0]", "[64, 128]", "basic")), file + "'depths[1]' is 0, expected a whole number from 1 to 1000");
  EXPECT_EQ(error(resnet("2", "[64]", "basic")), file + "'depths' is 2, expected the blocks of 1 to 8 stages");
  EXPECT_EQ(error(resnet("[1,1,1,1,1,1,1,1,1]", "[64]", "basic")),
            file + "'depths' is a list of 9, expected the blocks of 1 to 8 stages");
  EXPECT_EQ(error(resnet("[2, 2]", "[64]", "basic")), file + "'hidden_sizes' is [64], expected 2 numbers, as 'depths' has");
  EXPECT_EQ(error(resnet("[2, 2]", "[64, 64]", "basic")),
            file + "'hidden_sizes[1]' is 64, expected 128: a stage has twice the last one's");
  EXPECT_EQ(error(resnet("[2]", "[1e9]", "basic")),
            file + "'hidden_sizes[0]' is 1000000000.0, expected a whole number from 1 to 4096");
  EXPECT_EQ(error(resnet("[2]", "[62]", "bottleneck")), file + "'hidden_sizes[0]' is 62, expected a multiple of 4");
  EXPECT_EQ(error(resnet("[2]", "[64]", "plain")), file + "'layer_type' is 'plain', expected basic or bottleneck");
  EXPECT_EQ(error(resnet18(R"(, "embedding_size": 32)")),
            file + "'embedding_size' is 32, expected 64, as the first of 'hidden_sizes' makes it");
  EXPECT_EQ(error(resnet18(R"(, "hidden_act": "gelu")")), file + "'hidden_act' is 'gelu', expected 'relu'");
  EXPECT_EQ(error(resnet18(R"(, "downsample_in_first_stage": true)")),
            file + "'downsample_in_first_stage' is true, expected false");
  EXPECT_EQ(error(resnet18(R"(, "downsample_in_bottleneck": 1)")),
            file + "'downsample_in_bottleneck' is 1, expected true or false");
  EXPECT_THAT(error(R"({"model_type": "resnet", "num_channels": 1, "depths": [2], "hidden_sizes": [64], "layer_type": "basic"})"),
              HasSubstr("'num_channels' is 1, expected 3"));
  EXPECT_EQ(error(resnet18(R"(, "id2label": {"0": "a", "2": "c"})")),
            file + "'id2label' has the key '2', expected the numbers from 0 to 1, one for each of its names");
  EXPECT_EQ(error(resnet18(R"(, "id2label": {"0": 5})")), file + "'id2label' has 5 for class 0, expected its name");
  EXPECT_EQ(error(R"({"model_type": "bit"})"), file + "'model_type' is 'bit', expected resnet");
}

TEST(Transformers, WhatIsBuiltIsWithinReason) {
  const Configuration c = read(resnet("[1000, 1000]", "[4096, 8192]", "basic"));
  EXPECT_NO_THROW(arch::check(*c.spec));
  EXPECT_THAT(error(resnet("[1]", "[8192]", "basic")),
              HasSubstr("'hidden_sizes[0]' is 8192, expected a whole number from 1 to 4096"));
}

}  // namespace
}  // namespace resnet::hubconfig

#include "lib/arch/conventions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/error.h"

namespace resnet::arch {
namespace {

using ::testing::ElementsAre;
using Names = std::vector<std::string>;

TEST(Translate, Torchvision) {
  const Translation t = translate(Names{"conv1.weight", "bn1.num_batches_tracked", "layer1.0.conv1.weight",
                                        "layer2.0.downsample.1.running_mean", "fc.bias", "something"});
  EXPECT_EQ(t.naming, Naming::torchvision);
  EXPECT_THAT(t.names, ElementsAre("conv1.weight", "", "layer1.0.conv1.weight", "layer2.0.downsample.1.running_mean", "fc.bias",
                                   "something"));
}

TEST(Translate, Transformers) {
  const Translation t = translate(Names{"classifier.1.weight", "resnet.embedder.embedder.convolution.weight",
                                        "resnet.embedder.embedder.normalization.running_var",
                                        "resnet.encoder.stages.0.layers.0.layer.0.convolution.weight",
                                        "resnet.encoder.stages.3.layers.2.layer.2.normalization.bias",
                                        "resnet.encoder.stages.1.layers.0.shortcut.convolution.weight",
                                        "resnet.encoder.stages.1.layers.0.shortcut.normalization.weight"});
  EXPECT_EQ(t.naming, Naming::transformers);
  EXPECT_EQ(t.prefix, "resnet.");
  EXPECT_THAT(t.names, ElementsAre("fc.weight", "conv1.weight", "bn1.running_var", "layer1.0.conv1.weight", "layer4.2.bn3.bias",
                                   "layer2.0.downsample.0.weight", "layer2.0.downsample.1.weight"));
}

TEST(Translate, TimmV2) {
  Names names = {"stem.conv.weight",
                 "stages.0.blocks.0.norm1.weight",
                 "stages.0.blocks.0.conv1.weight",
                 "stages.1.blocks.0.downsample.conv.weight",
                 "norm.bias",
                 "head.fc.weight"};
  EXPECT_THAT(translate(names).names, ElementsAre("conv1.weight", "layer1.0.bn1.weight", "layer1.0.conv1.weight",
                                                  "layer2.0.downsample.0.weight", "norm.bias", "fc.weight"));
  names[0] = "stem.conv1.weight";
  EXPECT_THAT(translate(names).names, ElementsAre("conv1.0.weight", "layer1.0.bn1.weight", "layer1.0.conv1.weight",
                                                  "layer2.0.downsample.1.weight", "norm.bias", "fc.weight"));
}

TEST(Translate, Kuangliu) {
  const Translation t =
      translate(Names{"module.layer1.0.conv1.weight", "module.layer2.0.shortcut.1.bias", "module.linear.weight"});
  EXPECT_EQ(t.naming, Naming::kuangliu);
  EXPECT_THAT(t.names, ElementsAre("layer1.0.conv1.weight", "layer2.0.downsample.1.bias", "fc.weight"));
}

TEST(Translate, Weiaicunzai) {
  const Translation t =
      translate(Names{"conv1.0.weight", "conv1.1.bias", "conv2_x.0.residual_function.0.weight",
                      "conv5_x.11.residual_function.7.running_mean", "conv3_x.0.shortcut.0.weight", "fc.weight"});
  EXPECT_EQ(t.naming, Naming::weiaicunzai);
  EXPECT_THAT(t.names, ElementsAre("conv1.weight", "bn1.bias", "layer1.0.conv1.weight", "layer4.11.bn3.running_mean",
                                   "layer2.0.downsample.0.weight", "fc.weight"));
}

TEST(Translate, ASlowCopyComesSecond) {
  const Translation t =
      translate(Names{"ema.layer1.0.conv1.weight", "student.layer1.0.conv1.weight", "teacher.layer1.0.conv1.weight"});
  EXPECT_EQ(t.prefix, "teacher.");
  EXPECT_THAT(t.names, ElementsAre("", "", "layer1.0.conv1.weight"));
  EXPECT_THAT(t.notes, ElementsAre("the weights of 3 networks: 'teacher.' was taken"));
}

TEST(Translate, RefusesOthers) {
  try {
    translate(Names{"a\x1b[2J", std::string(500, 'b')});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::malformed);
    EXPECT_EQ(error.problem(),
              "the weights of no known ResNet: none of its 2 tensors is named as in the first block of one; expected "
              "'layer1.0.conv1.weight' or its like, found 'a?[2J', '" +
                  std::string(80, 'b') + "...'");
  }
  EXPECT_THROW(translate(Names{}), Error);
  EXPECT_THROW(translate(Names{"xlayer1.0.conv1.weight"}), Error);
}

}  // namespace
}  // namespace resnet::arch

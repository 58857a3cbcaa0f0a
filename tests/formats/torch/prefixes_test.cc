#include "formats/torch/prefixes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/formats/torch/compose.h"

namespace resnet::torch {
namespace {

using test::names_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Names with "conv" are convolutions' weights; all others are vectors.
Weights weights_of(const std::vector<std::string>& names) {
  Weights weights;
  for (const std::string& name : names) {
    const bool is_conv = name.find("conv") != name.npos;
    weights.tensors.push_back({name, Tensor::allocate(DType::float32, is_conv ? Shape{1, 1, 1, 1} : Shape{1})});
  }
  return weights;
}

TEST(Prefixes, WhatAllShareIsTakenOff) {
  for (const char* prefix :
       {"module.", "_orig_mod.", "model.", "net.", "backbone.", "encoder.", "resnet.", "network.", "module.encoder_q.",
        "base_encoder.", "0.", "1.", "model._orig_mod.", "module.module.", "module.model.net."}) {
    Weights weights = weights_of({std::string(prefix) + "conv1.weight", std::string(prefix) + "fc.bias"});
    EXPECT_EQ(take_off_prefixes(weights), prefix);
    EXPECT_THAT(names_of(weights), ElementsAre("conv1.weight", "fc.bias")) << prefix;
    EXPECT_THAT(weights.notes, IsEmpty());
  }
}

TEST(Prefixes, AHeadBesideTheTrunkKeepsItsName) {
  Weights weights = weights_of({"module.backbone.conv1.weight", "module.backbone.bn1.weight", "module.head.weight"});
  EXPECT_EQ(take_off_prefixes(weights), "module.backbone.");
  EXPECT_THAT(names_of(weights), ElementsAre("conv1.weight", "bn1.weight", "head.weight"));
  weights = weights_of({"0.conv1.weight", "1.weight", "1.bias"});
  EXPECT_EQ(take_off_prefixes(weights), "0.");
  EXPECT_THAT(names_of(weights), ElementsAre("conv1.weight", "1.weight", "1.bias"));
  // Also one with convolutions.
  weights = weights_of({"backbone.conv1.weight", "classifier.0.conv", "aux_classifier.conv"});
  EXPECT_EQ(take_off_prefixes(weights), "backbone.");
}

TEST(Prefixes, WhatOnlyAPartOfTheTrunkHasStays) {
  Weights weights = weights_of({"embedder.convolution.weight", "encoder.stages.0.convolution.weight", "encoder.stages.0.bn"});
  EXPECT_EQ(take_off_prefixes(weights), "");
  weights = weights_of({"resnet.embedder.conv", "resnet.encoder.stages.0.conv", "classifier.1.weight"});
  EXPECT_EQ(take_off_prefixes(weights), "resnet.");
  EXPECT_THAT(names_of(weights), ElementsAre("embedder.conv", "encoder.stages.0.conv", "classifier.1.weight"));
  // torchvision's children in a Sequential.
  weights = weights_of({"0.conv", "1.weight", "4.0.conv1.weight"});
  EXPECT_EQ(take_off_prefixes(weights), "");
}

TEST(Prefixes, OfTwoNetworksOneIsTaken) {
  Weights weights = weights_of({"module.encoder_q.conv1.weight", "module.encoder_q.fc.0.weight", "module.encoder_k.conv1.weight",
                                "module.encoder_k.fc.0.weight", "module.queue", "module.queue_ptr"});
  EXPECT_EQ(take_off_prefixes(weights), "module.encoder_q.");
  EXPECT_THAT(names_of(weights), ElementsAre("conv1.weight", "fc.0.weight", "queue", "queue_ptr"));
  EXPECT_THAT(weights.notes, ElementsAre("has two networks: 'encoder_q' was taken, not 'encoder_k'"));
}

TEST(Prefixes, WhatIsLeftOverDoesNotMatter) {
  Weights weights =
      weights_of({"model.conv1.weight", "model.bn1.num_batches_tracked", "ema.conv1.weight", "total_ops", "criterion.weight"});
  EXPECT_EQ(take_off_prefixes(weights), "model.");
  EXPECT_THAT(names_of(weights),
              ElementsAre("conv1.weight", "bn1.num_batches_tracked", "ema.conv1.weight", "total_ops", "criterion.weight"));
  for (const char* name :
       {"bn1.num_batches_tracked", "layer1.total_ops", "total_params", "aux_classifier.0.weight", "queue", "ema.x"}) {
    EXPECT_TRUE(is_leftover(name)) << name;
  }
  EXPECT_FALSE(is_leftover("emanuel.weight"));
}

TEST(Prefixes, NoNameComesTwice) {
  Weights weights = weights_of({"backbone.conv1.weight", "backbone.fc.weight", "fc.weight"});
  EXPECT_EQ(take_off_prefixes(weights), "");
  weights = weights_of({"module."});
  EXPECT_EQ(take_off_prefixes(weights), "");
  EXPECT_THAT(names_of(weights), ElementsAre("module."));
}

}  // namespace
}  // namespace resnet::torch

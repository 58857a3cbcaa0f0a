#include "lib/arch/spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include <set>

#include "lib/base/error.h"

namespace resnet::arch {
namespace {

using ::testing::ElementsAre;

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::invalid);
    return error.what();
  }
  return "no error";
}

TEST(FindSpec, KnowsThePapersImageNetNets) {
  const std::pair<const char*, std::vector<int>> nets[] = {{"resnet18", {2, 2, 2, 2}},
                                                           {"resnet34", {3, 4, 6, 3}},
                                                           {"resnet50", {3, 4, 6, 3}},
                                                           {"resnet101", {3, 4, 23, 3}},
                                                           {"resnet152", {3, 8, 36, 3}}};
  for (const auto& [name, blocks] : nets) {
    const auto spec = find_spec(name);
    ASSERT_TRUE(spec) << name;
    EXPECT_EQ(spec->name, name);
    EXPECT_EQ(spec->blocks, blocks) << name;
    const bool basic = spec->name == "resnet18" || spec->name == "resnet34";
    EXPECT_EQ(spec->block, basic ? Block::basic : Block::bottleneck);
    EXPECT_EQ(spec->shortcut, Shortcut::B);
    EXPECT_EQ(spec->variant, Variant::v1_5);
    EXPECT_EQ(spec->classes, 1000);
    EXPECT_EQ(spec->height, 224);
    EXPECT_EQ(spec->width, 224);
    EXPECT_FALSE(spec->batch);
    EXPECT_EQ("resnet" + std::to_string(depth_of(*spec)), name);
  }
}

TEST(FindSpec, KnowsTheCifarNetsOfAnyDepth) {
  for (const int n : {1, 2, 3, 5, 7, 9, 18, 200}) {
    const std::string depth = std::to_string(6 * n + 2);
    const auto spec = find_spec("resnet" + depth);
    ASSERT_TRUE(spec) << depth;
    EXPECT_THAT(spec->blocks, ElementsAre(n, n, n));
    EXPECT_EQ(spec->stem, Stem::cifar);
    EXPECT_EQ(spec->first_channels, 16);
    EXPECT_EQ(spec->shortcut, Shortcut::A);
    EXPECT_EQ(spec->classes, 10);
    EXPECT_EQ(spec->height, 32);
    EXPECT_EQ(depth_of(*spec), 6 * n + 2);
    const auto plain = find_spec("plain" + depth);
    ASSERT_TRUE(plain) << depth;
    EXPECT_EQ(plain->shortcut, Shortcut::none);
    EXPECT_EQ(plain->blocks, spec->blocks);
  }
  EXPECT_EQ(find_spec("resnet50")->stem, Stem::imagenet);  // 6 * 8 + 2, but the ImageNet net has the name
}

TEST(FindSpec, KnowsTheKin) {
  const auto next = find_spec("resnext101_32x8d");
  ASSERT_TRUE(next);
  EXPECT_EQ(next->groups, 32);
  EXPECT_EQ(next->width_per_group, 8);
  EXPECT_THAT(next->blocks, ElementsAre(3, 4, 23, 3));
  const auto wide = find_spec("wide_resnet50_2");
  ASSERT_TRUE(wide);
  EXPECT_EQ(wide->groups, 1);
  EXPECT_EQ(wide->width_per_group, 128);
  const auto d = find_spec("resnet18d");
  ASSERT_TRUE(d);
  EXPECT_EQ(d->stem, Stem::deep);
  EXPECT_TRUE(d->average_shortcut);
  EXPECT_EQ(depth_of(*d), 20);  // two layers more in the stem
  const auto se = find_spec("seresnet50");
  ASSERT_TRUE(se);
  EXPECT_EQ(se->squeeze, 16);
  const auto v2 = find_spec("resnet18v2");
  ASSERT_TRUE(v2);
  EXPECT_TRUE(v2->pre_activation);
  EXPECT_TRUE(find_spec("resnet110v2")->pre_activation);
  EXPECT_EQ(find_spec("seresnext50_32x4d")->groups, 32);
}

TEST(FindSpec, KnowsTimmsNets) {
  EXPECT_THAT(find_spec("resnet10t")->blocks, ElementsAre(1, 1, 1, 1));
  EXPECT_EQ(find_spec("resnet10t")->block, Block::basic);
  EXPECT_EQ(find_spec("resnet14t")->block, Block::bottleneck);
  EXPECT_TRUE(find_spec("resnet14t")->tiered_stem);
  EXPECT_FALSE(find_spec("resnet50c")->average_shortcut);
  EXPECT_EQ(find_spec("resnet50s")->stem_channels, 128);
  EXPECT_EQ(find_spec("resnetaa50d")->anti_alias, AntiAlias::average);
  EXPECT_EQ(find_spec("resnetblur18")->anti_alias, AntiAlias::blur);
  EXPECT_TRUE(find_spec("ecaresnet50d")->efficient_attention);
  EXPECT_EQ(find_spec("seresnext26d_32x4d")->width_per_group, 4);
  EXPECT_THAT(find_spec("resnetrs420")->blocks, ElementsAre(4, 44, 87, 4));
  EXPECT_FALSE(find_spec("resnetv2_50")->stem_norm);
  EXPECT_TRUE(find_spec("resnetv2_50")->last_norm);
  EXPECT_FALSE(find_spec("resnet18v2_cifar")->last_norm);
  EXPECT_EQ(find_spec("resnet18_cifar")->height, 32);
  // timm's resnet26 is another net than the CIFAR net of that name.
  EXPECT_EQ(find_spec("resnet26")->stem, Stem::cifar);
  EXPECT_EQ(find_timm_spec("resnet26")->name, "resnet26_bottleneck");
  EXPECT_FALSE(find_timm_spec("resnet20"));
  EXPECT_FALSE(find_timm_spec("resnet26_bottleneck"));
  EXPECT_EQ(find_timm_spec("resnet50"), find_spec("resnet50"));
}

TEST(Squeeze, IsRoundedToAMultiple) {
  EXPECT_EQ(squeezed_channels(64, 16, 8), 8);
  EXPECT_EQ(squeezed_channels(64, 16, 1), 4);
  EXPECT_EQ(squeezed_channels(192, 16, 8), 16);  // 12 is half way
  EXPECT_EQ(squeezed_channels(176, 16, 8), 8);
  EXPECT_EQ(squeezed_channels(8, 16, 1), 1);
  EXPECT_EQ(find_squeeze({{64, 8}, {128, 8}, {512, 32}}).multiple, 8);
  EXPECT_EQ(find_squeeze({{64, 4}, {128, 8}, {512, 32}}).multiple, 1);
  EXPECT_EQ(find_squeeze({{64, 4}, {128, 8}, {512, 32}}).reduction, 16);
  EXPECT_EQ(older_squeeze_multiple(*find_spec("seresnet50")), 8);
  EXPECT_EQ(older_squeeze_multiple(*find_spec("seresnet18")), 1);
  EXPECT_EQ(attention_length(64), 3);
  EXPECT_EQ(attention_length(256), 5);
  EXPECT_EQ(attention_length(2048), 7);
}

TEST(FindName, IsTheNameThatBuilds) {
  for (const std::string& name : names()) EXPECT_EQ(find_name(*find_spec(name)), name);
  Spec spec = *find_spec("resnet50");
  spec.blocks = {1, 2, 3, 4};
  EXPECT_EQ(find_name(spec), "");
}

TEST(FindSpec, RefusesOtherNames) {
  for (const char* name : {"",
                           "resnet",
                           "resnet0",
                           "resnet2",
                           "resnet19",
                           "resnet21",
                           "resnet018",
                           "resnet50 ",
                           " resnet50",
                           "ResNet50",
                           "resnet50.onnx",
                           "resnet99999998",
                           "plain50",
                           "plain101",
                           "plain18d",
                           "plain20v2",
                           "resnet20d",
                           "seresnet20",
                           "resnext18_32x4d",
                           "resnext50",
                           "resnext50_32x4",
                           "resnext50_0x4d",
                           "resnext50_32x",
                           "resnext50_2000x4d",
                           "wide_resnet50",
                           "wide_resnet18_2",
                           "wide_resnet50_3",
                           "wide_plain18",
                           "seplain18",
                           "resnet26v2d",
                           "resnet10",
                           "resnext10_32x4d",
                           "seresnetrs50",
                           "resnetrs18",
                           "resnetv2_50c",
                           "resnetv2_50v2",
                           "resnet20_cifar",
                           "seresnet18_cifar",
                           "resnet50dd",
                           "resnetaablur50",
                           "ecaseresnet50",
                           "resnet50v1",
                           "resnet50v2d",
                           "vgg15",
                           "resnet-50"}) {
    EXPECT_FALSE(find_spec(name)) << name;
  }
}

TEST(Names, AreAllKnownAndEachItsOwn) {
  const std::vector<std::string> all = names();
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
  for (const std::string& name : all) {
    const auto spec = find_spec(name);
    ASSERT_TRUE(spec) << name;
    EXPECT_EQ(spec->name, name);
    EXPECT_NO_THROW(check(*spec)) << name;
  }
  EXPECT_THAT(all, ::testing::IsSupersetOf({"resnet18", "plain34", "resnet1202", "plain20", "resnet18v2", "resnext50_32x4d",
                                            "resnext101_32x8d", "wide_resnet50_2", "wide_resnet101_2", "resnet18d", "resnet50d",
                                            "seresnet50"}));
}

TEST(WithOptions, ReplacesWhatIsGiven) {
  const Spec spec =
      with_options(*find_spec("resnet50"),
                   {.variant = Variant::v1, .shortcut = Shortcut::C, .classes = 37, .batch = 8, .height = 160, .width = 192});
  EXPECT_EQ(spec.variant, Variant::v1);
  EXPECT_EQ(spec.shortcut, Shortcut::C);
  EXPECT_EQ(spec.classes, 37);
  EXPECT_EQ(spec.batch, 8);
  EXPECT_EQ(spec.height, 160);
  EXPECT_EQ(spec.width, 192);
  EXPECT_EQ(with_options(*find_spec("resnet50"), {}), *find_spec("resnet50"));
}

TEST(WithOptions, RefusesWhatDoesNotFit) {
  EXPECT_EQ(message_of([] { with_options(*find_spec("plain18"), {.shortcut = Shortcut::B}); }),
            "plain18 is a plain net and has no shortcuts: option B does not fit");
  EXPECT_EQ(message_of([] { with_options(*find_spec("resnet18"), {.classes = 0}); }),
            "resnet18: the number of classes is 0, expected 1 to 10000000");
  EXPECT_EQ(message_of([] { with_options(*find_spec("resnet18"), {.height = -3}); }),
            "resnet18: the height is -3, expected 1 to 100000");
  EXPECT_EQ(message_of([] { with_options(*find_spec("resnet18"), {.batch = 0}); }),
            "resnet18: the batch is 0, expected 1 to 1000000");
}

TEST(Check, FindsContradictions) {
  Spec spec = *find_spec("resnet18");
  spec.groups = 32;
  EXPECT_EQ(message_of([&] { check(spec); }), "resnet18: groups and width per group need bottlenecks, but its blocks are basic");
  spec = *find_spec("resnet18");
  spec.blocks = {2, 0};
  EXPECT_EQ(message_of([&] { check(spec); }), "resnet18: the number of blocks in a stage is 0, expected 1 to 9998");
  spec = *find_spec("resnet50");
  spec.first_channels = 8;
  spec.width_per_group = 4;
  EXPECT_EQ(message_of([&] { check(spec); }), "resnet50: a width per group of 4 leaves no channels of 8");
  spec = *find_spec("resnetaa50");
  spec.variant = Variant::v1;
  EXPECT_EQ(message_of([&] { check(spec); }), "resnetaa50: a map is anti-aliased after the 3x3, which is v1.5, not v1");
  spec = *find_spec("resnetv2_18");
  spec.anti_alias = AntiAlias::blur;
  EXPECT_EQ(message_of([&] { check(spec); }), "resnetv2_18: a pre-activation net is not anti-aliased");
  spec = *find_spec("resnet18");
  spec.stem_norm = false;
  EXPECT_EQ(message_of([&] { check(spec); }), "resnet18: only a pre-activation net can do without its norms");
  spec = *find_spec("seresnet18");
  spec.efficient_attention = true;
  EXPECT_EQ(message_of([&] { check(spec); }), "seresnet18: both squeeze-and-excitation and efficient channel attention");
  spec = *find_spec("resnet50t");
  spec.stem_channels = 12;
  EXPECT_EQ(message_of([&] { check(spec); }), "resnet50t: a tiered stem of 12 channels, expected a deep one of a multiple of 8");
  spec = *find_spec("resnet20");
  spec.stem_pool = StemPool::convolution;
  EXPECT_EQ(message_of([&] { check(spec); }), "resnet20: a CIFAR stem has no pool that a convolution could be in place of");
  spec = *find_spec("resnet50d");
  spec.first_channels = 63;
  EXPECT_EQ(message_of([&] { check(spec); }), "resnet50d: a deep stem of 63 channels, expected an even number");
}

TEST(OptionNames, AreReadAndWrittenTheSameWay) {
  EXPECT_EQ(find_variant("v1"), Variant::v1);
  EXPECT_EQ(find_variant("v1.5"), Variant::v1_5);
  EXPECT_FALSE(find_variant("v2"));
  EXPECT_EQ(find_shortcut("A"), Shortcut::A);
  EXPECT_EQ(find_shortcut("B"), Shortcut::B);
  EXPECT_EQ(find_shortcut("C"), Shortcut::C);
  EXPECT_FALSE(find_shortcut("D"));
  EXPECT_FALSE(find_shortcut("none"));
  EXPECT_EQ(name_of(Variant::v1_5), "v1.5");
  EXPECT_EQ(name_of(Shortcut::A), "A");
}

}  // namespace
}  // namespace resnet::arch

#include "formats/hub/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "formats/hub/name.h"

namespace resnet::hub {
namespace {

TEST(Catalogue, EveryEntryCanBeAskedFor) {
  std::set<std::string_view> names;
  for (const Entry& entry : catalogue()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    const auto name = parse_name(entry.name);
    ASSERT_TRUE(name) << entry.name;
    EXPECT_TRUE(name->in_catalogue && name->known_owner) << entry.name;
    EXPECT_EQ(name->repository, entry.name);
    EXPECT_EQ(name->place == Name::Place::torchvision, !entry.file.empty()) << entry.name;
    EXPECT_TRUE(entry.parameters == 0 || entry.parameters > 100'000) << entry.name;
    EXPECT_FALSE(entry.licence.empty()) << entry.name;
    EXPECT_TRUE(entry.input >= 160 && entry.input <= 480) << entry.name;
    EXPECT_TRUE(entry.top1 == 0 || (entry.top1 > 40 && entry.top1 < 90)) << entry.name;
  }
  EXPECT_EQ(names.size(), 197U);
}

TEST(Catalogue, FilesOfTorchHub) {
  ASSERT_NE(entry_of_file("resnet50-11ad3fa6.pth"), nullptr);
  EXPECT_EQ(entry_of_file("resnet50-11ad3fa6.pth")->name, "torchvision/resnet50.IMAGENET1K_V2");
  EXPECT_EQ(entry_of_file("resnet50-19c8e357.pth")->name, "torchvision/resnet50.IMAGENET1K_V1");
  EXPECT_EQ(entry_of_file("resnet50.pth"), nullptr);
  EXPECT_EQ(entry_of_file(""), nullptr);
}

TEST(Catalogue, TrainedWeightsOfAnArchitecture) {
  EXPECT_EQ(pretrained_of("resnet50"), "timm/resnet50.a1_in1k");
  EXPECT_EQ(pretrained_of("resnext101_32x48d"), "timm/resnext101_32x48d.fb_wsl_ig1b_ft_in1k");
  EXPECT_EQ(pretrained_of("plain34"), "");
}

TEST(Catalogue, Patterns) {
  EXPECT_EQ(matching("TIMM/RESNET50.A1_").size(), 1U);
  EXPECT_EQ(matching("torchvision/*V2").size(), 7U);
  EXPECT_EQ(matching("").size(), catalogue().size());
  EXPECT_TRUE(matching("vit").empty());
}

TEST(Catalogue, NearestNames) {
  EXPECT_EQ(nearest_name("timm/renset50.a1_in1k"), "timm/resnet50.a1_in1k");
  EXPECT_EQ(nearest_name("microsoft/resnet50"), "microsoft/resnet-50");
  EXPECT_EQ(nearest_name("timm/renset50"), "timm/resnet50.a1_in1k");
  EXPECT_EQ(nearest_name("somebody/else-entirely"), "");
}

}  // namespace
}  // namespace resnet::hub

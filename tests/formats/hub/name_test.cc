#include "formats/hub/name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/observe.h"

namespace resnet::hub {
namespace {

TEST(Name, OfTheHub) {
  const auto name = parse_name("timm/resnet50.a1_in1k");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->place, Name::Place::hub);
  EXPECT_EQ(name->repository, "timm/resnet50.a1_in1k");
  EXPECT_TRUE(name->in_catalogue && name->known_owner && !name->has_prefix);
  EXPECT_EQ(name->revision + name->file, "");
}

TEST(Name, WithRevisionAndFile) {
  const auto name = parse_name("hf:Xenova/resnet-50@refs/pr/1:onnx/model.onnx");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->repository, "Xenova/resnet-50");
  EXPECT_EQ(name->revision, "refs/pr/1");
  EXPECT_EQ(name->file, "onnx/model.onnx");
  EXPECT_TRUE(name->has_prefix && !name->in_catalogue);
  EXPECT_EQ(name->text(), "hf:Xenova/resnet-50@refs/pr/1:onnx/model.onnx");
  EXPECT_EQ(parse_name("hf-hub:timm/resnet18.a1_in1k")->repository, "timm/resnet18.a1_in1k");
  EXPECT_EQ(parse_name("hf:bert")->repository, "bert");
}

TEST(Name, OfTorchvision) {
  const auto name = parse_name("torchvision/resnet50");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->place, Name::Place::torchvision);
  EXPECT_EQ(name->repository, "torchvision/resnet50.IMAGENET1K_V2");
  EXPECT_EQ(parse_name("torchvision/resnet50.IMAGENET1K_V1")->repository, "torchvision/resnet50.IMAGENET1K_V1");
  EXPECT_EQ(parse_name("torchvision/resnet34.DEFAULT")->repository, "torchvision/resnet34.IMAGENET1K_V1");
  EXPECT_FALSE(parse_name("torchvision/resnet51")->in_catalogue);
  EXPECT_FALSE(parse_name("torchvision/resnet50:x.onnx"));
}

TEST(Name, ADefaultTagMayBeLeftOut) {
  EXPECT_EQ(parse_name("timm/resnet50")->repository, "timm/resnet50.a1_in1k");
  EXPECT_EQ(parse_name("hf:timm/resnet50d")->repository.find("timm/resnet50d."), 0U);
}

TEST(Name, PathsAreNotNames) {
  for (const char* path :
       {"resnet50", "a.onnx", "./timm/resnet50", "/timm/resnet50", "timm/", "a/b/c", "timm/../x", "a b/c", "..", "a/b:../c",
        "a/b:/etc/passwd", "a/b@", "a/b:", "a--b/c", "a/b.git", "-a/b", "a/b@-x", "a/b@x/../y", ""}) {
    EXPECT_FALSE(parse_name(path)) << path;
  }
}

TEST(Name, APrefixSaysWhatIsMeant) {
  for (const char* text : {"hf:", "hf:a/b/c", "hf:../x", "hf:a/b@../../x", "hf:a/b:../../x", "hf:a/b:x//y"}) {
    const auto [fault, line] = test::error_of([&] { parse_name(text); });
    EXPECT_EQ(fault, Fault::invalid) << text;
    EXPECT_THAT(line, testing::StartsWith(text));
    EXPECT_THAT(line, testing::HasSubstr("hf:ORG/NAME[@REVISION][:PATH]"));
  }
  EXPECT_THAT(test::error_of([&] { parse_name("hf:\x1b[31m/x"); }).second, testing::StartsWith("hf:\\x1b[31m/x"));
}

TEST(Name, WhatMayBeGivenToAFolder) {
  EXPECT_TRUE(is_etag("0123456789abcdef0123456789abcdef01234567"));
  for (const char* bad : {"", "..", ".hidden", "a/b", "a\n", "a\"b"}) EXPECT_FALSE(is_etag(bad)) << bad;
  EXPECT_TRUE(is_commit("0123456789abcdef0123456789abcdef01234567"));
  EXPECT_FALSE(is_commit("0123456789ABCDEF0123456789abcdef01234567"));
  EXPECT_FALSE(is_commit("main"));
  EXPECT_FALSE(is_inner_path("a/./b"));
  EXPECT_FALSE(is_inner_path("a\\b"));
  EXPECT_FALSE(is_inner_path(std::string("a\nb")));
}

}  // namespace
}  // namespace resnet::hub

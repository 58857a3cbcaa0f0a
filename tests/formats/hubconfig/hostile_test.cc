// Configurations that cannot be used: the hostile folders of the test assets, each with the field that its error names; and what
// would eat memory or the stack.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <map>

#include "formats/hubconfig/hubconfig.h"
#include "tests/support/assets.h"
#include "tests/support/observe.h"
#include "tests/support/sanitized.h"

namespace resnet::hubconfig {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// What each says after "config.json: ".
const std::map<std::string, std::string> verdicts = {
    {"config-architecture-path",
     "'architecture' is '../../../etc/passwd', expected a ResNet of timm, such as resnet50, resnext50_32x4d or seresnet50"},
    {"config-architecture-unknown",
     "'architecture' is 'vit_base_patch16_224', expected a ResNet of timm, such as resnet50, resnext50_32x4d or seresnet50"},
    {"config-classes-10-12", "'num_classes' is 1000000000000, expected a whole number from 0 to 10000000"},
    {"config-crop-pct-0", "'pretrained_cfg.crop_pct' is 0, expected a share above 0.01 and up to 1"},
    {"config-crop-pct-tiny", "'pretrained_cfg.crop_pct' is 1e-09, expected a share above 0.01 and up to 1"},
    {"config-depths-empty", "'depths' is [], expected the blocks of 1 to 8 stages"},
    {"config-depths-million", "'depths[0]' is 1000000, expected a whole number from 1 to 1000"},
    {"config-id2label-gaps", "'id2label' has the key '-1', expected the numbers from 0 to 3, one for each of its names"},
    {"config-input-million", "'pretrained_cfg.input_size[1]' is 1000000, expected a whole number from 1 to 16384"},
    {"config-labels-escape-codes", "'label_names' has '\\x1b[2Jcat' for class 0, expected a name without control characters"},
    {"config-labels-fewer", "'label_names' has 1 name, expected 1000 as 'num_classes' says"},
    {"config-mean-text", "'pretrained_cfg.mean' is 'imagenet', expected three numbers, one for each channel"},
    {"config-not-json", "is a web page, expected JSON, the configuration of a network; the download saved a page in its place"},
    {"config-other-model", "'model_type' is 'vit', expected resnet"},
    {"config-std-0", "'pretrained_cfg.std[0]' is 0, expected a number from 1e-06 to 1e+06"}};

TEST(HostileConfigurations, HaveTheirVerdicts) {
  RESNET_REQUIRE_ASSETS();
  const fs::path hostile = *test::assets() / "models" / "hub" / "hostile";
  if (!fs::exists(hostile)) GTEST_SKIP() << "the test assets have no models/hub/hostile";
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(hostile)) {
    const std::string folder = entry.path().filename();
    if (!folder.starts_with("config-")) continue;
    ++count;
    ASSERT_TRUE(verdicts.contains(folder)) << folder;
    const fs::path file = entry.path() / "config.json";
    const auto [fault, line] = error_of([&] { parse(test::content(file), file.string()); });
    EXPECT_EQ(fault, Fault::malformed) << folder;
    EXPECT_EQ(line, file.string() + ": " + verdicts.at(folder));
  }
  EXPECT_EQ(count, verdicts.size());
}

std::string repeated(std::string_view text, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

TEST(HostileConfigurations, EatNeitherTimeNorTheStack) {
  const std::string begin = R"({"architecture": "resnet18", "num_classes": 2, "x": )";
  const std::map<std::string, std::string> texts = {
      {begin + repeated("[", 2'000'000), "nested more than 32 levels"},
      {begin + repeated(R"({"a":)", 1'000'000), "nested more than 32 levels"},
      {begin + "[" + repeated("0,", 2'000'000) + "0]}", "more than 200000 values"},
      {begin + "[" + repeated("\"\",", 2'000'000) + "0]}", "more than 200000 values"},
      {begin + "[" + repeated("[],", 2'000'000) + "0]}", "more than 200000 values"},
      {repeated(" ", most_bytes), "is empty"},
      {repeated(" ", most_bytes + 1), "has 8388609 bytes, expected at most 8388608"},
      {begin + "1e999}", "a number that is too large"},
      {begin + "\"" + std::string(1, '\xff') + "\"}", "is broken at byte"},
      {begin, "is broken at byte"}};
  for (const auto& entry : texts) {
    const std::string& expected = entry.second;
    const std::clock_t start = std::clock();
    const auto [fault, line] = error_of([&] { parse(entry.first, "config.json"); });
    EXPECT_EQ(fault, Fault::malformed) << line;
    EXPECT_THAT(line, AllOf(StartsWith("config.json: "), HasSubstr(expected)));
#ifndef RESNET_SANITIZED
    EXPECT_LT(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, 1.0) << expected;
#else
    static_cast<void>(start);
#endif
  }
}

TEST(HostileConfigurations, WhatIsNoConfigurationSaysSo) {
  const auto line_of = [](std::string_view text) { return error_of([&] { parse(text, "c.json"); }).second; };
  EXPECT_EQ(line_of(""), "c.json: is empty, expected JSON, the configuration of a network");
  EXPECT_EQ(line_of("[1, 2]"), "c.json: is [1, 2], expected an object, the configuration of a network");
  EXPECT_EQ(line_of("{}"), "c.json: has neither 'architecture' nor 'model_type', expected timm's or transformers' configuration");
  EXPECT_EQ(line_of(R"({"error":"Repository not found"})"),
            "c.json: is an error that a server answered, 'Repository not found'; fetch the file again");
  EXPECT_EQ(line_of("version https://git-lfs.github.com/spec/v1\n"),
            "c.json: is a Git LFS pointer, expected JSON, the configuration of a network");
  EXPECT_EQ(line_of(R"({"architecture": "resnet18", "architecture": "resnet50"})"), "c.json: has the key 'architecture' twice");
  EXPECT_EQ(line_of(R"({"architecture": "resnet18"} x)"),
            "c.json: is broken at byte 29, expected JSON, the configuration of a network");
  // Neither a control character nor megabytes of what a file has.
  const std::string long_name = repeated("a\\u001b[2J", 100'000);
  EXPECT_THAT(line_of(R"({"architecture": ")" + long_name + "\"}"),
              AllOf(Not(HasSubstr("\x1b")), testing::SizeIs(testing::Lt(250))));
}

}  // namespace
}  // namespace resnet::hubconfig

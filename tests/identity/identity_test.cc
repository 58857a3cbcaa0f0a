#include "cli/tasks/identity/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "cli/tasks/identity/text.h"
#include "lib/base/error.h"

namespace resnet::cli {
namespace {

using testing::HasSubstr;

Identity example() {
  Identity identity;
  identity.networks = {{.name = "a.onnx",
                        .model = "digest 00",
                        .data = {{"a.onnx.data", "11"}},
                        .preparation = "crop 32",
                        .input_shape = "1x3x32x32",
                        .convolution = "auto",
                        .methods = "3 direct"}};
  identity.labels = "10 names";
  identity.views = "crop center";
  identity.average = "probability";
  identity.top_k = "5";
  identity.min_probability = "0";
  identity.max_pixels = "100";
  identity.training = {{"batch size", "10"}, {"seed", "1"}};
  identity.pictures = "40 (digest 22)";
  identity.test_pictures = "4 (digest 33)";
  identity.instruction_set = "AVX2";
  identity.version = "1.0.0";
  return identity;
}

TEST(Identity, EachFieldThatDiffersIsNamed) {
  const Identity a = example();
  EXPECT_TRUE(differences(a, example()).empty());
  const auto expect_named = [&](const std::string& field, const auto& change) {
    Identity b = example();
    change(b);
    const auto found = differences(a, b);
    ASSERT_EQ(found.size(), 1u) << field;
    EXPECT_EQ(found[0].field, field);
    EXPECT_NE(found[0].left, found[0].right);
    EXPECT_THAT(left_of(found), HasSubstr(field));
    EXPECT_TRUE(differences(a, b, {found[0].field}).empty());
    // As well when it was written down in between.
    EXPECT_EQ(differences(a, identity_from_json(to_json(b))).size(), 1u) << field;
  };
  expect_named("model", [](Identity& b) { b.networks[0].model = "digest 01"; });
  expect_named("data file a.onnx.data", [](Identity& b) { b.networks[0].data["a.onnx.data"] = "12"; });
  expect_named("data file more", [](Identity& b) { b.networks[0].data["more"] = "12"; });
  expect_named("data file a.onnx.data", [](Identity& b) { b.networks[0].data.clear(); });
  expect_named("preparation", [](Identity& b) { b.networks[0].preparation = "crop 64"; });
  expect_named("--input-shape", [](Identity& b) { b.networks[0].input_shape = ""; });
  expect_named("--convolution", [](Identity& b) { b.networks[0].convolution = "direct"; });
  expect_named("convolution methods", [](Identity& b) { b.networks[0].methods = "2 direct"; });
  expect_named("number of models", [](Identity& b) { b.networks.push_back(b.networks[0]); });
  expect_named("labels", [](Identity& b) { b.labels = "none"; });
  expect_named("views", [](Identity& b) { b.views = "crop ten"; });
  expect_named("average of", [](Identity& b) { b.average = "logit"; });
  expect_named("top-k", [](Identity& b) { b.top_k = "1"; });
  expect_named("least probability", [](Identity& b) { b.min_probability = "0.5"; });
  expect_named("most pixels", [](Identity& b) { b.max_pixels = "1"; });
  expect_named("pictures", [](Identity& b) { b.pictures = "41"; });
  expect_named("test pictures", [](Identity& b) { b.test_pictures = ""; });
  expect_named("seed", [](Identity& b) { b.training[1].second = "2"; });
  expect_named("momentum", [](Identity& b) { b.training.emplace_back("momentum", "0.9"); });
  expect_named("instruction set", [](Identity& b) { b.instruction_set = "AVX3"; });
  expect_named("version", [](Identity& b) { b.version = "1.0.1"; });
}

TEST(Identity, AFilesNameIdentifiesNothing) {
  Identity b = example();
  b.networks[0].name = "elsewhere/b.onnx";
  EXPECT_TRUE(differences(example(), b).empty());
  b.networks[0].model = "digest 01";
  const auto found = differences(example(), b);
  EXPECT_EQ(left_of(found), "model a.onnx: digest 00");
  EXPECT_EQ(right_of(found), "model elsewhere/b.onnx: digest 01");
}

TEST(Identity, ManyDifferencesAreOneLine) {
  Identity b = example();
  b.training.clear();
  b.networks.clear();
  for (int i = 0; i < 1000; ++i) b.training.emplace_back(std::to_string(i) + "\n\x1b[31m", std::string(10'000, 'x'));
  const auto found = differences(example(), b);
  EXPECT_GT(found.size(), 1000u);
  EXPECT_LT(right_of(found).size(), 3000u);
  EXPECT_EQ(right_of(found).find('\n'), std::string::npos);
}

TEST(Identity, IsReadBackAsItWas) {
  const std::string text = to_json(example());
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(to_json(identity_from_json(text)), text);
  EXPECT_EQ(to_json(identity_from_json(to_json(Identity{}))), to_json(Identity{}));
}

void expect_refused(const std::string& text, const std::string& why) {
  try {
    identity_from_json(text);
    FAIL() << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::invalid);
    EXPECT_THAT(error.what(), HasSubstr(why)) << text;
  }
}

TEST(Identity, WhatIsNoneIsRefused) {
  for (const char* text : {"", "{", "[]", "7", "{\"format\":\"1\"}", "{\"format\":1}", "{\"format\":1,\"networks\":7}",
                           "{\"format\":1,\"networks\":[{}]}", "{\"format\":1,\"networks\":[],\"labels\":7}",
                           "{\"format\":1,\"networks\":[],\"training\":[[1]]}"})
    expect_refused(text, "does not say what it was made with");
  expect_refused("{\"format\":2,\"networks\":[]}", "a later version");
}

// The cache keeps a network whatever its answers are used for.
TEST(Identity, WhatIsPreparedDisregardsTheAnswers) {
  const Identity a = example();
  Identity b = example();
  b.labels = b.views = b.average = b.top_k = b.min_probability = b.max_pixels = "other";
  b.networks[0].name = b.networks[0].preparation = b.networks[0].methods = "other";
  const std::string text = text_of_prepared(a.networks[0], a);
  EXPECT_EQ(text_of_prepared(b.networks[0], b), text);
  for (std::string NetworkIdentity::*field :
       {&NetworkIdentity::model, &NetworkIdentity::input_shape, &NetworkIdentity::convolution}) {
    NetworkIdentity other = a.networks[0];
    other.*field = "other";
    EXPECT_NE(text_of_prepared(other, a), text);
  }
  b.version = "other";
  EXPECT_NE(text_of_prepared(b.networks[0], b), text);
  b = a;
  b.instruction_set = "other";
  EXPECT_NE(text_of_prepared(b.networks[0], b), text);
}

TEST(IdentityText, OfLabels) {
  const auto text = [](const std::vector<std::string>& labels) { return text_of_labels(labels); };
  EXPECT_EQ(text({}), "none");
  EXPECT_THAT(text({"cat", "dog"}), testing::StartsWith("2 names from 'cat' (digest "));
  EXPECT_NE(text({"cat", "dog"}), text({"cat", "dogs"}));
  EXPECT_NE(text({"a", "bc"}), text({"a b", "c"}));
  EXPECT_NE(text({"a\nb", "c"}), text({"a", "b\nc"}));
  EXPECT_LT(text({std::string(100'000, 'x')}).size(), 200u);
}

TEST(IdentityText, OfPreprocessing) {
  const Preprocessing a;
  Preprocessing b;
  b.name = "another name";
  EXPECT_EQ(text_of(a), text_of(b));
  const auto expect_other = [&](const auto& change) {
    Preprocessing c;
    change(c);
    EXPECT_NE(text_of(c), text_of(a));
  };
  expect_other([](Preprocessing& c) { c.resize.reset(); });
  expect_other([](Preprocessing& c) { c.resize = 257; });
  expect_other([](Preprocessing& c) { c.crop_size = 223; });
  expect_other([](Preprocessing& c) { c.crop_size.reset(); });
  expect_other([](Preprocessing& c) { c.crop_width = 160; });
  expect_other([](Preprocessing& c) { c.interpolation = Interpolation::bicubic; });
  expect_other([](Preprocessing& c) { c.channel_order = ChannelOrder::bgr; });
  expect_other([](Preprocessing& c) { c.scale = std::nextafter(c.scale, 1.0f); });
  expect_other([](Preprocessing& c) { c.mean[2] = std::nextafter(c.mean[2], 1.0f); });
  expect_other([](Preprocessing& c) { c.std[0] = std::nextafter(c.std[0], 2.0f); });
  expect_other([](Preprocessing& c) { c.exif = true; });
  expect_other([](Preprocessing& c) { c.crop_mode = CropMode::squash; });
  expect_other([](Preprocessing& c) { c.crop_corner = CropCorner::down; });
  // What would be resized to for another crop decides nothing of this one.
  b.crop_pct = 0.875;
  EXPECT_EQ(text_of(a), text_of(b));
  // As it was before there were other ways to crop: answers of then are still continued.
  EXPECT_EQ(text_of(*find_preprocessing("torchvision")),
            "resize 256 bilinear, crop 224, rgb, scale 0.003921569, mean 0.485,0.456,0.406, std 0.229,0.224,0.225");
  b.crop_mode = CropMode::border;
  b.crop_corner = CropCorner::down;
  b.exif = true;
  EXPECT_EQ(text_of(b),
            "resize 256 bilinear, crop 224, rgb, scale 0.003921569, mean 0,0,0, std 1,1,1, border, corner down, turned by EXIF");
}

TEST(IdentityText, OfBuiltNetworks) {
  const arch::Spec a = arch::find_spec("resnet20").value();
  const std::string text = text_of_built(a, arch::Init::he, 1);
  EXPECT_NE(text_of_built(a, arch::Init::he, 2), text);
  EXPECT_NE(text_of_built(a, arch::Init::zeros, 1), text);
  EXPECT_NE(text_of_built(arch::with_options(a, {.shortcut = arch::Shortcut::B}), arch::Init::he, 1), text);
  EXPECT_NE(text_of_built(arch::with_options(a, {.classes = 11}), arch::Init::he, 1), text);
  EXPECT_NE(text_of_built(arch::with_options(a, {.height = 40}), arch::Init::he, 1), text);
  EXPECT_NE(text_of_built(arch::with_options(a, {.batch = 2}), arch::Init::he, 1), text);
}

TEST(IdentityText, OfMethods) {
  const auto text = [](const std::vector<std::string>& methods) { return text_of_methods(methods); };
  EXPECT_EQ(text({}), "none");
  EXPECT_THAT(text({"direct", "winograd", "direct"}), testing::StartsWith("2 direct, 1 winograd (digest "));
  EXPECT_NE(text({"direct", "winograd"}), text({"winograd", "direct"}));  // other layers
}

}  // namespace
}  // namespace resnet::cli

// Networks of many programs, found by the names and shapes of their weights and filled with seeded ones: what their own code in
// PyTorch computed with the same weights.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include "formats/npy/npy.h"
#include "lib/base/error.h"
#include "lib/model/from_weights.h"
#include "lib/xnnpack/session.h"
#include "tests/model/seeded.h"
#include "tests/support/assets.h"
#include "tests/support/sanitized.h"

namespace resnet {
namespace {

// Not built, and why: also in docs/guide/build.md.
const std::map<std::string, std::string>& left_out() {
  static const std::map<std::string, std::string> reasons = {
      {"ecaresnet50d_pruned", "pruned: every layer has a width of its own"},
      {"resnetv2_50d_evos", "EvoNorm"},
      {"test_resnet", "basic and bottleneck blocks in one network"},
  };
  return reasons;
}

// Names and shapes do not show what these are.
std::optional<arch::Spec> asked_for(const std::string& name) {
  const std::set<std::string> twins = {"resnetaa50", "resnetaa50d", "resnetblur18", "resnetblur50", "seresnetaa50d"};
  return twins.contains(name) ? arch::find_timm_spec(name) : std::nullopt;
}

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  if (!test::assets()) return {"none"};
  for (const auto& entry : std::filesystem::directory_iterator(*test::assets() / "models" / "hub" / "names"))
    names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

Tensor images_for(const std::string& name, const std::filesystem::path& assets) {
  if (!name.starts_with("cifar-")) {
    const Tensor all = npy::read(assets / "expected" / "imagenet-inputs-4.npy");
    return Tensor::from(Shape{2, 3, 224, 224}, all.data<float>().first(2 * 3 * 224 * 224));
  }
  Tensor images = Tensor::allocate(DType::float32, Shape{2, 3, 32, 32});
  test::LegacyRandom random(0);
  for (float& value : images.mutable_data<float>()) value = static_cast<float>(random.normal());
  return images;
}

class HubVariants : public ::testing::TestWithParam<std::string> {};

TEST_P(HubVariants, ComputeWhatTheirOwnCodeDoes) {
  RESNET_REQUIRE_ASSETS();
  const std::string& name = GetParam();
  const auto assets = *test::assets();
  const auto names = assets / "models" / "hub" / "names" / (name + ".tsv");
  ThreadPool pool(2);
  if (const auto reason = left_out().find(name); reason != left_out().end()) {
    EXPECT_THROW(from_weights(test::named_weights(names)), Error);
    GTEST_SKIP() << name << " is not built: " << reason->second;
  }
#ifdef RESNET_SANITIZED
  if (!name.starts_with("cifar-") && !name.ends_with("18") && !name.ends_with("10t"))
    GTEST_SKIP() << "a sanitizer sees the same code in the smaller networks";
#endif
  Model model = from_weights(test::seeded_weights(names, pool), asked_for(name));
  EXPECT_EQ(model.spec->classes, name.find("weiaicunzai") != std::string::npos ? 100 : name.starts_with("cifar-") ? 10 : 1000);
  xnnpack::Session session(xnnpack::Plan::make(std::move(model.graph), {.pool = &pool}), pool);
  const Tensor images = images_for(name, assets);
  const Tensor found = session.run(std::span(&images, 1)).at(0);
  const Tensor expected = npy::read(assets / "expected" / "hub-variants" / (name + ".npy"));
  ASSERT_EQ(found.shape(), expected.shape());
  float largest = 0, deviation = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(expected.elements()); ++i) {
    largest = std::max(largest, std::abs(expected.data<float>()[i]));
    deviation = std::max(deviation, std::abs(found.data<float>()[i] - expected.data<float>()[i]));
  }
  std::printf("%-36s %-24s deviates by %.1e, largest logit %.2f\n", name.c_str(), model.spec->name.c_str(),
              static_cast<double>(deviation), static_cast<double>(largest));
  // In nets of 56 layers these weights make logits of hundreds, whose last bit is 3e-5.
  EXPECT_LE(deviation, std::max(1e-4f, 2e-6f * largest));
}

INSTANTIATE_TEST_SUITE_P(Names, HubVariants, ::testing::ValuesIn(all_names()), [](const auto& tested) {
  std::string name = tested.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(LegacyRandom, IsNumPys) {
  EXPECT_EQ(test::crc32("conv1.weight"), 3410522421u);
  test::LegacyRandom random(0);
  EXPECT_DOUBLE_EQ(random.uniform(), 0.5488135039273248);  // RandomState(0).random_sample()
  test::LegacyRandom normal(0);
  EXPECT_DOUBLE_EQ(normal.normal(), 1.764052345967664);  // RandomState(0).standard_normal(2)
  EXPECT_DOUBLE_EQ(normal.normal(), 0.4001572083672233);
}

}  // namespace
}  // namespace resnet

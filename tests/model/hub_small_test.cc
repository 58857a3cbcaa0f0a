// A trained ResNet-20 in files as people have them: PyTorch's logits of a hundred pictures, of each file's own weights.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "formats/npy/npy.h"
#include "formats/safetensors/safetensors.h"
#include "formats/safetensors/shards.h"
#include "lib/image/image.h"
#include "lib/model/from_weights.h"
#include "lib/xnnpack/session.h"
#include "tests/support/assets.h"
#include "tests/support/observe.h"

namespace resnet {
namespace {

Weights read_weights(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return safetensors::read(path);
  const auto file = path / "model.safetensors.index.json";
  const safetensors::Index index = safetensors::parse_index(test::content(file), file.string());
  std::vector<Weights> shards;
  for (const std::string& shard : index.shards) shards.push_back(safetensors::read(path / shard));
  return safetensors::join(index, std::move(shards));
}

class HubSmall : public ::testing::TestWithParam<const char*> {};

TEST_P(HubSmall, ComputesWhatPyTorchDoes) {
  RESNET_REQUIRE_ASSETS();
  const auto assets = *test::assets();
  Model model = from_weights(read_weights(assets / "models" / "hub" / "small" / GetParam()));
  EXPECT_EQ(model.spec->name, "resnet20");
  ASSERT_TRUE(model.preprocessing);
  constexpr std::size_t count = 100, pixels = 3 * 32 * 32, classes = 10;
  Tensor images = Tensor::allocate(DType::float32, Shape{count, 3, 32, 32});
  for (std::size_t i = 0; i < count; ++i) {
    char name[16];
    std::snprintf(name, sizeof(name), "%03zu.png", i);
    const image::Pixels picture = image::decode(assets / "images" / "cifar10" / name);
    image::normalize_nchw(picture, *model.preprocessing, images.mutable_data<float>().subspan(i * pixels, pixels));
  }
  ThreadPool pool(2);
  xnnpack::Session session(xnnpack::Plan::make(std::move(model.graph)), pool);
  const Tensor found = session.run(std::span(&images, 1)).at(0);
  const Tensor expected = npy::read(assets / "expected" / "hub-small" / (std::string(GetParam()) + ".npy"));
  ASSERT_EQ(found.shape(), expected.shape());
  float deviation = 0;
  std::size_t same = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto a = found.data<float>().subspan(i * classes, classes), b = expected.data<float>().subspan(i * classes, classes);
    for (std::size_t k = 0; k < classes; ++k) deviation = std::max(deviation, std::abs(a[k] - b[k]));
    same += std::max_element(a.begin(), a.end()) - a.begin() == std::max_element(b.begin(), b.end()) - b.begin() ? 1 : 0;
  }
  std::printf("%-32s deviates by %.1e\n", GetParam(), static_cast<double>(deviation));
  EXPECT_LE(deviation, 1e-3f);
  EXPECT_EQ(same, count);
}

INSTANTIATE_TEST_SUITE_P(Files, HubSmall,
                         ::testing::Values("resnet20-f16.safetensors", "resnet20-bf16.safetensors", "resnet20-shards"),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           std::replace_if(
                               name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
                           return name;
                         });

}  // namespace
}  // namespace resnet

// The hundred photos of the test assets against what PIL makes of them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "formats/npy/npy.h"
#include "lib/image/image.h"
#include "tests/image/crc32.h"
#include "tests/support/assets.h"

namespace resnet::image {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> photos() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(*test::assets() / "images" / "imagenet")) {
    if (entry.path().extension() == ".jpg") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

struct Case {
  std::optional<int> resize, crop_size;
  Interpolation interpolation;
  // Of all photos' pixels, one after the other: tools/reference/preprocess_pil.py --resize ... --crop ... FOLDER
  const char* crc;
};

class Photos : public testing::TestWithParam<Case> {};

TEST_P(Photos, AreTheBitsOfPil) {
  RESNET_REQUIRE_ASSETS();
  const std::vector<fs::path> files = photos();
  ASSERT_EQ(files.size(), 100u);
  Preprocessing preprocessing;
  preprocessing.resize = GetParam().resize;
  preprocessing.crop_size = GetParam().crop_size;
  preprocessing.interpolation = GetParam().interpolation;
  std::uint32_t crc = 0;
  for (const fs::path& file : files) crc = test::crc32(prepare(decode(file), preprocessing).rgb, crc);
  EXPECT_EQ(test::hexadecimal(crc), GetParam().crc);
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, Photos,
    testing::Values(Case{{}, {}, Interpolation::bilinear, "fe66d4db"}, Case{256, 224, Interpolation::bilinear, "b9e38d17"},
                    Case{512, {}, Interpolation::bilinear, "dfe7f8e5"}, Case{600, {}, Interpolation::bicubic, "0dac130f"},
                    Case{236, 224, Interpolation::bicubic, "c3388f3b"}, Case{160, 300, Interpolation::lanczos, "0123112f"}));

TEST(PhotosNormalized, AreTheTensorsOfTorchvision) {
  RESNET_REQUIRE_ASSETS();
  const Tensor expected = npy::read(*test::assets() / "expected" / "imagenet-inputs-4.npy");
  ASSERT_EQ(expected.shape(), (Shape{4, 3, 224, 224}));
  const std::vector<fs::path> files = photos();
  const Preprocessing preprocessing = *find_preprocessing("torchvision");
  constexpr std::size_t size = 3 * 224 * 224;
  std::vector<float> slot(size), interleaved(size);
  for (std::size_t i = 0; i < 4; ++i) {
    const Pixels pixels = prepare(decode(files[i]), preprocessing);
    normalize_nchw(pixels, preprocessing, slot);
    normalize_nhwc(pixels, preprocessing, interleaved);
    const auto values = expected.data<float>().subspan(i * size, size);
    float worst = 0;
    for (std::size_t k = 0; k < size; ++k) {
      worst = std::max(worst, std::abs(slot[k] - values[k]));
      EXPECT_EQ(slot[k], interleaved[(k % (224 * 224)) * 3 + k / (224 * 224)]);
    }
    EXPECT_LT(worst, 1e-6f) << files[i];
  }
}

}  // namespace
}  // namespace resnet::image

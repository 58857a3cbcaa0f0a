#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <string>

#include "lib/base/error.h"
#include "lib/image/image.h"
#include "tests/image/crc32.h"
#include "tests/support/assets.h"

namespace resnet::image {
namespace {

using testing::Each;
using testing::ElementsAre;

Pixels gradient(int width, int height) {
  Pixels pixels{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (const int value : {x, y, x + y}) pixels.rgb.push_back(static_cast<std::uint8_t>(value));
    }
  }
  return pixels;
}

// One row of grey levels.
Pixels row_of(std::initializer_list<int> levels) {
  Pixels pixels{static_cast<int>(levels.size()), 1, {}};
  for (const int level : levels) pixels.rgb.insert(pixels.rgb.end(), 3, static_cast<std::uint8_t>(level));
  return pixels;
}

std::vector<int> levels_of(const Pixels& pixels) {
  std::vector<int> levels;
  for (std::size_t i = 0; i < pixels.rgb.size(); i += 3) levels.push_back(pixels.rgb[i]);
  return levels;
}

std::string complaint(const std::function<void()>& call, Fault fault) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), fault);
    return error.what();
  }
  return "";
}

Interpolation interpolation_of(const std::string& name) {
  return name == "bicubic" ? Interpolation::bicubic : (name == "lanczos" ? Interpolation::lanczos : Interpolation::bilinear);
}

TEST(Prepare, GivesTheBitsOfPil) {
  const auto folder = test::testdata() / "images";
  const auto rows = test::read_csv(folder / "formats" / "prepare.csv");
  ASSERT_GE(rows.size(), 80u);
  std::map<std::string, Pixels> decoded;
  for (const auto& row : rows) {
    SCOPED_TRACE(row[0] + " resize " + row[1] + " crop " + row[2] + " " + row[3]);
    if (!decoded.contains(row[0])) decoded[row[0]] = decode(folder / row[0]);
    Preprocessing preprocessing;
    preprocessing.resize = row[1] == "0" ? std::nullopt : std::optional(std::stoi(row[1]));
    preprocessing.crop_size = row[2] == "0" ? std::nullopt : std::optional(std::stoi(row[2]));
    preprocessing.interpolation = interpolation_of(row[3]);
    const Pixels pixels = prepare(decoded[row[0]], preprocessing);
    EXPECT_EQ(std::to_string(pixels.width), row[4]);
    EXPECT_EQ(std::to_string(pixels.height), row[5]);
    EXPECT_EQ(test::hexadecimal(test::crc32(pixels.rgb)), row[6]);
  }
}

TEST(Prepare, ComputesWhatResizeAndCropWouldGive) {
  const Pixels photo = gradient(101, 67);
  for (const Interpolation interpolation : {Interpolation::bilinear, Interpolation::bicubic, Interpolation::lanczos}) {
    for (const int resize : {40, 67, 90}) {
      for (const int crop : {1, 33, 40, 64, 95}) {
        Preprocessing preprocessing;
        preprocessing.resize = resize;
        preprocessing.crop_size = crop;
        preprocessing.interpolation = interpolation;
        const Pixels expected = center_crop(resize_shorter_side(photo, resize, interpolation), crop, crop);
        const Pixels found = prepare(photo, preprocessing);
        EXPECT_EQ(found.width, crop);
        EXPECT_EQ(found.height, crop);
        EXPECT_EQ(found.rgb, expected.rgb) << resize << " " << crop;
      }
    }
  }
}

TEST(Prepare, NeitherResizedNorCropped) {
  Preprocessing preprocessing;
  preprocessing.resize = std::nullopt;
  preprocessing.crop_size = std::nullopt;
  const Pixels photo = gradient(5, 7);
  EXPECT_EQ(prepare(photo, preprocessing).rgb, photo.rgb);
}

TEST(Resize, BilinearByHand) {
  // Half the size: each result is centred between two samples and its triangle reaches two samples to each side, with weights
  // 1/8 3/8 3/8 1/8; at the edges what is left of them is scaled to 1: (3*0 + 3*80 + 160) / 7 = 57.1.
  EXPECT_THAT(levels_of(resize(row_of({0, 80, 160, 240}), 2, 1, Interpolation::bilinear)), ElementsAre(57, 183));
  // Twice the size: results lie a quarter of a sample beside the samples.
  EXPECT_THAT(levels_of(resize(row_of({0, 100}), 4, 1, Interpolation::bilinear)), ElementsAre(0, 25, 75, 100));
}

TEST(Resize, BicubicOvershootsAndIsClipped) {
  const std::vector<int> levels = levels_of(resize(row_of({0, 0, 255, 255}), 8, 1, Interpolation::bicubic));
  EXPECT_EQ(levels.front(), 0);
  EXPECT_EQ(levels.back(), 255);
  const std::vector<int> inner = levels_of(resize(row_of({100, 100, 200, 200}), 8, 1, Interpolation::bicubic));
  EXPECT_LT(*std::min_element(inner.begin(), inner.end()), 100);
  EXPECT_GT(*std::max_element(inner.begin(), inner.end()), 200);
}

TEST(Resize, EvenPicturesStayEven) {
  Pixels even{31, 17, std::vector<std::uint8_t>(31 * 17 * 3, 201)};
  for (const Interpolation interpolation : {Interpolation::bilinear, Interpolation::bicubic, Interpolation::lanczos}) {
    for (const auto& [width, height] : {std::pair{7, 5}, {31, 40}, {64, 17}, {100, 3}, {1, 1}}) {
      const Pixels resized = resize(even, width, height, interpolation);
      EXPECT_EQ(resized.rgb.size(), static_cast<std::size_t>(width * height * 3));
      EXPECT_THAT(resized.rgb, Each(201));
    }
  }
}

TEST(Resize, TheSameSizeIsACopy) {
  const Pixels photo = gradient(19, 23);
  EXPECT_EQ(resize(photo, 19, 23, Interpolation::lanczos).rgb, photo.rgb);
}

TEST(Resize, RowsAndColumnsAreTreatedAlike) {
  const Pixels photo = gradient(40, 30);
  const auto transposed = [](const Pixels& pixels) {
    Pixels result{pixels.height, pixels.width, std::vector<std::uint8_t>(pixels.rgb.size())};
    for (int y = 0; y < pixels.height; ++y) {
      for (int x = 0; x < pixels.width; ++x) {
        std::copy_n(&pixels.rgb[static_cast<std::size_t>((y * pixels.width + x) * 3)], 3,
                    &result.rgb[static_cast<std::size_t>((x * pixels.height + y) * 3)]);
      }
    }
    return result;
  };
  // One direction at a time, so that the order of the two passes does not matter.
  EXPECT_EQ(transposed(resize(transposed(photo), 30, 17, Interpolation::bicubic)).rgb,
            resize(photo, 17, 30, Interpolation::bicubic).rgb);
}

TEST(Resize, SizesThatCannotBe) {
  const Pixels photo = gradient(4, 4);
  EXPECT_EQ(complaint([&] { resize(photo, 0, 5, Interpolation::bilinear); }, Fault::invalid),
            "a photo cannot be resized to 0x5 pixels, expected at least 1x1");
  EXPECT_EQ(complaint([&] { resize_shorter_side(photo, 0, Interpolation::bilinear); }, Fault::invalid),
            "a photo cannot be resized to 0 pixels, expected at least 1");
  EXPECT_EQ(complaint([&] { center_crop(photo, 3, -1); }, Fault::invalid),
            "a photo cannot be cropped to 3x-1 pixels, expected at least 1x1");
}

TEST(Resize, AnExtremeSideRatioIsRefusedOnlyWhereItMatters) {
  const Pixels strip{100'000, 1, std::vector<std::uint8_t>(300'000, 9)};
  EXPECT_EQ(complaint([&] { resize_shorter_side(strip, 256, Interpolation::bilinear); }, Fault::mismatch),
            "has 100000x1 pixels, which cannot be resized to 25600000x256");
  // The crop wants only a little of it.
  Preprocessing preprocessing;
  preprocessing.resize = 256;
  preprocessing.crop_size = 224;
  const Pixels cropped = prepare(strip, preprocessing);
  EXPECT_EQ(cropped.width, 224);
  EXPECT_THAT(cropped.rgb, Each(9));
}

TEST(ResizeShorterSide, TruncatesTheLongerOne) {
  // 256 * 500 / 333 = 384.38, 256 * 500 / 375 = 341.33, 10 * 199 / 100 = 19.9
  EXPECT_EQ(resize_shorter_side(gradient(500, 333), 256, Interpolation::bilinear).width, 384);
  EXPECT_EQ(resize_shorter_side(gradient(375, 500), 256, Interpolation::bilinear).height, 341);
  EXPECT_EQ(resize_shorter_side(gradient(199, 100), 10, Interpolation::bilinear).width, 19);
  const Pixels square = resize_shorter_side(gradient(50, 50), 20, Interpolation::bilinear);
  EXPECT_EQ(square.width, 20);
  EXPECT_EQ(square.height, 20);
}

TEST(CenterCrop, StartsAtTheEvenOneOfTwoPixels) {
  // The red level of gradient() is x, the green one y: the first pixel shows where the crop starts.
  const auto start = [](int side, int crop) { return static_cast<int>(center_crop(gradient(side, side), crop, crop).rgb[0]); };
  EXPECT_EQ(start(10, 4), 3);  // 3
  EXPECT_EQ(start(9, 4), 2);   // 2.5
  EXPECT_EQ(start(11, 4), 4);  // 3.5
  EXPECT_EQ(start(5, 4), 0);   // 0.5
  EXPECT_EQ(start(7, 4), 2);   // 1.5
}

TEST(CenterCrop, PadsWithBlack) {
  const Pixels pixels = center_crop(row_of({7, 8}), 5, 2);
  EXPECT_EQ(pixels.width, 5);
  EXPECT_EQ(pixels.height, 2);
  // One pixel to the left, two to the right; nothing above, one row below.
  EXPECT_THAT(levels_of(pixels), ElementsAre(0, 7, 8, 0, 0, 0, 0, 0, 0, 0));
}

TEST(CenterCrop, PadsOneSideAndCropsTheOther) {
  const Pixels pixels = center_crop(row_of({1, 2, 3, 4}), 2, 3);
  EXPECT_THAT(levels_of(pixels), ElementsAre(0, 0, 2, 3, 0, 0));
}

}  // namespace
}  // namespace resnet::image

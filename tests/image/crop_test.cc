// Which part of a photo a preprocessing shows, and what is around it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "lib/base/error.h"
#include "lib/image/image.h"

namespace resnet::image {
namespace {

using Numbers = std::tuple<int, int, int, int>;

// The resized width and height, and where the crop begins.
Numbers framed(int width, int height, const Preprocessing& preprocessing) {
  const Framing framing = framing_of({width, height}, preprocessing);
  return {framing.resized.width, framing.resized.height, framing.left, framing.top};
}

Preprocessing with(CropMode mode, int resize, int crop) {
  Preprocessing p = *find_preprocessing("torchvision");
  p.crop_mode = mode;
  p.resize = resize;
  p.crop_size = crop;
  return p;
}

Pixels plain(int width, int height, int level) {
  return {width, height,
          std::vector<std::uint8_t>(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3,
                                    static_cast<std::uint8_t>(level))};
}

std::vector<int> pixel(const Pixels& pixels, int x, int y) {
  const std::uint8_t* rgb =
      &pixels.rgb[(static_cast<std::size_t>(y) * static_cast<std::size_t>(pixels.width) + static_cast<std::size_t>(x)) * 3];
  return {rgb[0], rgb[1], rgb[2]};
}

TEST(Framing, Center) {
  const Preprocessing p = with(CropMode::center, 235, 224);
  EXPECT_EQ(framed(500, 375, p), (Numbers{313, 235, 44, 6}));  // 44.5 and 5.5: half to even
  EXPECT_EQ(framed(375, 500, p), (Numbers{235, 313, 6, 44}));
  Preprocessing down = p;
  down.crop_corner = CropCorner::down;
  EXPECT_EQ(framed(500, 375, down), (Numbers{313, 235, 44, 5}));
}

TEST(Framing, Squash) {
  EXPECT_EQ(framed(500, 375, with(CropMode::squash, 384, 384)), (Numbers{384, 384, 0, 0}));
  EXPECT_EQ(framed(1, 10'000, with(CropMode::squash, 256, 224)), (Numbers{256, 256, 16, 16}));
}

TEST(Framing, BorderRoundsTheShorterSideAndPads) {
  // By timm's ResizeKeepRatio and CenterCropOrPad: round(375 * 224 / 500) = 168, padded by 28 above and below.
  EXPECT_EQ(framed(500, 375, with(CropMode::border, 224, 224)), (Numbers{224, 168, 0, -28}));
  EXPECT_EQ(framed(500, 333, with(CropMode::border, 224, 224)), (Numbers{224, 149, 0, -37}));  // 149.2; 75 rows: 37 and 38
  EXPECT_EQ(framed(333, 500, with(CropMode::border, 256, 224)), (Numbers{170, 256, -27, 16}));
  EXPECT_EQ(framed(4, 1, with(CropMode::border, 10, 10)), (Numbers{10, 2, 0, -4}));  // 2.5: to even
  EXPECT_EQ(framed(10'000, 1, with(CropMode::border, 224, 224)), (Numbers{224, 1, 0, -111}));
}

TEST(Framing, ACropThatIsNotSquareIsCovered) {
  const auto wide = [](CropMode mode) {
    Preprocessing p = with(mode, 100, 100);
    p.crop_width = 200;
    return p;
  };
  EXPECT_EQ(framed(400, 400, wide(CropMode::center)), (Numbers{200, 200, 0, 50}));
  EXPECT_EQ(framed(800, 200, wide(CropMode::center)), (Numbers{400, 100, 100, 0}));
  EXPECT_EQ(framed(400, 400, wide(CropMode::squash)), (Numbers{200, 100, 0, 0}));
  EXPECT_EQ(framed(400, 400, wide(CropMode::border)), (Numbers{100, 100, -50, 0}));
  const Pixels prepared = prepare(plain(37, 53, 9), wide(CropMode::center));
  EXPECT_EQ(prepared.width, 200);
  EXPECT_EQ(prepared.height, 100);
}

TEST(Framing, NeitherResizedNorCropped) {
  Preprocessing p = *find_preprocessing("raw");
  EXPECT_EQ(framed(5, 7, p), (Numbers{5, 7, 0, 0}));
  p.crop_size = 4;
  p.crop_mode = CropMode::squash;  // of what is not resized nothing is squashed
  EXPECT_EQ(framed(5, 7, p), (Numbers{5, 7, 0, 2}));
  p.crop_size = 0;
  EXPECT_THROW(framing_of({5, 7}, p), Error);
}

TEST(Prepare, SquashShowsTheWholePhoto) {
  const Preprocessing p = with(CropMode::squash, 6, 4);
  Pixels photo = plain(8, 3, 7);
  photo.rgb[0] = 250;
  const Pixels wanted = crop(resize(photo, 6, 6, p.interpolation), 1, 1, 4, 4);
  EXPECT_EQ(prepare(photo, p).rgb, wanted.rgb);
}

TEST(Prepare, BorderIsTheMeansLevel) {
  Preprocessing p = with(CropMode::border, 8, 8);
  const Pixels shown = prepare(plain(8, 4, 9), p);
  ASSERT_EQ(shown.width, 8);
  ASSERT_EQ(shown.height, 8);
  // round(255 * 0.485), ...; the photo has rows 2 to 5.
  const std::vector<int> mean = {124, 116, 104}, photo = {9, 9, 9};
  for (const int y : {0, 1, 6, 7}) EXPECT_EQ(pixel(shown, 3, y), mean) << y;
  for (const int y : {2, 3, 4, 5}) EXPECT_EQ(pixel(shown, 3, y), photo) << y;
  // Halves to even, as Python rounds: 127.5 is 128.
  p.mean = {0.5f, 0.5f, 0.5f};
  EXPECT_EQ(pixel(prepare(plain(4, 8, 9), p), 0, 0), (std::vector<int>{128, 128, 128}));
  // The mean is in the order of the network's channels, the photo is RGB.
  p.channel_order = ChannelOrder::bgr;
  p.scale = 1;
  p.mean = {103.939f, 116.779f, 123.68f};
  EXPECT_EQ(pixel(prepare(plain(4, 8, 9), p), 0, 0), (std::vector<int>{124, 117, 104}));
  p.mean = {-20, 300, 0};
  EXPECT_EQ(pixel(prepare(plain(4, 8, 9), p), 0, 0), (std::vector<int>{0, 255, 0}));
}

TEST(Prepare, ACropThatIsLargerIsPaddedWithBlackInTheOtherModes) {
  Preprocessing p = with(CropMode::center, 4, 6);
  EXPECT_EQ(pixel(prepare(plain(4, 4, 9), p), 0, 0), (std::vector<int>{0, 0, 0}));
  EXPECT_EQ(pixel(prepare(plain(4, 4, 9), p), 1, 1), (std::vector<int>{9, 9, 9}));
}

TEST(CenterCrop, TheCornerRoundedDown) {
  Pixels photo = plain(11, 1, 0);
  for (std::size_t x = 0; x < 11; ++x) photo.rgb[x * 3] = static_cast<std::uint8_t>(x);
  EXPECT_EQ(center_crop(photo, 4, 1).rgb[0], 4);  // 3.5
  EXPECT_EQ(center_crop(photo, 4, 1, CropCorner::down).rgb[0], 3);
}

TEST(ResizeAndCrop, PartsOutsideAreRefused) {
  EXPECT_NO_THROW(resize_and_crop(plain(4, 4, 1), {8, 8}, 4, 4, 4, 4, Interpolation::bilinear));
  EXPECT_THROW(resize_and_crop(plain(4, 4, 1), {8, 8}, 5, 4, 4, 4, Interpolation::bilinear), Error);
  EXPECT_THROW(resize_and_crop(plain(4, 4, 1), {8, 8}, -1, 0, 4, 4, Interpolation::bilinear), Error);
  EXPECT_THROW(resize_and_crop(plain(4, 4, 1), {8, 8}, 0, 0, 0, 4, Interpolation::bilinear), Error);
}

}  // namespace
}  // namespace resnet::image

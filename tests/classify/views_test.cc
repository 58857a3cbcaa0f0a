// Which parts of a photo a network is shown.
#include "lib/classify/views.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/base/error.h"

namespace resnet {
namespace {

// Each pixel shows its place: red is x, green is y.
image::Pixels places(int width, int height) {
  image::Pixels photo{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      photo.rgb.push_back(static_cast<std::uint8_t>(x));
      photo.rgb.push_back(static_cast<std::uint8_t>(y));
      photo.rgb.push_back(0);
    }
  }
  return photo;
}

std::pair<int, int> first_pixel(const image::Pixels& view) { return {view.rgb[0], view.rgb[1]}; }

Preprocessing unscaled(int crop) {
  Preprocessing preprocessing;
  preprocessing.resize = std::nullopt;
  preprocessing.crop_size = crop;
  return preprocessing;
}

TEST(Views, AreCroppedAndResizedAsThePreprocessingSays) {
  Preprocessing down = unscaled(4);
  down.crop_corner = CropCorner::down;
  EXPECT_EQ(first_pixel(views_of(places(11, 9), down, {})[0]), (std::pair{3, 2}));
  EXPECT_EQ(first_pixel(views_of(places(11, 9), unscaled(4), {})[0]), (std::pair{4, 2}));
  EXPECT_EQ(first_pixel(views_of(places(11, 9), down, {.crop = Crop::ten})[4]), (std::pair{3, 2}));
  Preprocessing squash = unscaled(4);
  squash.resize = 8;
  squash.crop_mode = CropMode::squash;
  const image::Pixels whole = views_of(places(100, 10), squash, {.crop = Crop::full})[0];
  EXPECT_EQ(whole.width, 8);
  EXPECT_EQ(whole.height, 8);
  squash.crop_mode = CropMode::border;
  // A strip is not blown up where its longer side is what counts.
  const image::Pixels strip = views_of(places(20'000, 10), squash, {.crop = Crop::full, .scales = {2000}})[0];
  EXPECT_EQ(strip.width, 2000);
  EXPECT_EQ(strip.height, 1);
}

TEST(Views, TheMiddle) {
  const auto views = views_of(places(10, 7), unscaled(4), {});
  ASSERT_EQ(views.size(), 1u);
  EXPECT_EQ(first_pixel(views[0]), std::pair(3, 2));  // 1.5 goes to the even 2
}

TEST(Views, TenCropsAndTheirMirrorImages) {
  const auto views = views_of(places(11, 7), unscaled(4), {.crop = Crop::ten});
  std::vector<std::pair<int, int>> firsts;
  for (const image::Pixels& view : views) {
    EXPECT_EQ(view.width, 4);
    EXPECT_EQ(view.height, 4);
    firsts.push_back(first_pixel(view));
  }
  // In mirror images the first pixel of a row is its right one. 3.5 pixels beside the middle go to the even 4, on either side.
  EXPECT_THAT(firsts,
              testing::ElementsAre(std::pair(0, 0), std::pair(7, 0), std::pair(0, 3), std::pair(7, 3), std::pair(4, 2),
                                   std::pair(10, 0), std::pair(3, 0), std::pair(10, 3), std::pair(3, 3), std::pair(6, 2)));
  EXPECT_THROW(views_of(places(11, 3), unscaled(4), {.crop = Crop::ten}), Error);
}

TEST(Views, TheWholePhotoAtSeveralScales) {
  Preprocessing preprocessing;
  const ViewOptions options{Crop::full, {8, 16}};
  const auto views = views_of(places(20, 10), preprocessing, options);
  ASSERT_EQ(views.size(), views_per_photo(options));
  EXPECT_EQ(views[0].width, 16);
  EXPECT_EQ(views[0].height, 8);
  EXPECT_EQ(views[2].width, 32);
  EXPECT_EQ(views[3].rgb, image::mirrored(views[2]).rgb);
  EXPECT_EQ(image::mirrored(views[3]).rgb, views[2].rgb);
}

TEST(Views, AStripIsNotBlownUp) {
  const image::Pixels strip{20'000, 10, std::vector<std::uint8_t>(600'000)};
  EXPECT_EQ(views_of(strip, Preprocessing(), {}).size(), 1u);  // only the middle is computed
  for (const Crop crop : {Crop::ten, Crop::full}) {
    try {
      views_of(strip, Preprocessing(), {crop, {640}});
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.role(), Role::input);
      EXPECT_THAT(error.what(), testing::HasSubstr("has 20000x10 pixels, which become 1280000x640"));
    }
  }
}

TEST(Views, PartsOutsideOfAPhotoAreRefused) {
  EXPECT_EQ(image::crop(places(4, 4), 1, 2, 3, 2).rgb.size(), 18u);
  EXPECT_THROW(image::crop(places(4, 4), 2, 2, 3, 2), Error);
  EXPECT_THROW(image::crop(places(4, 4), -1, 0, 1, 1), Error);
}

}  // namespace
}  // namespace resnet

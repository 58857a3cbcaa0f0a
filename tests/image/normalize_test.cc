#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/image/image.h"

namespace resnet::image {
namespace {

using testing::FloatEq;
using testing::FloatNear;
using testing::Pointwise;

// Two pixels: (255, 0, 51) and (1, 2, 3).
const Pixels pixels{2, 1, {255, 0, 51, 1, 2, 3}};

std::vector<float> nhwc(const Preprocessing& preprocessing) {
  std::vector<float> slot(6);
  normalize_nhwc(pixels, preprocessing, slot);
  return slot;
}

std::vector<float> nchw(const Preprocessing& preprocessing) {
  std::vector<float> slot(6);
  normalize_nchw(pixels, preprocessing, slot);
  return slot;
}

TEST(Normalize, Torchvision) {
  const Preprocessing preprocessing = *find_preprocessing("torchvision");
  EXPECT_THAT(nhwc(preprocessing), Pointwise(FloatNear(1e-6f), {(1 - 0.485f) / 0.229f, -0.456f / 0.224f, (0.2f - 0.406f) / 0.225f,
                                                                (1 / 255.0f - 0.485f) / 0.229f, (2 / 255.0f - 0.456f) / 0.224f,
                                                                (3 / 255.0f - 0.406f) / 0.225f}));
}

TEST(Normalize, PlanarHoldsOneChannelAfterTheOther) {
  const Preprocessing raw = *find_preprocessing("raw");
  EXPECT_THAT(nchw(raw), Pointwise(FloatEq(), {255.0f, 1.0f, 0.0f, 2.0f, 51.0f, 3.0f}));
  EXPECT_THAT(nhwc(raw), Pointwise(FloatEq(), {255.0f, 0.0f, 51.0f, 1.0f, 2.0f, 3.0f}));
}

TEST(Normalize, CaffeTurnsTheChannelsRound) {
  const Preprocessing preprocessing = *find_preprocessing("caffe");
  EXPECT_THAT(nhwc(preprocessing),
              Pointwise(FloatNear(1e-5f), {51 - 103.939f, -116.779f, 255 - 123.68f, 3 - 103.939f, 2 - 116.779f, 1 - 123.68f}));
  EXPECT_THAT(nchw(preprocessing),
              Pointwise(FloatNear(1e-5f), {51 - 103.939f, 3 - 103.939f, -116.779f, 2 - 116.779f, 255 - 123.68f, 1 - 123.68f}));
}

TEST(Normalize, Tf) {
  EXPECT_THAT(nhwc(*find_preprocessing("tf")),
              Pointwise(FloatNear(1e-6f), {1.0f, -1.0f, 51 / 127.5f - 1, 1 / 127.5f - 1, 2 / 127.5f - 1, 3 / 127.5f - 1}));
}

TEST(Normalize, MlPerf) {
  EXPECT_THAT(nhwc(*find_preprocessing("mlperf")),
              Pointwise(FloatNear(1e-5f), {255 - 123.68f, -116.78f, 51 - 103.94f, 1 - 123.68f, 2 - 116.78f, 3 - 103.94f}));
}

}  // namespace
}  // namespace resnet::image

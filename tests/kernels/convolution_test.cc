#include "lib/kernels/convolution.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "lib/tensor/tensor.h"
#include "tests/kernels/problem.h"

namespace resnet::kernels {
namespace {

std::shared_ptr<Buffer> packed(const Problem& p) {
  auto buffer = Buffer::allocate(packed_size(p.convolution.filter) * sizeof(float));
  pack_filter(p.convolution.filter, p.weights.data(), p.bias.data(), reinterpret_cast<float*>(buffer->mutable_bytes().data()));
  return buffer;
}

const float* floats(const std::shared_ptr<Buffer>& buffer) { return reinterpret_cast<const float*>(buffer->bytes().data()); }

TEST(Convolution, AsInDoublePrecision) {
  std::mt19937 generator(1);
  for (int round = 0; round < 150; ++round) {
    const Problem p = random_problem(generator);
    const bool with_addend = round % 2 == 0;
    const auto filter = packed(p);
    const std::vector<float> expected = in_double(p, with_addend);
    std::vector<float> y(expected.size(), 1e9f);
    // The parts in another order, as threads may take them.
    for (std::size_t part = convolution_parts(p.convolution); part-- > 0;) {
      convolve(p.convolution, p.x.data(), floats(filter), with_addend ? p.addend.data() : nullptr, y.data(), part, part + 1);
    }
    for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], expected[i], 2e-4) << "round " << round << " element " << i;
  }
}

TEST(Convolution, AnImageHasTheSameBitsInEveryBatch) {
  std::mt19937 generator(2);
  for (int round = 0; round < 30; ++round) {
    Problem p = random_problem(generator);
    const auto filter = packed(p);
    std::vector<float> together(p.addend.size());
    convolve(p.convolution, p.x.data(), floats(filter), nullptr, together.data(), 0, convolution_parts(p.convolution));
    Convolution alone = p.convolution;
    alone.batch = 1;
    const std::size_t in = p.x.size() / static_cast<std::size_t>(p.convolution.batch),
                      out = together.size() / static_cast<std::size_t>(p.convolution.batch);
    for (std::size_t n = 0; n < static_cast<std::size_t>(p.convolution.batch); ++n) {
      std::vector<float> y(out);
      convolve(alone, p.x.data() + n * in, floats(filter), nullptr, y.data(), 0, convolution_parts(alone));
      ASSERT_TRUE(std::equal(y.begin(), y.end(), together.begin() + static_cast<std::ptrdiff_t>(n * out))) << "round " << round;
    }
  }
}

TEST(Convolution, ARunMaySpanPixels) {
  // A 3x3 filter over 2 channels whose rows are runs of 6 floats; the image's last columns are read by the runs alone.
  std::mt19937 generator(3);
  Problem p = random_problem(generator);
  p.convolution = {
      .filter = {3, 3, 2, 20}, .batch = 2, .height = 7, .width = 9, .pixel_stride = 2, .out_height = 5, .out_width = 7};
  p.x = random_floats(2 * 7 * 9 * 2, generator);
  p.weights = random_floats(20 * 9 * 2, generator);
  p.bias = random_floats(20, generator);
  const std::vector<float> expected = in_double(p, false);
  p.convolution.filter = {3, 1, 6, 20};
  const auto filter = packed(p);
  std::vector<float> y(expected.size());
  convolve(p.convolution, p.x.data(), floats(filter), nullptr, y.data(), 0, convolution_parts(p.convolution));
  for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], expected[i], 1e-5) << i;
}

TEST(Convolution, WhatIsNoNumberStaysSo) {
  Convolution c{.filter = {1, 1, 4, 20}, .pixel_stride = 4, .least = 0, .most = 6};
  const std::vector<float> x = {1, NAN, 1, 1}, weights(80, 0.5f);
  auto buffer = Buffer::allocate(packed_size(c.filter) * sizeof(float));
  pack_filter(c.filter, weights.data(), nullptr, reinterpret_cast<float*>(buffer->mutable_bytes().data()));
  std::vector<float> y(20);
  convolve(c, x.data(), floats(buffer), nullptr, y.data(), 0, convolution_parts(c));
  EXPECT_TRUE(std::all_of(y.begin(), y.end(), [](float v) { return std::isnan(v); }));
}

}  // namespace
}  // namespace resnet::kernels

#include "lib/kernels/convolution.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "lib/tensor/tensor.h"

namespace resnet::kernels {
namespace {

struct Problem {
  Convolution convolution;
  std::vector<float> x, weights, bias, addend;
};

std::vector<float> random_floats(std::size_t count, std::mt19937& generator) {
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(count);
  for (float& value : values) value = uniform(generator);
  return values;
}

Problem random_problem(std::mt19937& generator) {
  const auto pick = [&](std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(generator);
  };
  Problem p;
  Convolution& c = p.convolution;
  c.filter = {pick(1, 4), pick(1, 4), pick(1, 90), pick(1, 70)};
  c.batch = pick(1, 3);
  c.height = pick(1, 12);
  c.width = pick(1, 12);
  c.pixel_stride = c.filter.channels;
  c.stride_high = pick(1, 2);
  c.stride_wide = pick(1, 3);
  c.dilation_high = pick(1, 2);
  c.dilation_wide = pick(1, 2);
  c.pad_top = pick(0, 3);
  c.pad_left = pick(0, 3);
  c.out_height = pick(1, 12);
  c.out_width = pick(1, 12);
  c.least = pick(0, 1) == 0 ? 0.0f : c.least;
  c.most = pick(0, 3) == 0 ? 1.5f : c.most;
  p.x = random_floats(static_cast<std::size_t>(c.batch * c.height * c.width * c.filter.channels), generator);
  p.weights = random_floats(static_cast<std::size_t>(c.filter.outputs * c.filter.taps() * c.filter.channels), generator);
  p.bias = random_floats(static_cast<std::size_t>(c.filter.outputs), generator);
  p.addend = random_floats(static_cast<std::size_t>(c.batch * c.out_height * c.out_width * c.filter.outputs), generator);
  return p;
}

std::vector<float> in_double(const Problem& p, bool with_addend) {
  const Convolution& c = p.convolution;
  std::vector<float> y;
  for (std::int64_t n = 0; n < c.batch; ++n) {
    for (std::int64_t i = 0; i < c.out_height; ++i) {
      for (std::int64_t k = 0; k < c.out_width; ++k) {
        for (std::int64_t o = 0; o < c.filter.outputs; ++o) {
          double sum = static_cast<double>(p.bias[static_cast<std::size_t>(o)]);
          for (std::int64_t a = 0; a < c.filter.taps_high; ++a) {
            for (std::int64_t b = 0; b < c.filter.taps_wide; ++b) {
              const std::int64_t row = i * c.stride_high - c.pad_top + a * c.dilation_high,
                                 column = k * c.stride_wide - c.pad_left + b * c.dilation_wide;
              if (row < 0 || row >= c.height || column < 0 || column >= c.width) continue;
              for (std::int64_t ch = 0; ch < c.filter.channels; ++ch) {
                const std::int64_t at = ((n * c.height + row) * c.width + column) * c.filter.channels + ch;
                const std::int64_t weight = ((o * c.filter.taps_high + a) * c.filter.taps_wide + b) * c.filter.channels + ch;
                sum += static_cast<double>(p.x[static_cast<std::size_t>(at)]) *
                       static_cast<double>(p.weights[static_cast<std::size_t>(weight)]);
              }
            }
          }
          if (with_addend) sum += static_cast<double>(p.addend[y.size()]);
          y.push_back(static_cast<float>(std::clamp(sum, static_cast<double>(c.least), static_cast<double>(c.most))));
        }
      }
    }
  }
  return y;
}

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

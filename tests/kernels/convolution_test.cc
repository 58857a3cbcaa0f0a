#include "lib/kernels/convolution.h"

#include <hwy/aligned_allocator.h>
#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "tests/kernels/instruction_sets.h"
#include "tests/kernels/problem.h"

namespace resnet::kernels {
namespace {

class ConvolutionTest : public ForInstructionSet {};

using Floats = hwy::AlignedFreeUniquePtr<float[]>;

Floats pack(const Filter& filter, const float* weights, const float* bias) {
  Floats packed = hwy::AllocateAligned<float>(packed_size(filter));
  pack_filter(filter, weights, bias, packed.get());
  return packed;
}
Floats packed(const Problem& p) { return pack(p.convolution.filter, p.weights.data(), p.bias.data()); }

TEST_P(ConvolutionTest, AsInDoublePrecision) {
  std::mt19937 generator(1);
  for (int round = 0; round < 150; ++round) {
    const Problem p = random_problem(generator);
    const bool with_addend = round % 2 == 0;
    const auto filter = packed(p);
    const std::vector<float> expected = in_double(p, with_addend);
    std::vector<float> y(expected.size(), 1e9f);
    // The parts in another order, as threads may take them.
    for (std::size_t part = convolution_parts(p.convolution); part-- > 0;) {
      convolve(p.convolution, p.x.data(), filter.get(), with_addend ? p.addend.data() : nullptr, y.data(), part, part + 1);
    }
    for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], expected[i], 2e-4) << "round " << round << " element " << i;
  }
}

// Groups side by side in a vector, groups of several vectors, and those that fill neither; bits that no cut decides.
TEST_P(ConvolutionTest, Groups) {
  std::mt19937 generator(6);
  const auto pick = [&](std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(generator);
  };
  for (int round = 0; round < 200; ++round) {
    Problem p = random_problem(generator);
    Convolution& c = p.convolution;
    const std::int64_t channels = round % 3 == 0 ? std::int64_t{1} << pick(0, 5) : pick(1, 40);
    const std::int64_t outputs = round % 2 == 0 ? channels : pick(1, 40);
    c.filter.groups = pick(2, 9);
    c.filter.channels = channels;
    c.filter.outputs = outputs * c.filter.groups;
    c.pixel_stride = channels * c.filter.groups;
    fill_problem(p, generator);
    const auto filter = packed(p);
    const float* addend = round % 4 < 2 ? p.addend.data() : nullptr;
    const std::vector<float> expected = in_double(p, addend != nullptr);
    std::vector<float> y(expected.size(), 1e9f);
    for (std::size_t part = convolution_parts(c); part-- > 0;)
      convolve(c, p.x.data(), filter.get(), addend, y.data(), part, part + 1);
    for (std::size_t i = 0; i < y.size(); ++i)
      ASSERT_NEAR(y[i], expected[i], 2e-4) << "round " << round << ", " << channels << " -> " << outputs << ", element " << i;
    Convolution first = c;
    first.batch = 1;
    std::vector<float> alone(y.size() / static_cast<std::size_t>(c.batch));
    convolve(first, p.x.data(), filter.get(), addend, alone.data(), 0, convolution_parts(first));
    ASSERT_TRUE(std::equal(alone.begin(), alone.end(), y.begin())) << "round " << round;
  }
}

// More threads have more parts, of the same bits.
TEST_P(ConvolutionTest, PartsForManyThreads) {
  std::mt19937 generator(8);
  for (const std::int64_t groups : {1, 4}) {
    Problem p = random_problem(generator);
    Convolution& c = p.convolution;
    c = {.filter = {.channels = 48, .outputs = 320, .groups = groups}, .height = 7, .width = 7, .out_height = 7, .out_width = 7};
    c.pixel_stride = c.filter.channels * groups;
    fill_problem(p, generator);
    const auto filter = packed(p);
    std::vector<float> usual(static_cast<std::size_t>(49 * c.filter.outputs));
    convolve(c, p.x.data(), filter.get(), p.addend.data(), usual.data(), 0, convolution_parts(c));
    std::size_t before = 0;
    for (const std::int64_t threads : {1, 16, 64}) {
      c.threads = threads;
      const std::size_t parts = convolution_parts(c);
      EXPECT_GE(parts, std::max(before, static_cast<std::size_t>(std::min<std::int64_t>(threads, 40))));
      before = parts;
      std::vector<float> y(usual.size(), 1e9f);
      for (std::size_t part = parts; part-- > 0;)
        convolve(c, p.x.data(), filter.get(), p.addend.data(), y.data(), part, part + 1);
      EXPECT_EQ(y, usual) << threads << " threads, " << groups << " groups";
    }
  }
}

// As many channels as ResNet's layers have: several blocks of the filter, several panels, several parts.
TEST_P(ConvolutionTest, TheSizesOfLayers) {
  std::mt19937 generator(4);
  struct Layer {
    std::int64_t channels, outputs, side, stride;
  };
  for (const Layer& layer : {Layer{64, 256, 20, 1}, {256, 64, 17, 1}, {1024, 40, 7, 1}, {300, 65, 15, 2}}) {
    Problem p = random_problem(generator);
    Convolution& c = p.convolution;
    c = {.filter = {1, 1, layer.channels, layer.outputs}, .batch = 2, .height = layer.side, .width = layer.side};
    c.pixel_stride = layer.channels;
    c.stride_high = c.stride_wide = layer.stride;
    c.out_height = c.out_width = (layer.side - 1) / layer.stride + 1;
    c.least = 0;
    p.x = random_floats(static_cast<std::size_t>(c.batch * layer.side * layer.side * layer.channels), generator);
    p.weights = random_floats(static_cast<std::size_t>(layer.outputs * layer.channels), generator);
    p.bias = random_floats(static_cast<std::size_t>(layer.outputs), generator);
    p.addend = random_floats(static_cast<std::size_t>(c.batch * c.out_height * c.out_width * layer.outputs), generator);
    const std::vector<float> expected = in_double(p, true);
    std::vector<float> y(expected.size(), 1e9f);
    convolve(c, p.x.data(), packed(p).get(), p.addend.data(), y.data(), 0, convolution_parts(c));
    for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], expected[i], 2e-4) << layer.channels << " channels, " << i;
  }
}

TEST_P(ConvolutionTest, AnImageHasTheSameBitsInEveryBatch) {
  std::mt19937 generator(2);
  for (int round = 0; round < 30; ++round) {
    Problem p = random_problem(generator);
    const auto filter = packed(p);
    std::vector<float> together(p.addend.size());
    convolve(p.convolution, p.x.data(), filter.get(), nullptr, together.data(), 0, convolution_parts(p.convolution));
    Convolution alone = p.convolution;
    alone.batch = 1;
    const std::size_t in = p.x.size() / static_cast<std::size_t>(p.convolution.batch),
                      out = together.size() / static_cast<std::size_t>(p.convolution.batch);
    for (std::size_t n = 0; n < static_cast<std::size_t>(p.convolution.batch); ++n) {
      std::vector<float> y(out);
      convolve(alone, p.x.data() + n * in, filter.get(), nullptr, y.data(), 0, convolution_parts(alone));
      ASSERT_TRUE(std::equal(y.begin(), y.end(), together.begin() + static_cast<std::ptrdiff_t>(n * out))) << "round " << round;
    }
  }
}

TEST_P(ConvolutionTest, ARunMaySpanPixels) {
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
  convolve(p.convolution, p.x.data(), filter.get(), nullptr, y.data(), 0, convolution_parts(p.convolution));
  for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], expected[i], 1e-5) << i;
}

TEST_P(ConvolutionTest, WhatIsNoNumberStaysSo) {
  Convolution c{.filter = {1, 1, 4, 20}, .pixel_stride = 4, .least = 0, .most = 6};
  const std::vector<float> x = {1, NAN, 1, 1}, weights(80, 0.5f);
  const auto filter = pack(c.filter, weights.data(), nullptr);
  std::vector<float> y(20);
  convolve(c, x.data(), filter.get(), nullptr, y.data(), 0, convolution_parts(c));
  EXPECT_TRUE(std::all_of(y.begin(), y.end(), [](float v) { return std::isnan(v); }));
}

INSTANTIATE_TEST_SUITE_P(Each, ConvolutionTest, instruction_sets(), name_of_set);

}  // namespace
}  // namespace resnet::kernels

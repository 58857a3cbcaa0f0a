#include "lib/kernels/winograd.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/kernels/instruction_sets.h"
#include "tests/kernels/problem.h"

namespace resnet::kernels {
namespace {

// A random convolution as Winograd's takes it: 3x3, every padding up to 3.
Problem random_3x3(std::mt19937& generator, std::int64_t stride) {
  Problem p = random_problem(generator);
  Convolution& c = p.convolution;
  c.filter.taps_high = c.filter.taps_wide = 3;
  c.stride_high = c.stride_wide = stride;
  c.dilation_high = c.dilation_wide = 1;
  p.weights = random_floats(static_cast<std::size_t>(c.filter.outputs * 9 * c.filter.channels), generator);
  return p;
}

Winograd winograd_of(const Convolution& c, std::int64_t tile) {
  Winograd w;
  w.filter = {.channels = c.filter.channels, .outputs = c.filter.outputs, .tile = tile, .stride = c.stride_high};
  w.batch = c.batch;
  w.height = c.height;
  w.width = c.width;
  w.out_height = c.out_height;
  w.out_width = c.out_width;
  w.pad_top = c.pad_top;
  w.pad_left = c.pad_left;
  w.least = c.least;
  w.most = c.most;
  return w;
}

std::vector<float> pack(const Problem& p, const WinogradFilter& filter) {
  std::vector<float> packed(packed_size(filter));
  pack_winograd(filter, p.weights.data(), p.bias.data(), packed.data());
  return packed;
}

std::vector<float> run(const Winograd& w, const WinogradCut& cut, const float* x, const std::vector<float>& packed,
                       const float* addend, ThreadPool& pool) {
  std::vector<float> y(static_cast<std::size_t>(w.batch * w.out_height * w.out_width * w.filter.outputs), 1e9f);
  std::vector<float> scratch(cut.scratch, 1e9f);  // what lies in it does not matter
  convolve(w, cut, x, packed.data(), addend, y.data(), scratch.data(), pool);
  return y;
}

struct Way {
  std::int64_t tile, stride;
};

// For each instruction set, size of tile and stride.
class WinogradTest : public testing::TestWithParam<std::tuple<std::int64_t, Way>> {
 protected:
  std::int64_t tile() const { return std::get<1>(GetParam()).tile; }
  std::int64_t stride() const { return std::get<1>(GetParam()).stride; }

 private:
  UseInstructionSet use_{std::get<0>(GetParam())};
};

TEST_P(WinogradTest, AsInDoublePrecision) {
  std::mt19937 generator(1);
  for (int round = 0; round < 100; ++round) {
    const Problem p = random_3x3(generator, stride());
    const Winograd w = winograd_of(p.convolution, tile());
    ThreadPool pool(1 + static_cast<std::size_t>(round) % 2);
    const bool with_addend = round % 3 == 0;
    const auto packed = pack(p, w.filter);
    const std::vector<float> expected = in_double(p, with_addend);
    const auto y = run(w, cut(w, pool.threads()), p.x.data(), packed, with_addend ? p.addend.data() : nullptr, pool);
    ASSERT_EQ(y.size(), expected.size());
    for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], expected[i], 5e-4) << "round " << round << " element " << i;
  }
}

// Whatever the batch, the threads and the way the work is cut.
TEST_P(WinogradTest, AnImageHasTheSameBits) {
  std::mt19937 generator(2);
  ThreadPool one(1), two(2);
  for (int round = 0; round < 30; ++round) {
    const Problem p = random_3x3(generator, stride());
    const Winograd w = winograd_of(p.convolution, tile());
    const auto packed = pack(p, w.filter);
    const std::vector<float> together = run(w, cut(w, 1), p.x.data(), packed, nullptr, one);
    for (const bool alone : {false, true}) {
      WinogradCut other = cut(w, 2);
      other.alone = alone;
      other.blocks = std::min<std::int64_t>(3, w.tiles());
      other.tiles_of_block = (w.tiles() + other.blocks - 1) / other.blocks;
      other.scratch = 8 * cut(w, 1).scratch + (1 << 20);
      ASSERT_EQ(run(w, other, p.x.data(), packed, nullptr, two), together) << "round " << round;
    }
    Winograd single = w;
    single.batch = 1;
    const std::size_t in = p.x.size() / static_cast<std::size_t>(w.batch),
                      out = together.size() / static_cast<std::size_t>(w.batch);
    for (std::size_t n = 0; n < static_cast<std::size_t>(w.batch); ++n) {
      const auto y = run(single, cut(single, 2), p.x.data() + n * in, packed, nullptr, two);
      ASSERT_TRUE(std::equal(y.begin(), y.end(), together.begin() + static_cast<std::ptrdiff_t>(n * out))) << "round " << round;
    }
  }
}

// Few tiles for many threads: these share each block, where each had read the whole filter.
TEST_P(WinogradTest, ManyThreads) {
  std::mt19937 generator(7);
  ThreadPool one(1), many(16);
  for (int round = 0; round < 5; ++round) {
    const Problem p = random_3x3(generator, stride());
    const Winograd w = winograd_of(p.convolution, tile());
    const auto packed = pack(p, w.filter);
    EXPECT_EQ(run(w, cut(w, 16), p.x.data(), packed, p.addend.data(), many),
              run(w, cut(w, 1), p.x.data(), packed, p.addend.data(), one));
  }
  const Winograd layer{
      .filter = {.channels = 128, .outputs = 128, .tile = 4}, .height = 28, .width = 28, .out_height = 28, .out_width = 28};
  EXPECT_FALSE(cut(layer, 64).alone);
}

// As many channels as ResNet's layers have: sums of several runs of channels, several blocks, both ways of cutting.
TEST_P(WinogradTest, TheSizesOfLayers) {
  std::mt19937 generator(3);
  ThreadPool pool(2);
  for (const auto& [channels, side] : {std::pair<std::int64_t, std::int64_t>{64, 57}, {300, 15}, {512, 7}}) {
    Problem p = random_3x3(generator, stride());
    Convolution& c = p.convolution;
    c.filter.channels = c.pixel_stride = channels;
    c.filter.outputs = 48;
    c.batch = channels == 64 ? 3 : 1;
    c.height = c.width = side;
    c.out_height = c.out_width = (side + stride() - 1) / stride();
    c.pad_top = c.pad_left = 1;
    p.x = random_floats(static_cast<std::size_t>(c.batch * side * side * channels), generator);
    p.weights = random_floats(static_cast<std::size_t>(9 * 48 * channels), generator);
    p.bias = random_floats(48, generator);
    const Winograd w = winograd_of(c, tile());
    const auto expected = in_double(p, false);
    const auto y = run(w, cut(w, 2), p.x.data(), pack(p, w.filter), nullptr, pool);
    for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], expected[i], 2e-3) << channels << " channels, element " << i;
  }
}

TEST_P(WinogradTest, WhatIsNoNumberStaysSo) {
  Winograd w{.filter = {.channels = 4, .outputs = 20, .tile = tile(), .stride = stride()},
             .height = 5,
             .width = 5,
             .out_height = 2,
             .out_width = 2,
             .least = 0,
             .most = 6};
  Problem p;
  p.x.assign(5 * 5 * 4, 1.0f);
  p.x[4 * (2 * 5 + 2)] = NAN;  // the one pixel that all four outputs see
  p.weights.assign(20 * 9 * 4, 0.5f);
  p.bias.assign(20, 0.0f);
  ThreadPool pool(1);
  const auto y = run(w, cut(w, 1), p.x.data(), pack(p, w.filter), nullptr, pool);
  EXPECT_TRUE(std::all_of(y.begin(), y.end(), [](float v) { return std::isnan(v); }));
}

// The last tile of a side is as small as what is left: 4 + 3 and 4 + 4 + 4 + 2 outputs.
TEST(WinogradTiles, MultiplyNoMoreThanTheyGive) {
  const WinogradFilter plain{.tile = 4}, strided{.tile = 4, .stride = 2};
  EXPECT_EQ(plain.values(7), 6 + 5);
  EXPECT_EQ(plain.values(14), 3 * 6 + 4);
  EXPECT_EQ(plain.values(28), 7 * 6);
  EXPECT_EQ(strided.values(7), 9 + 7);
  EXPECT_EQ(strided.values(14), 3 * 9 + 5);
  const Winograd w{.filter = strided, .batch = 2, .height = 13, .width = 13, .out_height = 7, .out_width = 7};
  EXPECT_EQ(w.values(), 2 * 16 * 16);
}

std::string name_of_case(const testing::TestParamInfo<WinogradTest::ParamType>& info) {
  const Way way = std::get<1>(info.param);
  const std::string set = hwy::TargetName(std::get<0>(info.param));
  return set + "_F" + std::to_string(way.tile) + (way.stride == 2 ? "_stride2" : "");
}

INSTANTIATE_TEST_SUITE_P(Each, WinogradTest,
                         testing::Combine(instruction_sets(), testing::Values(Way{2, 1}, Way{4, 1}, Way{4, 2})), name_of_case);

}  // namespace
}  // namespace resnet::kernels

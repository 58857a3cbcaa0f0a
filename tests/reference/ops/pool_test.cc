#include <cmath>

#include "tests/reference/run.h"

namespace resnet::reference {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename T>
struct FloatPool : ::testing::Test {};
TYPED_TEST_SUITE(FloatPool, Floats);

template <typename T>
struct NumberPool : ::testing::Test {};
TYPED_TEST_SUITE(NumberPool, Numbers);

TYPED_TEST(NumberPool, MaxPoolTakesTheLargest) {
  const Tensor x = make<TypeParam>(Shape{1, 1, 3, 3}, {1, 2, 3, 4, 9, 6, 7, 8, 5});
  EXPECT_THAT(numbers_of(run(MaxPool{.kernel_shape = {2, 2}}, x)), ElementsAre(9, 9, 9, 9));
  EXPECT_THAT(numbers_of(run(MaxPool{.kernel_shape = {2, 2}, .pads = {1, 1, 0, 0}, .strides = {2, 2}}, x)),
              ElementsAre(1, 3, 7, 9));
}

TEST(MaxPool, PaddingIsBelowEverything) {
  EXPECT_THAT(numbers_of(run(MaxPool{.kernel_shape = {3}, .pads = {1, 1}}, floats(Shape{1, 1, 2}, {-5, -7}))),
              ElementsAre(-5, -5));
  EXPECT_THAT(numbers_of(run(MaxPool{.kernel_shape = {3}, .pads = {1, 1}}, make<std::int8_t>(Shape{1, 1, 2}, {-128, -127}))),
              ElementsAre(-127, -127));
  // A window in the padding alone.
  EXPECT_THAT(numbers_of(run(MaxPool{.kernel_shape = {1}, .pads = {1, 0}}, floats(Shape{1, 1, 1}, {-5}))),
              ElementsAre(-infinity, -5));
}

TYPED_TEST(FloatPool, NanIsHandedOn) {
  const auto y = numbers_of(run(MaxPool{.kernel_shape = {2}}, make<TypeParam>(Shape{1, 1, 4}, {1, nan, 2, 3})));
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_TRUE(std::isnan(y[1]));
  EXPECT_EQ(y[2], 3);
}

TEST(MaxPool, IndicesCountOverTheWholeInput) {
  const Tensor x = floats(Shape{1, 2, 2, 3}, {1, 5, 3, 4, 5, 6, 9, 8, 7, 6, 5, 4});
  const auto rows = run_all(MaxPool{.kernel_shape = {2, 2}}, {&x}, 2);
  EXPECT_EQ(rows[1].dtype(), DType::int64);
  EXPECT_EQ(rows[1].shape(), (Shape{1, 2, 1, 2}));
  // Of the two fives the first counts.
  EXPECT_THAT(numbers_of(rows[0]), ElementsAre(5, 6, 9, 8));
  EXPECT_THAT(numbers_of(rows[1]), ElementsAre(1, 5, 6, 7));
  // Column-major within each map: (row, column) is column * 2 + row.
  const auto columns = run_all(MaxPool{.kernel_shape = {2, 2}, .storage_order = 1}, {&x}, 2);
  EXPECT_THAT(numbers_of(columns[1]), ElementsAre(2, 5, 6, 8));
}

TEST(MaxPool, ColumnMajorIndicesInThreeDimensions) {
  std::vector<double> numbers(2 * 3 * 4, 0);
  numbers[(1 * 3 + 2) * 4 + 3] = 1;
  const Tensor x = floats(Shape{1, 1, 2, 3, 4}, numbers);
  EXPECT_THAT(numbers_of(run_all(MaxPool{.kernel_shape = {2, 3, 4}, .storage_order = 1}, {&x}, 2)[1]),
              ElementsAre(1 + 2 * 2 + 3 * 6));
}

TEST(MaxPool, CeilModeAddsAWindowThatTheInputReaches) {
  const Tensor x = floats(Shape{1, 1, 4}, {1, 2, 3, 4});
  EXPECT_THAT(numbers_of(run(MaxPool{.kernel_shape = {3}, .strides = {2}}, x)), ElementsAre(3));
  EXPECT_THAT(numbers_of(run(MaxPool{.ceil_mode = true, .kernel_shape = {3}, .strides = {2}}, x)), ElementsAre(3, 4));
  // One that would start in the end padding is left out.
  EXPECT_THAT(numbers_of(run(MaxPool{.ceil_mode = true, .kernel_shape = {1}, .pads = {0, 1}, .strides = {3}},
                             floats(Shape{1, 1, 3}, {1, 2, 3}))),
              ElementsAre(1));
}

TEST(MaxPool, AKernelFarLargerThanTheInputTakesNoTime) {
  const std::int64_t huge = std::int64_t{1} << 38;
  EXPECT_THAT(numbers_of(run(MaxPool{.kernel_shape = {huge}, .pads = {huge / 2, huge / 2}}, floats(Shape{1, 1, 2}, {3, 4}))),
              ElementsAre(4, 4, 4));
  EXPECT_THAT(numbers_of(run(AveragePool{.kernel_shape = {huge}, .pads = {huge / 2, huge / 2}}, floats(Shape{1, 1, 2}, {3, 5}))),
              ElementsAre(4, 4, 4));
}

TEST(MaxPool, BoolsAreUnsupported) {
  EXPECT_EQ(error_of([] {
              run(MaxPool{.kernel_shape = {1}}, Tensor::allocate(DType::boolean, Shape{1, 1, 1}));
            }),
            "unsupported: cannot be computed in bool");
}

TYPED_TEST(FloatPool, AveragePoolCountsThePaddingOnlyWhereItIsTold) {
  const Tensor x = make<TypeParam>(Shape{1, 1, 2, 2}, {4, 8, 12, 16});
  AveragePool pool{.kernel_shape = {2, 2}, .pads = {1, 1, 0, 0}, .strides = {1, 1}};
  EXPECT_THAT(numbers_of(run(pool, x)), ElementsAre(4, 6, 8, 10));
  pool.count_include_pad = true;
  EXPECT_THAT(numbers_of(run(pool, x)), ElementsAre(1, 3, 4, 10));
}

TEST(AveragePool, WhatCeilModeAddsIsNotCounted) {
  // The second window reaches one element beyond the input, which is never counted.
  const Tensor x = floats(Shape{1, 1, 4}, {1, 2, 3, 6});
  AveragePool pool{.ceil_mode = true, .kernel_shape = {3}, .strides = {2}};
  EXPECT_THAT(numbers_of(run(pool, x)), ElementsAre(2, 4.5));
  pool.count_include_pad = true;
  EXPECT_THAT(numbers_of(run(pool, x)), ElementsAre(2, 4.5));
  // One explicit element of padding is counted, the one beyond it is not.
  pool.pads = {0, 1};
  pool.kernel_shape = {4};
  EXPECT_THAT(numbers_of(run(pool, x)), ElementsAre(3, 3));
}

TEST(AveragePool, AWindowInThePaddingAloneIsZero) {
  EXPECT_THAT(numbers_of(run(AveragePool{.kernel_shape = {1}, .pads = {1, 0}}, floats(Shape{1, 1, 1}, {7}))), ElementsAre(0, 7));
}

TEST(AveragePool, SumsInDouble) {
  EXPECT_THAT(numbers_of(run(AveragePool{.kernel_shape = {4}}, floats(Shape{1, 1, 4}, {16777216, 1, -16777216, 3}))),
              ElementsAre(1));
}

// With ceil_mode a last window may go beyond the padding: what lies there is not counted.
TEST(AveragePool, PaddingIsCountedAndNothingBeyondIt) {
  AveragePool pool{.ceil_mode = true, .count_include_pad = true, .kernel_shape = {2}, .strides = {2}};
  EXPECT_THAT(numbers_of(run(pool, floats(Shape{1, 1, 3}, {1, 3, 5}))), ElementsAre(2, 5));
  pool.pads = {1, 1};
  EXPECT_THAT(numbers_of(run(pool, floats(Shape{1, 1, 3}, {1, 3, 5}))), ElementsAre(0.5, 4));
  pool.kernel_shape = {3};
  EXPECT_THAT(numbers_of(run(pool, floats(Shape{1, 1, 4}, {3, 3, 6, 12}))), ElementsAre(2, 7, 6));
}

TEST(AveragePool, IntegersAreUnsupported) {
  EXPECT_EQ(error_of([] {
              run(AveragePool{.kernel_shape = {1}}, make<std::uint8_t>(Shape{1, 1, 1}, {1}));
            }),
            "unsupported: cannot be computed in uint8");
}

TYPED_TEST(FloatPool, GlobalAveragePoolLeavesOnePerChannel) {
  const Tensor y = run(GlobalAveragePool{}, make<TypeParam>(Shape{1, 2, 2, 2}, {1, 2, 3, 4, -1, -1, 1, 3}));
  EXPECT_EQ(y.shape(), (Shape{1, 2, 1, 1}));
  EXPECT_THAT(numbers_of(y), ElementsAre(2.5, 0.5));
}

TEST(GlobalAveragePool, AnEmptyMapHasNoMean) {
  EXPECT_TRUE(std::isnan(numbers_of(run(GlobalAveragePool{}, floats(Shape{1, 1, 0}, {})))[0]));
}

// Random geometries of one to three dimensions against the definition by coordinates, with padding laid out in full.
struct NaivePool {
  std::vector<std::int64_t> in, kernel, stride, dilation, begin, end, out;
  bool ceil_mode = false;

  // Visits the places of a window: whether each is in the input, whether it is there or in the padding, and its offset.
  template <typename Visit>
  void visit(std::int64_t o, const Visit& visit_place) const {
    std::int64_t taps = 1;
    for (const std::int64_t size : kernel) taps *= size;
    for (std::int64_t k = 0; k < taps; ++k) {
      bool inside = true, padded = true;
      std::int64_t offset = 0, step = 1, rest_k = k, rest_o = o;
      for (std::size_t i = in.size(); i-- > 0;) {
        const std::int64_t place = rest_o % out[i] * stride[i] + rest_k % kernel[i] * dilation[i] - begin[i];
        inside = inside && place >= 0 && place < in[i];
        padded = padded && place < in[i] + end[i];
        offset += place * step;
        step *= in[i];
        rest_k /= kernel[i];
        rest_o /= out[i];
      }
      visit_place(inside, padded, offset);
    }
  }
};

NaivePool random_pool(SmallNumbers& random) {
  NaivePool pool;
  pool.ceil_mode = random.between(0, 1) == 1;
  const auto rank = random.between(1, 3);
  for (std::int64_t i = 0; i < rank; ++i) {
    const std::int64_t kernel = random.between(1, 3), stride = random.between(1, 3), dilation = random.between(1, 3);
    const std::int64_t begin = random.between(0, kernel - 1), end = random.between(0, kernel - 1);
    const std::int64_t reach = dilation * (kernel - 1) + 1;
    const std::int64_t in = std::max<std::int64_t>(reach - begin - end, 1) + random.between(0, 6);
    // Positions of a window that fits, and with ceil_mode one more that starts inside the input or in the padding before it.
    std::int64_t out = 0;
    while (out * stride + reach <= in + begin + end) ++out;
    if (pool.ceil_mode && (out - 1) * stride + reach < in + begin + end && out * stride < in + begin) ++out;
    pool.in.push_back(in);
    pool.kernel.push_back(kernel);
    pool.stride.push_back(stride);
    pool.dilation.push_back(dilation);
    pool.begin.push_back(begin);
    pool.end.push_back(end);
    pool.out.push_back(out);
  }
  return pool;
}

TEST(Pools, MatchTheDefinitionOnRandomGeometries) {
  SmallNumbers random(6);
  for (int round = 0; round < 400; ++round) {
    const NaivePool naive = random_pool(random);
    const std::int64_t maps = 2 * 3;
    std::vector<std::int64_t> x_dims = {2, 3}, y_dims = {2, 3}, pads = naive.begin;
    x_dims.insert(x_dims.end(), naive.in.begin(), naive.in.end());
    y_dims.insert(y_dims.end(), naive.out.begin(), naive.out.end());
    pads.insert(pads.end(), naive.end.begin(), naive.end.end());
    const auto numbers = random.several(Shape(x_dims).elements());
    const Tensor x = floats(Shape(x_dims), numbers);
    const auto max = run_all(MaxPool{.ceil_mode = naive.ceil_mode,
                                     .dilations = naive.dilation,
                                     .kernel_shape = naive.kernel,
                                     .pads = pads,
                                     .strides = naive.stride},
                             {&x}, 2);
    AveragePool average{.ceil_mode = naive.ceil_mode,
                        .dilations = naive.dilation,
                        .kernel_shape = naive.kernel,
                        .pads = pads,
                        .strides = naive.stride};
    const Tensor without = run(average, x);
    average.count_include_pad = true;
    const Tensor with = run(average, x);
    ASSERT_EQ(max[0].shape(), Shape(y_dims)) << "round " << round;
    ASSERT_EQ(without.shape(), Shape(y_dims));
    const std::int64_t in_map = x.elements() / maps, out_map = without.elements() / maps;
    for (std::int64_t i = 0; i < maps * out_map; ++i) {
      double largest = -infinity, sum = 0;
      std::int64_t index = -1, inputs = 0, all = 0;
      naive.visit(i % out_map, [&](bool inside, bool padded, std::int64_t offset) {
        if (padded) ++all;
        if (!inside) return;
        const std::int64_t at = i / out_map * in_map + offset;
        const double value = numbers[static_cast<std::size_t>(at)];
        sum += value;
        ++inputs;
        if (value > largest) {
          largest = value;
          index = at;
        }
      });
      const auto at = static_cast<std::size_t>(i);
      if (inputs > 0) {  // a dilated window may straddle the input
        ASSERT_EQ(static_cast<double>(max[0].data<float>()[at]), largest) << "round " << round << ", element " << i;
        ASSERT_EQ(max[1].data<std::int64_t>()[at], index) << "round " << round << ", element " << i;
        ASSERT_EQ(without.data<float>()[at], static_cast<float>(sum / static_cast<double>(inputs))) << "round " << round;
      }
      ASSERT_EQ(with.data<float>()[at], static_cast<float>(sum / static_cast<double>(all))) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace resnet::reference

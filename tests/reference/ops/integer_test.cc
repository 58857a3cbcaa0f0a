// Quantized arithmetic: by hand where it is small, against float arithmetic on what the numbers stand for where it is not.
#include <cmath>

#include "tests/reference/run.h"

namespace resnet::reference {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Tensor one_scale = floats(Shape{}, {1});

template <typename T>
Tensor random_bytes(Shape shape, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_int_distribution<int> distribution(std::numeric_limits<T>::min(), std::numeric_limits<T>::max());
  std::vector<double> numbers(static_cast<std::size_t>(shape.elements()));
  for (double& number : numbers) number = distribution(generator);
  return make<T>(std::move(shape), numbers);
}

TEST(DynamicQuantizeLinear, SpreadsTheRangeAndZeroOverAByte) {
  const Tensor x = floats(Shape{4}, {0, 2, -3, 1.5});
  const auto results = run_all(DynamicQuantizeLinear{}, {&x}, 3);
  EXPECT_THAT(numbers_of(results[0]), ElementsAre(153, 255, 0, 229));  // 1.5 / (5 / 255) = 76.5: to the even 76
  EXPECT_FLOAT_EQ(results[1].data<float>()[0], 5.0f / 255.0f);
  EXPECT_EQ(results[2].data<std::uint8_t>()[0], 153);
}

TEST(DynamicQuantizeLinear, NothingButZeros) {
  const Tensor x = floats(Shape{2}, {0, 0});
  const auto results = run_all(DynamicQuantizeLinear{}, {&x}, 3);
  EXPECT_THAT(numbers_of(results[0]), Each(0));
  EXPECT_EQ(results[1].data<float>()[0], 1.0f);
}

TEST(ConvInteger, PaddingStandsForZero) {
  const Tensor x = make<std::uint8_t>(Shape{1, 1, 1, 2}, {130, 128}), w = make<std::int8_t>(Shape{1, 1, 1, 3}, {1, 10, 100});
  const Tensor zero = make<std::uint8_t>(Shape{}, {128});
  EXPECT_THAT(numbers_of(run(ConvInteger{{.pads = {0, 1, 0, 1}}}, x, w, zero)), ElementsAre(20, 2));
  EXPECT_THAT(numbers_of(run(ConvInteger{{.pads = {0, 1, 0, 1}}}, x, w)), ElementsAre(1300 + 12800, 130 + 1280));
}

TEST(ConvInteger, AZeroPointPerOutputChannelAndGroups) {
  const Tensor x = make<std::uint8_t>(Shape{1, 2, 1, 1}, {3, 5}), w = make<std::int8_t>(Shape{2, 1, 1, 1}, {7, 7});
  const Tensor x_zero = make<std::uint8_t>(Shape{}, {0}), w_zero = make<std::int8_t>(Shape{2}, {0, 6});
  EXPECT_THAT(numbers_of(run(ConvInteger{{.group = 2}}, x, w, x_zero, w_zero)), ElementsAre(21, 5));
}

TEST(MatMulInteger, AZeroPointPerRowAndPerColumn) {
  const Tensor a = make<std::uint8_t>(Shape{2, 2}, {1, 2, 3, 4}), b = make<std::uint8_t>(Shape{2, 2}, {1, 0, 0, 1});
  const Tensor rows = make<std::uint8_t>(Shape{2}, {1, 3}), columns = make<std::uint8_t>(Shape{2}, {0, 1});
  EXPECT_THAT(numbers_of(run(MatMulInteger{}, a, b, rows)), ElementsAre(0, 1, 0, 1));
  // a' = {0, 1, 0, 1}, b' = {1, -1, 0, 0}
  EXPECT_THAT(numbers_of(run(MatMulInteger{}, a, b, rows, columns)), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(error_of([&] {
                run(MatMulInteger{}, a, b, make<std::uint8_t>(Shape{3}, {0, 0, 0}));
              }),
              HasSubstr("a_zero_point is 3 for 2x2, expected one element or one per row"));
}

TEST(QLinearConv, RoundsHalfToEvenOnceAndSaturates) {
  const Tensor x = make<std::uint8_t>(Shape{1, 1, 1, 5}, {1, 3, 5, 255, 0}), w = make<std::int8_t>(Shape{1, 1, 1, 1}, {1});
  const Tensor x_zero = make<std::uint8_t>(Shape{}, {0}), w_zero = make<std::int8_t>(Shape{}, {0});
  const Tensor y_scale = floats(Shape{}, {2}), y_zero = make<std::uint8_t>(Shape{}, {200});
  EXPECT_THAT(numbers_of(run(QLinearConv{}, x, one_scale, x_zero, w, one_scale, w_zero, y_scale, y_zero)),
              ElementsAre(200, 202, 202, 255, 200));  // 0.5, 1.5, 2.5, 127.5 and 0 on top of 200
  const Tensor bias = make<std::int32_t>(Shape{1}, {-1000});
  EXPECT_THAT(numbers_of(run(QLinearConv{}, x, one_scale, x_zero, w, one_scale, w_zero, y_scale, y_zero, bias)), Each(0));
}

// What is between is exact: no sum of 4,608 products saturates or loses a bit.
TEST(QLinearConv, SumsAreExact) {
  const Tensor x = make<std::uint8_t>(Shape{1, 512, 3, 3}, std::vector<double>(4608, 255));
  std::vector<double> weights(4608, 127);
  weights[17] = 126;
  const Tensor w = make<std::int8_t>(Shape{1, 512, 3, 3}, weights), x_zero = make<std::uint8_t>(Shape{}, {0}),
               w_zero = make<std::int8_t>(Shape{}, {0});
  EXPECT_THAT(numbers_of(run(ConvInteger{}, x, w)), ElementsAre(4608.0 * 255 * 127 - 255));
  const Tensor y_scale = floats(Shape{}, {4608.0 * 127}), y_zero = make<std::uint8_t>(Shape{}, {0});
  EXPECT_THAT(numbers_of(run(QLinearConv{}, x, one_scale, x_zero, w, one_scale, w_zero, y_scale, y_zero)), ElementsAre(255));
}

// As floats have it, one step at most where float arithmetic falls on the other side of a half.
TEST(QLinearConv, StandsForTheConvolutionOfWhatIsQuantized) {
  const Tensor x = random_bytes<std::uint8_t>(Shape{2, 4, 7, 6}, 1), w = random_bytes<std::int8_t>(Shape{6, 2, 3, 3}, 2);
  const Tensor x_scale = floats(Shape{}, {0.021}), x_zero = make<std::uint8_t>(Shape{}, {114});
  const Tensor w_scale = floats(Shape{6}, {0.01, 0.02, 0.03, 0.004, 0.05, 0.06}),
               w_zero = make<std::int8_t>(Shape{6}, {0, 1, 2, 0, -3, 0});
  const Tensor y_scale = floats(Shape{}, {0.5}), y_zero = make<std::int8_t>(Shape{}, {-7});
  const Conv conv{.pads = {1, 1, 1, 1}, .strides = {2, 1}, .group = 2};
  const Tensor actual = run(QLinearConv{conv}, x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero);
  const Tensor real =
      run(conv, run(DequantizeLinear{}, x, x_scale, x_zero), run(DequantizeLinear{.axis = 0}, w, w_scale, w_zero));
  const auto a = numbers_of(actual), e = numbers_of(run(QuantizeLinear{}, real, y_scale, y_zero));
  std::size_t different = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_LE(std::abs(a[i] - e[i]), 1) << i;
    different += a[i] != e[i] ? 1u : 0u;
  }
  EXPECT_LT(different, a.size() / 100);
  EXPECT_EQ(actual.dtype(), DType::int8);
}

TEST(QLinearMatMul, SaturatesWhereSumsAreLarge) {
  const Tensor a = make<std::int8_t>(Shape{1, 2}, {100, 100}), b = make<std::int8_t>(Shape{2, 2}, {100, -1, 100, 1});
  const Tensor zero = make<std::int8_t>(Shape{}, {0});
  EXPECT_THAT(numbers_of(run(QLinearMatMul{}, a, one_scale, zero, b, one_scale, zero, one_scale, zero)), ElementsAre(127, 0));
}

TEST(QLinearMatMul, AScalePerRowAndPerColumn) {
  const Tensor a = make<std::uint8_t>(Shape{2, 1}, {1, 1}), b = make<std::uint8_t>(Shape{1, 2}, {1, 1});
  const Tensor zero = make<std::uint8_t>(Shape{}, {0}), rows = floats(Shape{2}, {1, 10}), columns = floats(Shape{2}, {2, 3});
  EXPECT_THAT(numbers_of(run(QLinearMatMul{}, a, rows, zero, b, columns, zero, one_scale, zero)), ElementsAre(2, 3, 20, 30));
}

TEST(QLinearAdd, BroadcastsAndZeroPointsMayBeLeftOut) {
  const Tensor a = make<std::uint8_t>(Shape{2, 2}, {10, 20, 30, 40}), b = make<std::uint8_t>(Shape{2}, {1, 2});
  const Tensor half = floats(Shape{}, {0.5}), zero = make<std::uint8_t>(Shape{}, {10});
  EXPECT_THAT(numbers_of(run_all(QLinearAdd{}, {&a, &one_scale, &zero, &b, &half, nullptr, &one_scale, &zero}, 1).front()),
              ElementsAre(10, 21, 30, 41));  // 0.5 and 20.5 go to the even 0 and 20
  EXPECT_THAT(numbers_of(run_all(QLinearAdd{}, {&a, &one_scale, nullptr, &b, &one_scale, nullptr, &half}, 1).front()),
              ElementsAre(22, 44, 62, 84));
  EXPECT_THAT(error_of([&] {
                run_all(QLinearAdd{}, {&a, nullptr, nullptr, &b, &half, nullptr, &half}, 1);
              }),
              HasSubstr("input 1 is left out"));
}

TEST(QLinearGlobalAveragePool, ChannelsFirstAndLast) {
  const Tensor first = make<std::uint8_t>(Shape{1, 2, 1, 2}, {10, 20, 100, 101}),
               last = make<std::uint8_t>(Shape{1, 1, 2, 2}, {10, 100, 20, 101});
  const Tensor zero = make<std::uint8_t>(Shape{}, {10}), y_zero = make<std::uint8_t>(Shape{}, {0});
  EXPECT_THAT(numbers_of(run(QLinearGlobalAveragePool{}, first, one_scale, zero, one_scale, y_zero)), ElementsAre(5, 90));
  const Tensor y = run(QLinearGlobalAveragePool{.channels_last = true}, last, one_scale, zero, one_scale, y_zero);
  EXPECT_THAT(numbers_of(y), ElementsAre(5, 90));  // 90.5 goes to the even 90
  EXPECT_EQ(y.shape(), (Shape{1, 1, 1, 2}));
}

TEST(QLinearConv, EachOperationIsRoundedToFloat) {
  const Tensor x = make<std::uint8_t>(Shape{1, 1, 1, 1}, {1}), w = make<std::int8_t>(Shape{1, 1, 1, 1}, {25});
  const Tensor zero = make<std::uint8_t>(Shape{}, {0}), w_zero = make<std::int8_t>(Shape{}, {0});
  // 25 * f(0.1 / 1): 2.5 in float32, and 2.5000000373 in double, which is 3.
  const Tensor tenth = floats(Shape{}, {static_cast<double>(0.1f)});
  EXPECT_THAT(numbers_of(run(QLinearConv{}, x, tenth, zero, w, one_scale, w_zero, one_scale, zero)), ElementsAre(2));
}

TEST(QLinearConv, SumsWrapAround) {
  const Tensor x = make<std::uint8_t>(Shape{1, 1, 1, 1}, {2}), w = make<std::int8_t>(Shape{1, 1, 1, 1}, {1});
  const Tensor zero = make<std::uint8_t>(Shape{}, {0}), w_zero = make<std::int8_t>(Shape{}, {0});
  const Tensor bias = make<std::int32_t>(Shape{1}, {2147483647}), y_zero = make<std::uint8_t>(Shape{}, {100});
  EXPECT_THAT(numbers_of(run(QLinearConv{}, x, one_scale, zero, w, one_scale, w_zero, floats(Shape{}, {1e8}), y_zero, bias)),
              ElementsAre(79));  // -2147483647 / 1e8 = -21.47
}

// 0.5 is even, 101.5 is not: what is rounded has the zero point in it.
TEST(QLinearAdd, TheZeroPointIsRoundedWithTheSum) {
  const Tensor a = make<std::uint8_t>(Shape{2}, {1, 2}), b = make<std::uint8_t>(Shape{2}, {0, 0});
  const Tensor zero = make<std::uint8_t>(Shape{}, {0}), half = floats(Shape{}, {0.5}), odd = make<std::uint8_t>(Shape{}, {101});
  EXPECT_THAT(numbers_of(run(QLinearAdd{}, a, half, zero, b, one_scale, zero, one_scale, odd)), ElementsAre(102, 102));
}

TEST(QLinearAveragePool, CountsPaddingWhereItIsAsked) {
  const Tensor first = make<std::uint8_t>(Shape{1, 2, 1, 3}, {10, 20, 31, 110, 120, 130}),
               last = make<std::uint8_t>(Shape{1, 1, 3, 2}, {10, 110, 20, 120, 31, 130});
  const Tensor zero = make<std::uint8_t>(Shape{}, {10}), y_zero = make<std::uint8_t>(Shape{}, {1});
  QLinearAveragePool op{.pool = {.kernel_shape = {1, 2}, .pads = {0, 1, 0, 0}}};
  EXPECT_THAT(numbers_of(run(op, first, one_scale, zero, one_scale, y_zero)), ElementsAre(1, 6, 17, 101, 106, 116));
  op.pool.count_include_pad = true;
  EXPECT_THAT(numbers_of(run(op, first, one_scale, zero, one_scale, y_zero)), ElementsAre(1, 6, 17, 51, 106, 116));
  op.channels_last = true;
  const Tensor y = run(op, last, one_scale, zero, one_scale, y_zero);
  EXPECT_EQ(y.shape(), (Shape{1, 1, 3, 2}));
  EXPECT_THAT(numbers_of(y), ElementsAre(1, 51, 6, 106, 17, 116));
}

TEST(LookupTable, OfAllOrOfEachChannel) {
  std::vector<double> turned(512);
  for (std::size_t i = 0; i < 512; ++i) turned[i] = i < 256 ? 255 - static_cast<double>(i) : static_cast<double>(i) - 256;
  const Tensor x = make<std::int8_t>(Shape{1, 2, 2}, {-1, 0, -128, 5});
  const Tensor row = make<std::uint8_t>(Shape{256}, {turned.begin(), turned.begin() + 256}),
               rows = make<std::uint8_t>(Shape{2, 256}, turned);
  EXPECT_THAT(numbers_of(run(LookupTable{}, x, row)), ElementsAre(0, 255, 127, 250));
  EXPECT_THAT(numbers_of(run(LookupTable{}, x, rows)), ElementsAre(0, 255, 128, 5));
  EXPECT_THAT(error_of([&] { run(LookupTable{}, x, make<std::uint8_t>(Shape{2}, {0, 0})); }), HasSubstr("table is 2"));
}

TEST(QGemm, TransposedWithABiasAndBothOutputs) {
  const Tensor a = make<std::uint8_t>(Shape{1, 2}, {130, 126}), b = make<std::int8_t>(Shape{3, 2}, {1, 0, 0, 1, 5, 5});
  const Tensor a_zero = make<std::uint8_t>(Shape{}, {128}), b_zero = make<std::int8_t>(Shape{}, {0});
  const Tensor half = floats(Shape{}, {0.5}), bias = make<std::int32_t>(Shape{3}, {0, 0, 8});
  const QGemm op{.transB = true};
  const Tensor real = run(op, a, half, a_zero, b, one_scale, b_zero, bias);
  EXPECT_EQ(real.dtype(), DType::float32);
  EXPECT_THAT(numbers_of(real), ElementsAre(1, -1, 4));
  const Tensor y_zero = make<std::uint8_t>(Shape{}, {3});
  EXPECT_THAT(numbers_of(run(op, a, half, a_zero, b, one_scale, b_zero, bias, one_scale, y_zero)), ElementsAre(4, 2, 7));
}

TEST(Integers, TypesThatDoNotFitAreNamed) {
  const Tensor x = floats(Shape{1, 1, 1, 1}, {1}), w = make<std::int8_t>(Shape{1, 1, 1, 1}, {1});
  EXPECT_THAT(error_of([&] { run(ConvInteger{}, x, w); }), HasSubstr("x is float, expected uint8 or int8"));
  const Tensor bytes = make<std::uint8_t>(Shape{1, 1, 1, 1}, {1});
  EXPECT_THAT(error_of([&] { run(ConvInteger{}, bytes, w, make<std::int8_t>(Shape{}, {1})); }),
              HasSubstr("x_zero_point is int8, expected uint8"));
}

}  // namespace
}  // namespace resnet::reference

#include <cmath>

#include "tests/reference/run.h"

namespace resnet::reference {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename T>
struct FloatQuantize : ::testing::Test {};
TYPED_TEST_SUITE(FloatQuantize, Floats);

template <typename T>
struct IntegerQuantize : ::testing::Test {};
using NarrowIntegers = ::testing::Types<std::int8_t, std::uint8_t, std::int16_t, std::uint16_t>;
TYPED_TEST_SUITE(IntegerQuantize, NarrowIntegers);

TYPED_TEST(FloatQuantize, RoundsHalfToEvenAndSaturates) {
  const Tensor y = run(QuantizeLinear{}, make<TypeParam>(Shape{8}, {0, 1, 3, 5, -1, -3, 1000, -1000}),
                       make<TypeParam>(Shape{}, {2}), make<std::int8_t>(Shape{}, {0}));
  EXPECT_EQ(y.dtype(), DType::int8);
  EXPECT_THAT(numbers_of(y), ElementsAre(0, 0, 2, 2, 0, -2, 127, -128));
}

TYPED_TEST(IntegerQuantize, SaturatesAtItsOwnLimits) {
  using Limits = std::numeric_limits<TypeParam>;
  const Tensor zero_point = Tensor::scalar<TypeParam>(3), scale = floats(Shape{}, {0.5});
  const Tensor y = run(QuantizeLinear{}, floats(Shape{6}, {0, 1, 1e30, -1e30, infinity, -infinity}), scale, zero_point);
  EXPECT_EQ(y.dtype(), dtype_of<TypeParam>());
  EXPECT_THAT(y.template data<TypeParam>(), ElementsAre(3, 5, Limits::max(), Limits::min(), Limits::max(), Limits::min()));
}

TYPED_TEST(IntegerQuantize, IsUndoneByDequantize) {
  using Limits = std::numeric_limits<TypeParam>;
  std::vector<TypeParam> all;
  for (int i = Limits::min(); i <= Limits::max(); ++i) all.push_back(static_cast<TypeParam>(i));
  const Tensor q = Tensor::from<TypeParam>(Shape{static_cast<std::int64_t>(all.size())}, std::span<const TypeParam>(all));
  const Tensor scale = floats(Shape{}, {0.37}), zero_point = Tensor::scalar<TypeParam>(17);
  EXPECT_EQ(run(QuantizeLinear{}, run(DequantizeLinear{}, q, scale, zero_point), scale, zero_point), q);
}

TEST(QuantizeLinear, WithoutAZeroPointTheTypeIsTheAttributesOrUint8) {
  const Tensor x = floats(Shape{2}, {-1, 300}), scale = floats(Shape{1}, {1});
  EXPECT_EQ(run(QuantizeLinear{}, x, scale), (Tensor::from<std::uint8_t>(Shape{2}, {0, 255})));
  EXPECT_EQ(run(QuantizeLinear{.output_dtype = DType::int16}, x, scale), (Tensor::from<std::int16_t>(Shape{2}, {-1, 300})));
}

TEST(QuantizeLinear, RoundsAsTheLibraryDoesOverAWideRange) {
  std::mt19937 engine(7);
  std::uniform_real_distribution<float> uniform(-40000.0f, 40000.0f);
  std::vector<float> x(20000);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = i % 4 == 0 ? std::round(uniform(engine)) + 0.5f : uniform(engine) / 100;
  const Tensor y =
      run(QuantizeLinear{.output_dtype = DType::int16},
          Tensor::from<float>(Shape{static_cast<std::int64_t>(x.size())}, std::span<const float>(x)), floats(Shape{}, {1}));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float expected = std::fmax(-32768.0f, std::fmin(32767.0f, std::nearbyint(x[i])));
    ASSERT_EQ(static_cast<float>(y.data<std::int16_t>()[i]), expected) << x[i];
  }
}

TEST(QuantizeLinear, NanIsTheLeast) {
  EXPECT_EQ(
      run(QuantizeLinear{.output_dtype = DType::int8}, floats(Shape{1}, {nan}), floats(Shape{}, {1})).data<std::int8_t>()[0],
      -128);
}

TEST(QuantizeLinear, PerAxis) {
  const Tensor scale = floats(Shape{2}, {1, 2}), zero_point = make<std::uint8_t>(Shape{2}, {10, 20});
  const Tensor x = floats(Shape{1, 2, 2}, {1, 2, 4, 8});
  EXPECT_THAT(numbers_of(run(QuantizeLinear{}, x, scale, zero_point)), ElementsAre(11, 12, 22, 24));
  EXPECT_THAT(numbers_of(run(QuantizeLinear{.axis = -1, .output_dtype = {}}, x, scale, zero_point)), ElementsAre(11, 21, 14, 24));
  EXPECT_THAT(
      numbers_of(run(QuantizeLinear{.axis = 0, .output_dtype = {}}, floats(Shape{2, 3}, {0, 1, 2, 0, 2, 4}), scale, zero_point)),
      ElementsAre(10, 11, 12, 20, 21, 22));
}

TEST(QuantizeLinear, InBlocks) {
  // Blocks of 2 along an axis of 3: the last block is short.
  const Tensor scale = floats(Shape{2, 2}, {1, 2, 4, 8}), zero_point = make<std::int8_t>(Shape{2, 2}, {0, 1, 0, 1});
  EXPECT_THAT(numbers_of(run(QuantizeLinear{.axis = 1, .block_size = 2, .output_dtype = {}},
                             floats(Shape{2, 3}, {8, 8, 8, 8, 8, 8}), scale, zero_point)),
              ElementsAre(8, 8, 5, 2, 2, 2));
  EXPECT_THAT(numbers_of(run(QuantizeLinear{.axis = 0, .block_size = 2, .output_dtype = {}},
                             floats(Shape{3, 2}, {8, 8, 8, 8, 8, 8}), scale, zero_point)),
              ElementsAre(8, 5, 8, 5, 2, 2));
}

TEST(QuantizeLinear, OfLargeIntegersIsExact) {
  // As a float, 2^24 + 1 would be 2^24.
  EXPECT_THAT(numbers_of(run(QuantizeLinear{.output_dtype = DType::uint16}, make<std::int32_t>(Shape{1}, {16777217}),
                             make<std::int32_t>(Shape{}, {2}))),
              ElementsAre(65535));
  EXPECT_THAT(
      numbers_of(run(QuantizeLinear{.output_dtype = DType::int16}, make<std::int32_t>(Shape{2}, {-5, 7}), floats(Shape{}, {2}))),
      ElementsAre(-2, 4));
}

TEST(DequantizeLinear, PerTensorAndPerAxis) {
  const Tensor x = make<std::uint8_t>(Shape{2, 2}, {0, 255, 128, 1});
  EXPECT_THAT(numbers_of(run(DequantizeLinear{}, x, floats(Shape{}, {0.5}), make<std::uint8_t>(Shape{}, {128}))),
              ElementsAre(-64, 63.5, 0, -63.5));
  EXPECT_THAT(numbers_of(run(DequantizeLinear{.axis = 0}, x, floats(Shape{2}, {1, 2}))), ElementsAre(0, 255, 256, 2));
  EXPECT_THAT(numbers_of(run(DequantizeLinear{}, x, floats(Shape{2}, {1, 2}))), ElementsAre(0, 510, 128, 2));
}

TEST(DequantizeLinear, InBlocks) {
  EXPECT_THAT(numbers_of(run(DequantizeLinear{.axis = 1, .block_size = 2}, make<std::int8_t>(Shape{1, 4}, {1, 2, 3, 4}),
                             floats(Shape{1, 2}, {1, 10}), make<std::int8_t>(Shape{1, 2}, {0, 1}))),
              ElementsAre(1, 2, 20, 30));
}

TEST(DequantizeLinear, AllOfInt32) {
  const Tensor x = make<std::int32_t>(Shape{2}, {-2147483648.0, 2147483647});
  EXPECT_THAT(numbers_of(run(DequantizeLinear{}, x, floats(Shape{}, {1}))), ElementsAre(-2147483648.0, 2147483648.0));
  EXPECT_THAT(numbers_of(run(DequantizeLinear{}, x, floats(Shape{}, {1}), make<std::int32_t>(Shape{}, {-2147483648.0}))),
              ElementsAre(0, 4294967296.0));
}

TYPED_TEST(FloatQuantize, DequantizesIntoTheScalesType) {
  const Tensor y = run(DequantizeLinear{}, make<std::int8_t>(Shape{2}, {-4, 3}), make<TypeParam>(Shape{}, {0.25}));
  EXPECT_EQ(y.dtype(), dtype_of<TypeParam>());
  EXPECT_THAT(numbers_of(y), ElementsAre(-1, 0.75));
}

TEST(Quantize, ScalesAndTypesThatDoNotFitAreErrors) {
  const Tensor x = floats(Shape{1, 2}, {1, 2});
  EXPECT_THAT(error_of([&] { run(QuantizeLinear{}, x, floats(Shape{3}, {1, 2, 3})); }), HasSubstr("scale has 3 elements"));
  EXPECT_THAT(error_of([&] { run(DequantizeLinear{}, x, floats(Shape{}, {1})); }), HasSubstr("x is float, expected uint8"));
  EXPECT_EQ(error_of([&] { run(QuantizeLinear{.output_dtype = DType::int64}, x, floats(Shape{}, {1})); }),
            "unsupported: cannot be computed in int64");
}

TEST(Quantize, NothingInNothingOut) {
  EXPECT_EQ(run(QuantizeLinear{}, floats(Shape{0}, {}), floats(Shape{}, {1})).shape(), Shape{0});
  EXPECT_EQ(run(DequantizeLinear{.axis = 0}, make<std::int8_t>(Shape{0, 2}, {}), floats(Shape{0}, {})).shape(), (Shape{0, 2}));
}

}  // namespace
}  // namespace resnet::reference

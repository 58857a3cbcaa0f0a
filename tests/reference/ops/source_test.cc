#include <cmath>

#include "tests/reference/run.h"

namespace resnet::reference {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename T>
struct NumberSource : ::testing::Test {};
TYPED_TEST_SUITE(NumberSource, Numbers);

TYPED_TEST(NumberSource, ConstantOfShapeIsFilled) {
  const Tensor y = run(ConstantOfShape{.value = make<TypeParam>(Shape{1}, {7})}, int64s({2, 2}));
  EXPECT_EQ(y, make<TypeParam>(Shape{2, 2}, {7, 7, 7, 7}));
}

TEST(ConstantOfShape, DefaultsScalarsAndNothing) {
  EXPECT_EQ(run(ConstantOfShape{}, int64s({2})), floats(Shape{2}, {0, 0}));
  EXPECT_EQ(run(ConstantOfShape{}, int64s({})).shape(), Shape{});
  EXPECT_EQ(run(ConstantOfShape{}, int64s({3, 0})).shape(), (Shape{3, 0}));
  EXPECT_THAT(error_of([] { run(ConstantOfShape{}, int64s({-1})); }), HasSubstr("shape holds -1"));
  EXPECT_THAT(error_of([] { run(ConstantOfShape{}, int64s({4e9, 4e9, 4e9})); }), HasSubstr("64 bits"));
}

TEST(Shape, AllOfItOrAPart) {
  const Tensor x = Tensor::allocate(DType::int8, Shape{2, 3, 4});
  EXPECT_EQ(run(ShapeOf{}, x), int64s({2, 3, 4}));
  EXPECT_EQ(run(ShapeOf{.start = 1, .end = {}}, x), int64s({3, 4}));
  EXPECT_EQ(run(ShapeOf{.start = -2, .end = -1}, x), int64s({3}));
  EXPECT_EQ(run(ShapeOf{.start = -9, .end = 9}, x), int64s({2, 3, 4}));
  EXPECT_EQ(run(ShapeOf{.start = std::numeric_limits<std::int64_t>::min(), .end = 1}, x), int64s({2}));
  EXPECT_EQ(run(ShapeOf{.start = 2, .end = 1}, x).shape(), Shape{0});
  EXPECT_EQ(run(ShapeOf{}, floats(Shape{}, {1})).shape(), Shape{0});
}

// Every pair of types.
TYPED_TEST(NumberSource, CastKeepsSmallNumbers) {
  const Tensor x = make<TypeParam>(Shape{3}, {0, 1, 100});
  for (const DType to : {DType::float32, DType::float64, DType::float16, DType::bfloat16, DType::int8, DType::int16, DType::int32,
                         DType::int64, DType::uint8, DType::uint16, DType::uint32, DType::uint64}) {
    const Tensor y = run(Cast{.to = to}, x);
    EXPECT_EQ(y.dtype(), to);
    EXPECT_THAT(numbers_of(y), ElementsAre(0, 1, 100)) << name_of(to);
  }
  EXPECT_EQ(run(Cast{.to = DType::boolean}, x), (Tensor::from<bool>(Shape{3}, {false, true, true})));
  EXPECT_EQ(run(Cast{.to = dtype_of<TypeParam>()}, Tensor::from<bool>(Shape{2}, {true, false})),
            make<TypeParam>(Shape{2}, {1, 0}));
}

TYPED_TEST(NumberSource, CastFromFloatTruncatesAndSaturates) {
  if constexpr (std::is_integral_v<TypeParam>) {
    using Limits = std::numeric_limits<TypeParam>;
    const Tensor y = run(Cast{.to = dtype_of<TypeParam>()}, floats(Shape{6}, {2.9, -0.9, 1e30, -1e30, infinity, nan}));
    EXPECT_THAT(y.template data<TypeParam>(), ElementsAre(2, 0, Limits::max(), Limits::min(), Limits::max(), 0));
    const Tensor of_double = run(Cast{.to = dtype_of<TypeParam>()}, make<double>(Shape{2}, {1e300, -1e300}));
    EXPECT_THAT(of_double.template data<TypeParam>(), ElementsAre(Limits::max(), Limits::min()));
  } else {
    EXPECT_TRUE(std::isnan(numbers_of(run(Cast{.to = dtype_of<TypeParam>()}, floats(Shape{1}, {nan})))[0]));
    EXPECT_THAT(numbers_of(run(Cast{.to = dtype_of<TypeParam>()}, floats(Shape{2}, {infinity, -infinity}))),
                ElementsAre(infinity, -infinity));
  }
}

TEST(Cast, NegativeFractionsTruncateTowardsZero) {
  EXPECT_EQ(run(Cast{.to = DType::int32}, floats(Shape{2}, {-2.9, -0.5})), make<std::int32_t>(Shape{2}, {-2, 0}));
}

TEST(Cast, TheEdgesOfInt64) {
  const Tensor x = make<double>(Shape{3}, {9223372036854774784.0, 9223372036854775808.0, -9223372036854775808.0});
  EXPECT_THAT(
      run(Cast{.to = DType::int64}, x).data<std::int64_t>(),
      ElementsAre(9223372036854774784, std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()));
  EXPECT_THAT(run(Cast{.to = DType::uint64}, x).data<std::uint64_t>(),
              ElementsAre(9223372036854774784u, 9223372036854775808u, 0u));
}

TEST(Cast, IntegersKeepTheirLowBits) {
  EXPECT_EQ(run(Cast{.to = DType::uint8}, make<std::int32_t>(Shape{3}, {-1, 256, 511})),
            make<std::uint8_t>(Shape{3}, {255, 0, 255}));
  EXPECT_EQ(run(Cast{.to = DType::int8}, make<std::uint8_t>(Shape{1}, {200})), make<std::int8_t>(Shape{1}, {-56}));
}

TEST(Cast, ToHalfRoundsToNearestEven) {
  const Tensor y =
      run(Cast{.to = DType::float16}, floats(Shape{8}, {2049, 2051, 65519, 65520, -1e9, 0x1p-24, 0x1p-25, 0x1.8p-24}));
  EXPECT_THAT(numbers_of(y), ElementsAre(2048, 2052, 65504, infinity, -infinity, 0x1p-24, 0, 0x1p-23));
  const Tensor b = run(Cast{.to = DType::bfloat16}, floats(Shape{4}, {257, 259, 3.4e38, -1}));
  EXPECT_THAT(numbers_of(b), ElementsAre(256, 260, infinity, -1));
}

TEST(Cast, DoublesAndLongIntegersAreRoundedOnceToHalf) {
  // Just above the middle of two halves; a float on the way would lose what makes it so.
  const double middle = 1 + 0x1p-11, above = middle + 0x1p-40, below = middle - 0x1p-40;
  EXPECT_THAT(numbers_of(run(Cast{.to = DType::float16}, make<double>(Shape{4}, {middle, above, below, -above}))),
              ElementsAre(1, 1 + 0x1p-10, 1, -1 - 0x1p-10));
  EXPECT_THAT(numbers_of(run(Cast{.to = DType::float16}, make<double>(Shape{3}, {1e300, -1e300, 1e-300}))),
              ElementsAre(infinity, -infinity, 0));
  EXPECT_TRUE(std::isnan(numbers_of(run(Cast{.to = DType::bfloat16}, make<double>(Shape{1}, {nan})))[0]));
  // The middle between 2^60 and the next bfloat16, and one more.
  const std::int64_t tie = (std::int64_t{1} << 60) + (std::int64_t{1} << 52);
  const Tensor integers = Tensor::from<std::int64_t>(Shape{3}, {tie, tie + 1, -tie - 1});
  EXPECT_THAT(numbers_of(run(Cast{.to = DType::bfloat16}, integers)), ElementsAre(0x1p60, 0x1p60 + 0x1p53, -0x1p60 - 0x1p53));
}

TEST(Cast, AnyByteButZeroIsTrue) {
  Tensor x = Tensor::allocate(DType::boolean, Shape{3});
  x.mutable_bytes()[0] = std::byte{2};
  x.mutable_bytes()[2] = std::byte{255};
  EXPECT_THAT(numbers_of(run(Cast{.to = DType::float32}, x)), ElementsAre(1, 0, 1));
  const Tensor y = run(Cast{.to = DType::boolean}, x);
  EXPECT_THAT(y.bytes(), ElementsAre(std::byte{1}, std::byte{0}, std::byte{1}));
  EXPECT_EQ(run(Cast{.to = DType::boolean}, floats(Shape{3}, {0.1, -0.0, nan})),
            (Tensor::from<bool>(Shape{3}, {true, false, true})));
}

TEST(Dropout, InInferencePassesEverything) {
  const Tensor x = floats(Shape{2, 2}, {1, 2, 3, 4}), ratio = floats(Shape{}, {0.9}), off = Tensor::scalar<bool>(false);
  const auto outputs = run_all(Dropout{}, {&x, &ratio, &off}, 2);
  EXPECT_EQ(outputs[0], x);
  EXPECT_EQ(outputs[1], (Tensor::from<bool>(Shape{2, 2}, {true, true, true, true})));
  EXPECT_EQ(run(Dropout{}, x), x);
}

TEST(Dropout, TrainingThatDropsSomethingCannotRun) {
  const Tensor x = floats(Shape{1}, {1}), on = Tensor::scalar<bool>(true);
  EXPECT_EQ(error_of([&] { run_all(Dropout{}, {&x, nullptr, &on}, 1); }), "unsupported: dropout in training mode cannot run");
  EXPECT_EQ(run(Dropout{}, x, floats(Shape{}, {0}), on), x);
  EXPECT_THAT(error_of([&] { run(Dropout{}, x, floats(Shape{0}, {}), on); }), HasSubstr("ratio is 0, expected a scalar"));
}

TEST(Identity, AndConstant) {
  const Tensor x = make<Float16>(Shape{2}, {1, 2});
  EXPECT_EQ(run(Identity{}, x), x);
  EXPECT_EQ(run(Constant{.value = x}), x);
}

}  // namespace
}  // namespace resnet::reference

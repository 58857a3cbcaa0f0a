#include <cmath>

#include "tests/reference/run.h"

namespace resnet::reference {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

template <typename T>
struct NumberArithmetic : ::testing::Test {};
TYPED_TEST_SUITE(NumberArithmetic, Numbers);

template <typename T>
struct IntegerArithmetic : ::testing::Test {};
TYPED_TEST_SUITE(IntegerArithmetic, Integers);

template <typename T>
struct FloatArithmetic : ::testing::Test {};
TYPED_TEST_SUITE(FloatArithmetic, Floats);

TYPED_TEST(NumberArithmetic, OfEqualShapes) {
  const Tensor a = make<TypeParam>(Shape{2, 2}, {9, 8, 7, 12}), b = make<TypeParam>(Shape{2, 2}, {3, 2, 7, 5});
  EXPECT_THAT(numbers_of(run(Add{}, a, b)), ElementsAre(12, 10, 14, 17));
  EXPECT_THAT(numbers_of(run(Sub{}, a, b)), ElementsAre(6, 6, 0, 7));
  EXPECT_THAT(numbers_of(run(Mul{}, a, b)), ElementsAre(27, 16, 49, 60));
  EXPECT_EQ(run(Div{}, a, b).dtype(), dtype_of<TypeParam>());
}

TYPED_TEST(NumberArithmetic, BroadcastsAScalarARowAndAColumn) {
  const Tensor m = make<TypeParam>(Shape{2, 3}, {10, 20, 30, 40, 50, 60});
  const Tensor scalar = make<TypeParam>(Shape{}, {1}), row = make<TypeParam>(Shape{3}, {1, 2, 3});
  const Tensor column = make<TypeParam>(Shape{2, 1}, {1, 2});
  EXPECT_THAT(numbers_of(run(Sub{}, m, scalar)), ElementsAre(9, 19, 29, 39, 49, 59));
  EXPECT_THAT(numbers_of(run(Sub{}, m, row)), ElementsAre(9, 18, 27, 39, 48, 57));
  EXPECT_THAT(numbers_of(run(Sub{}, m, column)), ElementsAre(9, 19, 29, 38, 48, 58));
  EXPECT_THAT(numbers_of(run(Add{}, column, row)), ElementsAre(2, 3, 4, 3, 4, 5));
  EXPECT_THAT(numbers_of(run(Add{}, scalar, m)), ElementsAre(11, 21, 31, 41, 51, 61));
}

// Against one look-up per element by its own index arithmetic.
TEST(Arithmetic, BroadcastsEveryPatternOfOnes) {
  const std::vector<std::int64_t> full = {2, 3, 2, 4};
  SmallNumbers random(1);
  for (unsigned pattern = 0; pattern < 256; ++pattern) {
    std::vector<std::int64_t> a_dims, b_dims;
    for (unsigned axis = 0; axis < 4; ++axis) {
      a_dims.push_back((pattern >> axis) % 2 != 0 ? 1 : full[axis]);
      b_dims.push_back((pattern >> (axis + 4)) % 2 != 0 ? 1 : full[axis]);
    }
    const Tensor a = floats(Shape(a_dims), random.several(Shape(a_dims).elements()));
    const Tensor b = floats(Shape(b_dims), random.several(Shape(b_dims).elements()));
    const Tensor y = run(Sub{}, a, b);
    std::vector<std::int64_t> y_dims;
    for (std::size_t axis = 0; axis < 4; ++axis) y_dims.push_back(std::max(a_dims[axis], b_dims[axis]));
    ASSERT_EQ(y.shape(), Shape(y_dims));
    std::size_t i = 0;
    for (std::int64_t n = 0; n < y_dims[0]; ++n) {
      for (std::int64_t c = 0; c < y_dims[1]; ++c) {
        for (std::int64_t h = 0; h < y_dims[2]; ++h) {
          for (std::int64_t w = 0; w < y_dims[3]; ++w, ++i) {
            const auto at = [&](const Tensor& x) {
              const Shape& s = x.shape();
              const std::int64_t offset = (((n % s[0]) * s[1] + c % s[1]) * s[2] + h % s[2]) * s[3] + w % s[3];
              return x.data<float>()[static_cast<std::size_t>(offset)];
            };
            ASSERT_EQ(y.data<float>()[i], at(a) - at(b)) << "pattern " << pattern << ", element " << i;
          }
        }
      }
    }
  }
}

TYPED_TEST(IntegerArithmetic, WrapsAround) {
  using Limits = std::numeric_limits<TypeParam>;
  const auto one = Tensor::scalar<TypeParam>(1), two = Tensor::scalar<TypeParam>(2);
  const auto least = Tensor::scalar<TypeParam>(Limits::min()), most = Tensor::scalar<TypeParam>(Limits::max());
  EXPECT_EQ(run(Add{}, most, one).template data<TypeParam>()[0], Limits::min());
  EXPECT_EQ(run(Sub{}, least, one).template data<TypeParam>()[0], Limits::max());
  EXPECT_EQ(run(Mul{}, most, two).template data<TypeParam>()[0], static_cast<TypeParam>(-2));
  EXPECT_EQ(run(Mul{}, most, most).template data<TypeParam>()[0], 1);
}

TYPED_TEST(IntegerArithmetic, DivisionByZeroIsAnError) {
  const Tensor a = make<TypeParam>(Shape{2}, {1, 2}), b = make<TypeParam>(Shape{2}, {1, 0});
  EXPECT_THAT(error_of([&] { run(Div{}, a, b); }), HasSubstr("malformed: divides an integer by zero"));
}

TEST(Arithmetic, DivisionOfIntegersTruncates) {
  EXPECT_THAT(numbers_of(run(Div{}, make<std::int32_t>(Shape{4}, {7, -7, 7, -7}), make<std::int32_t>(Shape{4}, {2, 2, -2, -2}))),
              ElementsAre(3, -3, -3, 3));
}

TEST(Arithmetic, TheLeastIntegerDividedByMinusOneWrapsAround) {
  const auto quotient = [](auto zero) {
    using T = decltype(zero);
    return run(Div{}, Tensor::scalar<T>(std::numeric_limits<T>::min()), Tensor::scalar<T>(T{-1})).template data<T>()[0];
  };
  EXPECT_EQ(quotient(std::int8_t{}), -128);
  EXPECT_EQ(quotient(std::int32_t{}), std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(quotient(std::int64_t{}), std::numeric_limits<std::int64_t>::min());
}

TYPED_TEST(FloatArithmetic, DivisionByZeroIsInfiniteOrNan) {
  const auto y = numbers_of(run(Div{}, make<TypeParam>(Shape{3}, {1, -1, 0}), make<TypeParam>(Shape{}, {0})));
  EXPECT_EQ(y[0], infinity);
  EXPECT_EQ(y[1], -infinity);
  EXPECT_TRUE(std::isnan(y[2]));
}

TYPED_TEST(FloatArithmetic, SumBroadcastsAllItsInputs) {
  const Tensor a = make<TypeParam>(Shape{2, 1}, {1, 2}), b = make<TypeParam>(Shape{3}, {10, 20, 30});
  const Tensor c = make<TypeParam>(Shape{}, {0.5});
  EXPECT_THAT(numbers_of(run(Sum{}, a, b, c)), ElementsAre(11.5, 21.5, 31.5, 12.5, 22.5, 32.5));
  EXPECT_THAT(numbers_of(run(Sum{}, b)), ElementsAre(10, 20, 30));
}

TEST(Arithmetic, SumIsMadeInDouble) {
  // In float, 2^24 + 1 + 1 would stay 2^24.
  const Tensor big = floats(Shape{1}, {16777216}), one = floats(Shape{1}, {1});
  EXPECT_THAT(numbers_of(run(Sum{}, big, one, one)), ElementsAre(16777218));
}

TEST(Arithmetic, HalvesAreRoundedOnce) {
  // 2048 + 1 lies between two halves and goes to the even one.
  EXPECT_THAT(numbers_of(run(Add{}, make<Float16>(Shape{2}, {2048, 2050}), make<Float16>(Shape{1}, {1}))),
              ElementsAre(2048, 2052));
}

TEST(Arithmetic, InputsOfDifferentTypesOrShapesAreErrors) {
  EXPECT_THAT(error_of([] { run(Add{}, floats(Shape{1}, {1}), make<double>(Shape{1}, {1})); }),
              HasSubstr("double, expected float"));
  EXPECT_THAT(error_of([] {
                run(Add{}, floats(Shape{2}, {1, 2}), floats(Shape{3}, {1, 2, 3}));
              }),
              HasSubstr("cannot broadcast 2 with 3"));
  EXPECT_EQ(error_of([] { run(Add{}, Tensor::allocate(DType::boolean, Shape{1}), Tensor::allocate(DType::boolean, Shape{1})); }),
            "unsupported: cannot be computed in bool");
  EXPECT_EQ(error_of([] { run(Sum{}, int64s({1}), int64s({1})); }), "unsupported: cannot be computed in int64");
}

TEST(Arithmetic, NothingInNothingOut) {
  EXPECT_EQ(run(Add{}, floats(Shape{0, 3}, {}), floats(Shape{3}, {1, 2, 3})).shape(), (Shape{0, 3}));
  EXPECT_EQ(run(Div{}, make<std::int32_t>(Shape{0}, {}), make<std::int32_t>(Shape{1}, {0})).elements(), 0);
}

}  // namespace
}  // namespace resnet::reference

#include <cmath>

#include "tests/reference/run.h"

namespace resnet::reference {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename T>
struct FloatActivation : ::testing::Test {};
TYPED_TEST_SUITE(FloatActivation, Floats);

template <typename T>
struct NumberActivation : ::testing::Test {};
TYPED_TEST_SUITE(NumberActivation, Numbers);

TYPED_TEST(FloatActivation, ReluKeepsWhatIsPositive) {
  const Tensor y = run(Relu{}, make<TypeParam>(Shape{5}, {-1.5, -infinity, 0, 2.5, infinity}));
  EXPECT_EQ(y.dtype(), dtype_of<TypeParam>());
  EXPECT_THAT(numbers_of(y), ElementsAre(0, 0, 0, 2.5, infinity));
}

TYPED_TEST(FloatActivation, NanPassesThroughReluAndClip) {
  const Tensor x = make<TypeParam>(Shape{1}, {nan}), zero = make<TypeParam>(Shape{}, {0}), six = make<TypeParam>(Shape{}, {6});
  EXPECT_TRUE(std::isnan(numbers_of(run(Relu{}, x))[0]));
  EXPECT_TRUE(std::isnan(numbers_of(run(Clip{}, x, zero, six))[0]));
}

TYPED_TEST(FloatActivation, ABoundOfNanMakesNan) {
  const Tensor x = make<TypeParam>(Shape{2}, {-1, 1}), bound = make<TypeParam>(Shape{}, {nan});
  for (const double number : numbers_of(run(Clip{}, x, bound))) EXPECT_TRUE(std::isnan(number));
  for (const double number : numbers_of(run_all(Clip{}, {&x, nullptr, &bound}, 1)[0])) EXPECT_TRUE(std::isnan(number));
}

TYPED_TEST(FloatActivation, SigmoidIsStableAtBothEnds) {
  const auto y = numbers_of(run(Sigmoid{}, make<TypeParam>(Shape{5}, {0, 1, -1, 1000, -1000})));
  const double tolerance = dtype_of<TypeParam>() == DType::bfloat16  ? 4e-3
                           : dtype_of<TypeParam>() == DType::float16 ? 5e-4
                                                                     : 1e-7;
  EXPECT_EQ(y[0], 0.5);
  EXPECT_NEAR(y[1], 0.7310585786300049, tolerance);
  EXPECT_NEAR(y[2], 0.2689414213699951, tolerance);
  EXPECT_EQ(y[3], 1);
  EXPECT_EQ(y[4], 0);
}

TYPED_TEST(FloatActivation, HardSigmoidIsClipped) {
  EXPECT_THAT(numbers_of(run(HardSigmoid{.alpha = 0.5f, .beta = 0.25f}, make<TypeParam>(Shape{4}, {-1, 0, 0.5, 2}))),
              ElementsAre(0, 0.25, 0.5, 1));
}

TEST(Activation, HardSigmoidsDefaults) { EXPECT_NEAR(numbers_of(run(HardSigmoid{}, floats(Shape{1}, {1})))[0], 0.7, 1e-7); }

TEST(Activation, ReluOfIntegers) {
  EXPECT_THAT(numbers_of(run(Relu{}, make<std::int8_t>(Shape{3}, {-128, 0, 127}))), ElementsAre(0, 0, 127));
  EXPECT_THAT(numbers_of(run(Relu{}, make<std::int64_t>(Shape{2}, {-5, 5}))), ElementsAre(0, 5));
}

TYPED_TEST(NumberActivation, ClipHasBothBoundsOrOneOrNone) {
  const Tensor x = make<TypeParam>(Shape{4}, {0, 3, 5, 100});
  const Tensor two = make<TypeParam>(Shape{}, {2}), six = make<TypeParam>(Shape{1}, {6});
  EXPECT_THAT(numbers_of(run(Clip{}, x, two, six)), ElementsAre(2, 3, 5, 6));
  EXPECT_THAT(numbers_of(run(Clip{}, x, two)), ElementsAre(2, 3, 5, 100));
  EXPECT_THAT(numbers_of(run_all(Clip{}, {&x, nullptr, &six}, 1)[0]), ElementsAre(0, 3, 5, 6));
  EXPECT_THAT(numbers_of(run(Clip{}, x)), ElementsAre(0, 3, 5, 100));
}

TYPED_TEST(NumberActivation, ClipsMaxWinsOverALargerMin) {
  EXPECT_THAT(
      numbers_of(run(Clip{}, make<TypeParam>(Shape{3}, {1, 5, 9}), make<TypeParam>(Shape{}, {7}), make<TypeParam>(Shape{}, {3}))),
      ElementsAre(3, 3, 3));
}

TEST(Activation, ClipRejectsBoundsThatAreNoScalarsOrOfAnotherType) {
  const Tensor x = floats(Shape{2}, {1, 2});
  EXPECT_THAT(error_of([&] { run(Clip{}, x, floats(Shape{2}, {0, 0})); }), HasSubstr("min is 2, expected a scalar"));
  EXPECT_THAT(error_of([&] { run(Clip{}, x, floats(Shape{0}, {})); }), HasSubstr("min has no elements, expected a scalar"));
  EXPECT_THAT(error_of([&] { run(Clip{}, x, make<double>(Shape{}, {0})); }), HasSubstr("is double, expected float"));
}

TEST(Activation, SomeTypesHaveNoSuchOperator) {
  EXPECT_EQ(error_of([] { run(Sigmoid{}, make<std::int32_t>(Shape{1}, {1})); }), "unsupported: cannot be computed in int32");
  EXPECT_EQ(error_of([] { run(HardSigmoid{}, make<std::int8_t>(Shape{1}, {1})); }), "unsupported: cannot be computed in int8");
  EXPECT_EQ(error_of([] { run(Relu{}, Tensor::allocate(DType::boolean, Shape{1})); }), "unsupported: cannot be computed in bool");
}

TEST(Activation, NothingInNothingOut) { EXPECT_EQ(run(Relu{}, floats(Shape{2, 0}, {})).shape(), (Shape{2, 0})); }

}  // namespace
}  // namespace resnet::reference

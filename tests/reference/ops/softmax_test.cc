#include <cmath>

#include "tests/reference/run.h"

namespace resnet::reference {
namespace {

using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename T>
struct FloatSoftmax : ::testing::Test {};
TYPED_TEST_SUITE(FloatSoftmax, Floats);

TYPED_TEST(FloatSoftmax, EqualInputsShareEqually) {
  const Tensor x = make<TypeParam>(Shape{2, 4}, {1, 1, 1, 1, 50000, 50000, 50000, 50000});
  EXPECT_THAT(numbers_of(run(Softmax{}, x)), Each(0.25));
  EXPECT_THAT(numbers_of(run(LogSoftmax{}, x)), Each(DoubleNear(-1.3862943611198906, 8e-3)));
}

TEST(Softmax, KnownValues) {
  const Tensor x = floats(Shape{1, 3}, {0, 1, 2});
  EXPECT_THAT(numbers_of(run(Softmax{}, x)),
              ElementsAre(DoubleNear(0.09003057, 1e-8), DoubleNear(0.24472847, 1e-7), DoubleNear(0.66524096, 1e-7)));
  EXPECT_THAT(numbers_of(run(LogSoftmax{}, x)),
              ElementsAre(DoubleNear(-2.40760596, 1e-6), DoubleNear(-1.40760596, 1e-6), DoubleNear(-0.40760596, 1e-7)));
}

TEST(Softmax, LargeDifferencesNeitherOverflowNorLoseTheLogarithm) {
  const Tensor x = floats(Shape{3}, {-1e4, 0, 1e4});
  EXPECT_THAT(numbers_of(run(Softmax{}, x)), ElementsAre(0, 0, 1));
  EXPECT_THAT(numbers_of(run(LogSoftmax{}, x)), ElementsAre(-2e4, -1e4, 0));
  EXPECT_THAT(numbers_of(run(Softmax{}, floats(Shape{2}, {-infinity, 0}))), ElementsAre(0, 1));
}

TEST(Softmax, AlongAnInnerAxis) {
  // Columns (0, ln 3) and (ln 3, 0).
  const double ln3 = std::log(3.0);
  EXPECT_THAT(numbers_of(run(Softmax{.axis = 0}, make<double>(Shape{2, 2}, {0, ln3, ln3, 0}))),
              ElementsAre(DoubleNear(0.25, 1e-15), DoubleNear(0.75, 1e-15), DoubleNear(0.75, 1e-15), DoubleNear(0.25, 1e-15)));
}

TEST(Softmax, CoercedToTwoDimensionsEverythingBehindTheAxisIsOne) {
  const Tensor x = floats(Shape{2, 2, 2}, std::vector<double>(8, 5));
  EXPECT_THAT(numbers_of(run(Softmax{.axis = 1, .coerce_to_2d = true}, x)), Each(0.25));
  EXPECT_THAT(numbers_of(run(Softmax{.axis = 0, .coerce_to_2d = true}, x)), Each(0.125));
  EXPECT_THAT(numbers_of(run(Softmax{.axis = -1, .coerce_to_2d = true}, x)), Each(0.5));
  EXPECT_THAT(numbers_of(run(Softmax{.axis = 3, .coerce_to_2d = true}, x)), Each(1));
  EXPECT_THAT(numbers_of(run(Softmax{.axis = 1}, x)), Each(0.5));
}

TEST(Softmax, NothingInNothingOut) { EXPECT_EQ(run(Softmax{}, floats(Shape{3, 0}, {})).shape(), (Shape{3, 0})); }

TEST(Softmax, WrongAxesAndTypesAreErrors) {
  EXPECT_THAT(error_of([] { run(Softmax{.axis = 2}, floats(Shape{1, 1}, {1})); }), HasSubstr("axis 2 of a tensor of rank 2"));
  EXPECT_EQ(error_of([] { run(LogSoftmax{}, int64s({1})); }), "unsupported: cannot be computed in int64");
}

}  // namespace
}  // namespace resnet::reference

#include "tests/reference/run.h"

namespace resnet::reference {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename T>
struct FloatBatchNormalization : ::testing::Test {};
TYPED_TEST_SUITE(FloatBatchNormalization, Floats);

TYPED_TEST(FloatBatchNormalization, NormalizesEachChannel) {
  // Standard deviations 2 and 4 with this epsilon.
  const Tensor y = run(BatchNormalization{.epsilon = 1.0f}, make<TypeParam>(Shape{2, 2, 2}, {1, 3, 5, 9, 7, 5, 1, -7}),
                       make<TypeParam>(Shape{2}, {2, 4}), make<TypeParam>(Shape{2}, {10, -1}), make<TypeParam>(Shape{2}, {1, 5}),
                       make<TypeParam>(Shape{2}, {3, 15}));
  EXPECT_THAT(numbers_of(y), ElementsAre(10, 12, -1, 3, 16, 14, -5, -13));
}

TEST(BatchNormalization, ParametersMayBeOfAnotherType) {
  const Tensor y = run(BatchNormalization{.epsilon = 0.0f}, make<Float16>(Shape{1, 1, 2}, {1, 3}), floats(Shape{1}, {2}),
                       floats(Shape{1}, {1}), floats(Shape{1}, {1}), floats(Shape{1}, {4}));
  EXPECT_EQ(y.dtype(), DType::float16);
  EXPECT_THAT(numbers_of(y), ElementsAre(1, 3));
}

TEST(BatchNormalization, AVectorHasOneChannel) {
  const Tensor one = floats(Shape{1}, {1}), zero = floats(Shape{1}, {0});
  EXPECT_THAT(numbers_of(run(BatchNormalization{.epsilon = 3.0f}, floats(Shape{3}, {2, 4, 6}), one, zero, zero, one)),
              ElementsAre(1, 2, 3));
}

TEST(BatchNormalization, StatisticsThatAreAskedForStayWhatTheyAre) {
  const Tensor x = floats(Shape{1, 1}, {4}), scale = floats(Shape{1}, {1}), shift = floats(Shape{1}, {0}),
               mean = floats(Shape{1}, {3}), variance = floats(Shape{1}, {1});
  const auto outputs = run_all(BatchNormalization{.epsilon = 0.0f}, {&x, &scale, &shift, &mean, &variance}, 3);
  EXPECT_THAT(numbers_of(outputs[0]), ElementsAre(1));
  EXPECT_THAT(numbers_of(outputs[1]), ElementsAre(3));
  EXPECT_THAT(numbers_of(outputs[2]), ElementsAre(1));
}

TEST(BatchNormalization, TrainingModeTakesTheBatchsStatistics) {
  const Tensor x = floats(Shape{2, 1}, {1, 3}), scale = floats(Shape{1}, {1}), shift = floats(Shape{1}, {0}),
               mean = floats(Shape{1}, {0}), variance = floats(Shape{1}, {3});
  const auto outputs = run_all(BatchNormalization{.epsilon = 0.0f, .momentum = 0.5f, .training_mode = true},
                               {&x, &scale, &shift, &mean, &variance}, 3);
  EXPECT_THAT(numbers_of(outputs[0]), ElementsAre(-1, 1));
  EXPECT_THAT(numbers_of(outputs[1]), ElementsAre(1));
  EXPECT_THAT(numbers_of(outputs[2]), ElementsAre(2));
}

TEST(BatchNormalization, ParametersOfAnotherLengthAreErrors) {
  const Tensor one = floats(Shape{1}, {1});
  EXPECT_THAT(error_of([&] {
                run(BatchNormalization{}, floats(Shape{1, 2}, {1, 2}), one, one, one, one);
              }),
              HasSubstr("scale is 1, expected 2"));
}

}  // namespace
}  // namespace resnet::reference

#include <cmath>

#include "tests/reference/run.h"

namespace resnet::reference {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename T>
struct NumberReduction : ::testing::Test {};
TYPED_TEST_SUITE(NumberReduction, Numbers);

TYPED_TEST(NumberReduction, ReduceMeanAlongEachAxis) {
  const Tensor x = make<TypeParam>(Shape{2, 2, 2}, {0, 2, 4, 6, 8, 10, 12, 14});
  const auto mean = [&](const std::vector<double>& axes) { return run(ReduceMean{.keepdims = false}, x, int64s(axes)); };
  EXPECT_THAT(numbers_of(mean({0})), ElementsAre(4, 6, 8, 10));
  EXPECT_THAT(numbers_of(mean({1})), ElementsAre(2, 4, 10, 12));
  EXPECT_THAT(numbers_of(mean({-1})), ElementsAre(1, 5, 9, 13));
  EXPECT_THAT(numbers_of(mean({0, 2})), ElementsAre(5, 9));
  EXPECT_EQ(mean({0, 1, 2}).shape(), Shape{});
  EXPECT_THAT(numbers_of(mean({0, 1, 2})), ElementsAre(7));
}

TEST(ReduceMean, WithoutAxesReducesAllOrNothing) {
  const Tensor x = floats(Shape{1, 2}, {1, 4});
  EXPECT_EQ(run(ReduceMean{}, x).shape(), (Shape{1, 1}));
  EXPECT_THAT(numbers_of(run(ReduceMean{}, x)), ElementsAre(2.5));
  EXPECT_THAT(numbers_of(run(ReduceMean{}, x, int64s({}))), ElementsAre(2.5));
  EXPECT_THAT(numbers_of(run(ReduceMean{.noop_with_empty_axes = true}, x)), ElementsAre(1, 4));
}

TEST(ReduceMean, IntegersRoundTowardsZero) {
  EXPECT_THAT(numbers_of(run(ReduceMean{}, make<std::int32_t>(Shape{2}, {-3, 0}))), ElementsAre(-1));
  EXPECT_EQ(run(ReduceMean{}, Tensor::from<std::uint64_t>(Shape{1}, {std::numeric_limits<std::uint64_t>::max()}))
                .data<std::uint64_t>()[0],
            std::numeric_limits<std::uint64_t>::max());
}

TEST(ReduceMean, SumsInDouble) {
  EXPECT_THAT(numbers_of(run(ReduceMean{}, floats(Shape{4}, {16777216, 1, -16777216, 3}))), ElementsAre(1));
}

TEST(ReduceMean, OfNothing) {
  EXPECT_TRUE(std::isnan(numbers_of(run(ReduceMean{}, floats(Shape{0}, {})))[0]));
  EXPECT_THAT(numbers_of(run(ReduceMean{}, make<std::int32_t>(Shape{0}, {}))), ElementsAre(0));
}

TEST(ReduceMean, AnAxisOutOfRangeIsAnError) {
  EXPECT_THAT(error_of([] {
                run(ReduceMean{}, floats(Shape{1, 1}, {1}), int64s({2}));
              }),
              HasSubstr("axis 2 of a tensor of rank 2"));
}

TYPED_TEST(NumberReduction, ArgMaxAlongEachAxis) {
  const Tensor x = make<TypeParam>(Shape{2, 3}, {1, 9, 3, 7, 2, 7});
  EXPECT_THAT(numbers_of(run(ArgMax{.axis = 0}, x)), ElementsAre(1, 0, 1));
  const Tensor columns = run(ArgMax{.axis = -1, .keepdims = false}, x);
  EXPECT_EQ(columns.dtype(), DType::int64);
  EXPECT_EQ(columns.shape(), Shape{2});
  EXPECT_THAT(numbers_of(columns), ElementsAre(1, 0));
  EXPECT_THAT(numbers_of(run(ArgMax{.axis = 1, .select_last_index = true}, x)), ElementsAre(1, 2));
}

TEST(ArgMax, NanIsAboveAllNumbers) {
  const Tensor x = floats(Shape{5}, {1, nan, infinity, nan, 2});
  EXPECT_THAT(numbers_of(run(ArgMax{}, x)), ElementsAre(1));
  EXPECT_THAT(numbers_of(run(ArgMax{.select_last_index = true}, x)), ElementsAre(3));
}

TEST(ArgMax, OfNothingIsAnError) {
  EXPECT_THAT(error_of([] { run(ArgMax{}, floats(Shape{0, 2}, {})); }), HasSubstr("axis 0 has no elements to choose from"));
}

}  // namespace
}  // namespace resnet::reference

#include <numeric>

#include "tests/reference/run.h"

namespace resnet::reference {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Elements move whatever they are; bool is checked on its own.
template <typename T>
struct Movement : ::testing::Test {};
TYPED_TEST_SUITE(Movement, Numbers);

Tensor counting(Shape shape) {
  std::vector<double> numbers(static_cast<std::size_t>(shape.elements()));
  std::iota(numbers.begin(), numbers.end(), 0);
  return floats(std::move(shape), numbers);
}

TYPED_TEST(Movement, Transpose) {
  const Tensor x = make<TypeParam>(Shape{2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor y = run(Transpose{}, x);
  EXPECT_EQ(y.dtype(), dtype_of<TypeParam>());
  EXPECT_EQ(y.shape(), (Shape{3, 2}));
  EXPECT_THAT(numbers_of(y), ElementsAre(1, 4, 2, 5, 3, 6));
}

TEST(Transpose, EveryPermutationOfFourAxes) {
  const std::vector<std::int64_t> dims = {2, 3, 4, 5};
  const Tensor x = counting(Shape(dims));
  std::vector<std::int64_t> perm = {0, 1, 2, 3};
  do {
    const Tensor y = run(Transpose{.perm = perm}, x);
    std::size_t i = 0;
    std::vector<std::int64_t> at(4);
    for (std::int64_t a = 0; a < y.shape()[0]; ++a) {
      for (std::int64_t b = 0; b < y.shape()[1]; ++b) {
        for (std::int64_t c = 0; c < y.shape()[2]; ++c) {
          for (std::int64_t d = 0; d < y.shape()[3]; ++d, ++i) {
            const std::int64_t index[] = {a, b, c, d};
            for (std::size_t axis = 0; axis < 4; ++axis) at[static_cast<std::size_t>(perm[axis])] = index[axis];
            ASSERT_EQ(y.data<float>()[i], static_cast<float>(((at[0] * 3 + at[1]) * 4 + at[2]) * 5 + at[3]));
          }
        }
      }
    }
  } while (std::next_permutation(perm.begin(), perm.end()));
}

TEST(Transpose, BoolsAndScalars) {
  const Tensor x = Tensor::from<bool>(Shape{1, 2}, {true, false});
  EXPECT_EQ(run(Transpose{}, x), Tensor::from<bool>(Shape{2, 1}, {true, false}));
  EXPECT_THAT(numbers_of(run(Transpose{}, floats(Shape{}, {3}))), ElementsAre(3));
}

TYPED_TEST(Movement, Concat) {
  const Tensor a = make<TypeParam>(Shape{2, 1}, {1, 2}), b = make<TypeParam>(Shape{2, 2}, {3, 4, 5, 6}),
               none = make<TypeParam>(Shape{2, 0}, {});
  EXPECT_THAT(numbers_of(run(Concat{.axis = 1}, a, none, b)), ElementsAre(1, 3, 4, 2, 5, 6));
  EXPECT_THAT(numbers_of(run(Concat{.axis = -2}, b, b)), ElementsAre(3, 4, 5, 6, 3, 4, 5, 6));
}

TEST(Concat, ShapesThatDoNotFitAreErrors) {
  EXPECT_THAT(error_of([] {
                run(Concat{.axis = 0}, counting(Shape{1, 2}), counting(Shape{1, 3}));
              }),
              HasSubstr("cannot concatenate 1x2 and 1x3"));
}

TYPED_TEST(Movement, Slice) {
  const Tensor x = make<TypeParam>(Shape{2, 4}, {1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_THAT(numbers_of(run(Slice{}, x, int64s({1, 0}), int64s({2, 3}), int64s({0, 1}), int64s({1, 2}))), ElementsAre(5, 7));
  EXPECT_THAT(numbers_of(run(Slice{}, x, int64s({0, 1}), int64s({-1, 1000}))), ElementsAre(2, 3, 4));
}

TEST(Slice, BackwardsAndBeyondTheEnds) {
  const Tensor x = counting(Shape{5});
  const double least = -9e18, most = 9e18;
  EXPECT_THAT(numbers_of(run(Slice{}, x, int64s({-1}), int64s({least}), int64s({0}), int64s({-2}))), ElementsAre(4, 2, 0));
  EXPECT_THAT(numbers_of(run(Slice{}, x, int64s({20}), int64s({0}), int64s({0}), int64s({-1}))), ElementsAre(4, 3, 2, 1));
  EXPECT_THAT(numbers_of(run(Slice{}, x, int64s({1}), int64s({5}), int64s({0}), int64s({most}))), ElementsAre(1));
  EXPECT_THAT(numbers_of(run(Slice{}, x, int64s({3}), int64s({0}), int64s({0}), int64s({least}))), ElementsAre(3));
  EXPECT_EQ(run(Slice{}, x, int64s({3}), int64s({2})).shape(), Shape{0});
  EXPECT_EQ(run(Slice{}, x, int64s({10}), int64s({20})).shape(), Shape{0});
}

TEST(Slice, IndicesMayBeInt32) {
  const auto indices = [](double i) { return make<std::int32_t>(Shape{1}, {i}); };
  EXPECT_THAT(numbers_of(run(Slice{}, counting(Shape{4}), indices(1), indices(3))), ElementsAre(1, 2));
}

TEST(Slice, WrongListsAreErrors) {
  EXPECT_THAT(error_of([] { run(Slice{}, counting(Shape{4}), int64s({0}), int64s({1}), int64s({0}), int64s({0})); }),
              HasSubstr("a step is 0"));
  EXPECT_THAT(error_of([] {
                run(Slice{}, counting(Shape{4}), int64s({0, 0}), int64s({1}));
              }),
              HasSubstr("2, 1, 0 and 0 entries"));
  EXPECT_THAT(error_of([] { run(Slice{}, counting(Shape{4}), int64s({0}), int64s({1}), int64s({1})); }), HasSubstr("axis 1"));
}

TYPED_TEST(Movement, PadWithAConstant) {
  const Tensor x = make<TypeParam>(Shape{2, 2}, {1, 2, 3, 4});
  EXPECT_THAT(numbers_of(run(Pad{}, x, int64s({0, 1, 1, 0}), make<TypeParam>(Shape{}, {9}))),
              ElementsAre(9, 1, 2, 9, 3, 4, 9, 9, 9));
  EXPECT_THAT(numbers_of(run(Pad{}, x, int64s({1, 0, 0, 0}))), ElementsAre(0, 0, 1, 2, 3, 4));
}

TEST(Pad, TheOtherModes) {
  const Tensor x = counting(Shape{4});
  const auto padded = [&](Pad::Mode mode, double begin, double end) {
    return numbers_of(run(Pad{.mode = mode}, x, int64s({begin, end})));
  };
  EXPECT_THAT(padded(Pad::Mode::reflect, 3, 2), ElementsAre(3, 2, 1, 0, 1, 2, 3, 2, 1));
  EXPECT_THAT(padded(Pad::Mode::edge, 2, 3), ElementsAre(0, 0, 0, 1, 2, 3, 3, 3, 3));
  EXPECT_THAT(padded(Pad::Mode::wrap, 5, 2), ElementsAre(3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1));
}

TEST(Pad, ModesMixAlongTwoAxes) {
  const Tensor x = counting(Shape{2, 3});
  EXPECT_THAT(numbers_of(run(Pad{.mode = Pad::Mode::reflect}, x, int64s({1, 1, 0, 0}))),
              ElementsAre(4, 3, 4, 5, 1, 0, 1, 2, 4, 3, 4, 5));
}

TEST(Pad, NegativePadsCrop) {
  const Tensor x = counting(Shape{2, 3});
  EXPECT_THAT(numbers_of(run(Pad{}, x, int64s({0, -1, -1, 1}), floats(Shape{}, {7}))), ElementsAre(1, 2, 7));
  EXPECT_THAT(numbers_of(run(Pad{.mode = Pad::Mode::edge}, x, int64s({-1, 1, 0, -2}))), ElementsAre(3, 3));
  EXPECT_EQ(run(Pad{}, x, int64s({-1, 0, -1, 0})).shape(), (Shape{0, 3}));
}

TEST(Pad, OnlyTheAxesThatAreNamed) {
  EXPECT_THAT(numbers_of(run_all(Pad{},
                                 {&static_cast<const Tensor&>(counting(Shape{2, 1})), &static_cast<const Tensor&>(int64s({1, 0})),
                                  nullptr, &static_cast<const Tensor&>(int64s({-1}))},
                                 1)[0]),
              ElementsAre(0, 0, 0, 1));
}

TEST(Pad, AScalarAndNothing) {
  EXPECT_THAT(numbers_of(run(Pad{}, floats(Shape{}, {5}), int64s({}))), ElementsAre(5));
  EXPECT_THAT(numbers_of(run(Pad{}, floats(Shape{0}, {}), int64s({1, 1}), floats(Shape{}, {2}))), ElementsAre(2, 2));
}

TEST(Pad, WrongPadsAreErrors) {
  EXPECT_THAT(error_of([] { run(Pad{}, counting(Shape{2}), int64s({1})); }), HasSubstr("pads has 1 entries, expected 2"));
  EXPECT_THAT(error_of([] {
                run(Pad{.mode = Pad::Mode::reflect}, counting(Shape{2}), int64s({2, 0}));
              }),
              HasSubstr("reflects 2 elements"));
}

TYPED_TEST(Movement, Gather) {
  const Tensor x = make<TypeParam>(Shape{2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor rows = run(Gather{}, x, int64s({1, -2}));
  EXPECT_THAT(numbers_of(rows), ElementsAre(4, 5, 6, 1, 2, 3));
  const Tensor columns = run(Gather{.axis = 1}, x, make<std::int32_t>(Shape{1, 2}, {2, 0}));
  EXPECT_EQ(columns.shape(), (Shape{2, 1, 2}));
  EXPECT_THAT(numbers_of(columns), ElementsAre(3, 1, 6, 4));
  const Tensor column = run(Gather{.axis = -1}, x, make<std::int64_t>(Shape{}, {-1}));
  EXPECT_EQ(column.shape(), Shape{2});
  EXPECT_THAT(numbers_of(column), ElementsAre(3, 6));
}

TEST(Gather, AnIndexOutOfRangeIsAnError) {
  EXPECT_EQ(error_of([] {
              run(Gather{.axis = 1}, counting(Shape{2, 3}), int64s({0, 3}));
            }),
            "malformed: index 3 is out of range for axis 1 of 2x3");
  EXPECT_EQ(error_of([] {
              run(Gather{}, counting(Shape{2, 3}), int64s({-3}));
            }),
            "malformed: index -3 is out of range for axis 0 of 2x3");
  // Also where there is nothing to copy.
  EXPECT_THAT(error_of([] { run(Gather{}, counting(Shape{0, 3}), int64s({0})); }), HasSubstr("index 0 is out of range"));
}

TYPED_TEST(Movement, ExpandBroadcastsBothWays) {
  const Tensor x = make<TypeParam>(Shape{2, 1}, {1, 2});
  EXPECT_THAT(numbers_of(run(Expand{}, x, int64s({1, 3}))), ElementsAre(1, 1, 1, 2, 2, 2));
  const Tensor stacked = run(Expand{}, x, int64s({2, 1, 1}));
  EXPECT_EQ(stacked.shape(), (Shape{2, 2, 1}));
  EXPECT_THAT(numbers_of(stacked), ElementsAre(1, 2, 1, 2));
}

TEST(Expand, ToNothingAndToWhatDoesNotFit) {
  EXPECT_EQ(run(Expand{}, counting(Shape{1}), int64s({0, 4})).shape(), (Shape{0, 4}));
  EXPECT_THAT(error_of([] { run(Expand{}, counting(Shape{2}), int64s({3})); }), HasSubstr("cannot broadcast 2 with 3"));
}

TEST(Movement, OfNothingTakesNoTime) {
  const std::int64_t many = std::int64_t{1} << 40;
  const Tensor x = Tensor::allocate(DType::float32, Shape{many, 0});
  EXPECT_EQ(run(Concat{.axis = 1}, x, x).shape(), (Shape{many, 0}));
  EXPECT_EQ(run(Gather{.axis = 1}, x, int64s({})).shape(), (Shape{many, 0}));
  EXPECT_EQ(run(Transpose{}, x).shape(), (Shape{0, many}));
  EXPECT_EQ(run(Pad{}, x, int64s({1, 0, 0, 0})).shape(), (Shape{many + 1, 0}));
  EXPECT_EQ(run(Slice{}, x, int64s({1}), int64s({many})).shape(), (Shape{many - 1, 0}));
}

}  // namespace
}  // namespace resnet::reference

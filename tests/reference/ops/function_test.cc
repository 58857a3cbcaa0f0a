#include <cmath>

#include "tests/reference/run.h"

namespace resnet::reference {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

double at(const Op& op, double x) { return numbers_of(run(op, make<double>(Shape{1}, {x})))[0]; }

TEST(Functions, AreTheirFormulas) {
  EXPECT_NEAR(at(LeakyRelu{}, -2), -0.02, 1e-8);
  EXPECT_EQ(at(LeakyRelu{}, 3), 3);
  EXPECT_EQ(at(ThresholdedRelu{}, 1), 0);
  EXPECT_DOUBLE_EQ(at(HardSwish{}, 1), 4.0 / 6);
  EXPECT_EQ(at(HardSwish{}, -4), 0);
  EXPECT_DOUBLE_EQ(at(Elu{.alpha = 2}, -1), 2 * std::expm1(-1.0));
  EXPECT_DOUBLE_EQ(at(Celu{.alpha = 2}, -1), 2 * std::expm1(-0.5));
  EXPECT_DOUBLE_EQ(at(Softplus{}, 0), std::log(2.0));
  EXPECT_DOUBLE_EQ(at(Swish{.alpha = 2}, 1), 1 / (1 + std::exp(-2.0)));
  EXPECT_NEAR(at(Gelu{}, 1), 0.8413447460685429, 1e-12);
  EXPECT_NEAR(at(Gelu{Gelu::Approximate::tanh}, 1), 0.8411919906082768, 1e-12);
  EXPECT_NEAR(at(Mish{}, 1), 0.8650983882673103, 1e-12);
  EXPECT_EQ(at(Round{}, 2.5), 2);
}

TEST(Functions, DoNotOverflow) {
  EXPECT_EQ(at(Softplus{}, 1000), 1000);
  EXPECT_EQ(at(Softplus{}, -1000), 0);
  EXPECT_EQ(at(Mish{}, 1000), 1000);
  EXPECT_EQ(at(Mish{}, -infinity), 0);
  EXPECT_EQ(at(Swish{}, -infinity), 0);
  EXPECT_TRUE(std::isnan(at(Mish{}, nan)));
}

TEST(Functions, AbsNegAndSignKnowIntegers) {
  const Tensor x = make<std::int64_t>(Shape{3}, {-5, 0, 7});
  EXPECT_THAT(numbers_of(run(Abs{}, x)), ElementsAre(5, 0, 7));
  EXPECT_THAT(numbers_of(run(Neg{}, x)), ElementsAre(5, 0, -7));
  EXPECT_THAT(numbers_of(run(Sign{}, x)), ElementsAre(-1, 0, 1));
  EXPECT_THAT(error_of([&] { run(Exp{}, x); }), HasSubstr("cannot be computed in int64"));
}

TEST(Arithmetic, PowersOfIntegersAreExact) {
  EXPECT_THAT(numbers_of(run(Pow{}, int64s({3, -2}), int64s({39, 3}))), ElementsAre(4052555153018976267.0, -8));
  EXPECT_THAT(numbers_of(run(Pow{}, floats(Shape{2}, {4, 9}), floats(Shape{}, {0.5}))), ElementsAre(2, 3));
}

TEST(Arithmetic, TheRemainderHasTheDivisorsSignUnlessFmod) {
  EXPECT_THAT(numbers_of(run(Mod{}, int64s({-7, 7}), int64s({3, -3}))), ElementsAre(2, -2));
  EXPECT_THAT(numbers_of(run(Mod{.fmod = true}, int64s({-7, 7}), int64s({3, -3}))), ElementsAre(-1, 1));
}

TEST(Movement, SplitsIntoPartsOfWhichTheLastIsSmaller) {
  const Tensor x = floats(Shape{5}, {1, 2, 3, 4, 5});
  const auto parts = run_all(Split{.num_outputs = 2}, {&x}, 2);
  EXPECT_THAT(numbers_of(parts[0]), ElementsAre(1, 2, 3));
  EXPECT_THAT(numbers_of(parts[1]), ElementsAre(4, 5));
}

TEST(Choice, OfEqualValuesTheLowerIndexComesFirst) {
  const Tensor x = floats(Shape{4}, {1, 3, 3, 2}), k = int64s({3});
  const auto both = run_all(TopK{}, {&x, &k}, 2);
  EXPECT_THAT(numbers_of(both[0]), ElementsAre(3, 3, 2));
  EXPECT_THAT(numbers_of(both[1]), ElementsAre(1, 2, 3));
}

TEST(Choice, EinsumSumsOverWhatTheOutputHasNot) {
  const Tensor a = floats(Shape{2, 2}, {1, 2, 3, 4}), b = floats(Shape{2, 2}, {5, 6, 7, 8});
  EXPECT_THAT(numbers_of(run(Einsum{"ij,jk->ik"}, a, b)), ElementsAre(19, 22, 43, 50));
  EXPECT_THAT(numbers_of(run(Einsum{"ii->i"}, a)), ElementsAre(1, 4));
  EXPECT_THAT(error_of([&] { run(Einsum{"ij->k"}, a); }), HasSubstr("the output's 'k' is in no input"));
}

TEST(Choice, SizesThatDoNotFitIntoMemoryAreErrors) {
  const Tensor one = floats(Shape{1}, {1}), many = int64s({4e18});
  EXPECT_THROW(run(Tile{}, one, many), Error);
}

}  // namespace
}  // namespace resnet::reference

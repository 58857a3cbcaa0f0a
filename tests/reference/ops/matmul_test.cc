#include "tests/reference/run.h"

namespace resnet::reference {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename T>
struct NumberProduct : ::testing::Test {};
TYPED_TEST_SUITE(NumberProduct, Numbers);

template <typename T>
struct IntegerProduct : ::testing::Test {};
TYPED_TEST_SUITE(IntegerProduct, Integers);

TYPED_TEST(NumberProduct, GemmMultipliesAndAdds) {
  const Tensor a = make<TypeParam>(Shape{2, 3}, {1, 2, 3, 4, 5, 6}), b = make<TypeParam>(Shape{3, 2}, {1, 0, 2, 1, 0, 3});
  EXPECT_THAT(numbers_of(run(Gemm{}, a, b)), ElementsAre(5, 11, 14, 23));
  EXPECT_THAT(numbers_of(run(Gemm{}, a, b, make<TypeParam>(Shape{2}, {1, 2}))), ElementsAre(6, 13, 15, 25));
  EXPECT_THAT(numbers_of(run(Gemm{}, a, b, make<TypeParam>(Shape{2, 1}, {1, 2}))), ElementsAre(6, 12, 16, 25));
  EXPECT_THAT(numbers_of(run(Gemm{}, a, b, make<TypeParam>(Shape{}, {3}))), ElementsAre(8, 14, 17, 26));
  EXPECT_THAT(numbers_of(run(Gemm{.alpha = 2.0f, .beta = 3.0f}, a, b, make<TypeParam>(Shape{2, 2}, {1, 2, 3, 4}))),
              ElementsAre(13, 28, 37, 58));
}

TYPED_TEST(NumberProduct, GemmTransposes) {
  const Tensor a = make<TypeParam>(Shape{3, 2}, {1, 4, 2, 5, 3, 6}), b = make<TypeParam>(Shape{2, 3}, {1, 2, 0, 0, 1, 3});
  EXPECT_THAT(numbers_of(run(Gemm{.transA = true, .transB = true}, a, b)), ElementsAre(5, 11, 14, 23));
}

TYPED_TEST(IntegerProduct, GemmScalesTowardsZero) {
  // 3 * 0.5 and 5 * 0.5, each rounded on its own.
  EXPECT_THAT(numbers_of(run(Gemm{.alpha = 0.5f, .beta = 0.5f}, make<TypeParam>(Shape{1, 1}, {3}),
                             make<TypeParam>(Shape{1, 1}, {1}), make<TypeParam>(Shape{1}, {5}))),
              ElementsAre(3));
}

TYPED_TEST(IntegerProduct, WrapsAround) {
  using Limits = std::numeric_limits<TypeParam>;
  const TypeParam most = Limits::max();
  const Tensor a = Tensor::from<TypeParam>(Shape{1, 2}, {most, TypeParam{1}});
  const Tensor b = Tensor::from<TypeParam>(Shape{2, 1}, {TypeParam{1}, TypeParam{1}});
  EXPECT_EQ(run(MatMul{}, a, b).template data<TypeParam>()[0], Limits::min());
  EXPECT_EQ(run(Gemm{}, a, b).template data<TypeParam>()[0], Limits::min());
}

TEST(Gemm, ScaledIntegersOutOfRangeAreNoTrap) {
  const Tensor one = make<std::int64_t>(Shape{1, 1}, {1});
  EXPECT_EQ(run(Gemm{.alpha = -1e30f}, one, one).data<std::int64_t>()[0], std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(run(Gemm{.alpha = -2.0f}, make<std::int32_t>(Shape{1, 1}, {-3}), make<std::int32_t>(Shape{1, 1}, {5}))
                .data<std::int32_t>()[0],
            30);
}

TEST(Gemm, SumsInDouble) {
  EXPECT_THAT(numbers_of(run(Gemm{}, floats(Shape{1, 3}, {16777216, 1, -16777216}), floats(Shape{3, 1}, {1, 1, 1}))),
              ElementsAre(1));
}

TEST(Gemm, WithoutInnerElementsOnlyCIsLeft) {
  EXPECT_THAT(numbers_of(run(Gemm{}, floats(Shape{2, 0}, {}), floats(Shape{0, 1}, {}), floats(Shape{1}, {4}))),
              ElementsAre(4, 4));
}

TEST(Gemm, MatricesThatDoNotFitAreErrors) {
  EXPECT_THAT(error_of([] {
                run(Gemm{}, floats(Shape{1, 2}, {1, 2}), floats(Shape{3, 1}, {1, 2, 3}));
              }),
              HasSubstr("cannot multiply 1x2 by 3x1"));
  EXPECT_THAT(error_of([] {
                run(Gemm{}, floats(Shape{1, 1}, {1}), floats(Shape{1, 1}, {1}), floats(Shape{2}, {1, 2}));
              }),
              HasSubstr("C is 2, expected to broadcast to 1x1"));
}

// Larger than one block, each way round, against the sum over the inner index.
TEST(Gemm, MatchesTheDefinitionOnRandomSizes) {
  SmallNumbers random(5);
  for (int round = 0; round < 60; ++round) {
    const std::int64_t m = random.between(1, 9), n = random.between(1, 300), k = random.between(1, 300);
    const Gemm gemm{.transA = round % 2 != 0, .transB = round % 4 >= 2};
    const auto a = random.several(m * k), b = random.several(k * n);
    const Tensor y =
        run(gemm, floats(gemm.transA ? Shape{k, m} : Shape{m, k}, a), floats(gemm.transB ? Shape{n, k} : Shape{k, n}, b));
    ASSERT_EQ(y.shape(), (Shape{m, n}));
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t j = 0; j < n; ++j) {
        double sum = 0;
        for (std::int64_t p = 0; p < k; ++p) {
          sum += a[static_cast<std::size_t>(gemm.transA ? p * m + i : i * k + p)] *
                 b[static_cast<std::size_t>(gemm.transB ? j * k + p : p * n + j)];
        }
        ASSERT_EQ(static_cast<double>(y.data<float>()[static_cast<std::size_t>(i * n + j)]), sum) << "round " << round;
      }
    }
  }
}

TYPED_TEST(NumberProduct, MatMulOfVectors) {
  const Tensor u = make<TypeParam>(Shape{2}, {1, 2}), v = make<TypeParam>(Shape{2}, {3, 4});
  const Tensor m = make<TypeParam>(Shape{2, 2}, {1, 2, 3, 4});
  const Tensor dot = run(MatMul{}, u, v), row = run(MatMul{}, u, m), column = run(MatMul{}, m, v);
  EXPECT_EQ(dot.shape(), Shape{});
  EXPECT_THAT(numbers_of(dot), ElementsAre(11));
  EXPECT_EQ(row.shape(), Shape{2});
  EXPECT_THAT(numbers_of(row), ElementsAre(7, 10));
  EXPECT_EQ(column.shape(), Shape{2});
  EXPECT_THAT(numbers_of(column), ElementsAre(11, 25));
}

TEST(MatMul, StacksOfMatricesBroadcast) {
  // (2, 1, 1, 2) times (3, 2, 1): each of two rows with each of three columns.
  const Tensor y = run(MatMul{}, floats(Shape{2, 1, 1, 2}, {1, 0, 1, 1}), floats(Shape{3, 2, 1}, {1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(y.shape(), (Shape{2, 3, 1, 1}));
  EXPECT_THAT(numbers_of(y), ElementsAre(1, 3, 5, 3, 7, 11));
}

TEST(MatMul, AVectorBesideAStack) {
  const Tensor stack = floats(Shape{2, 1, 2}, {1, 2, 3, 4}), v = floats(Shape{2}, {1, 1});
  const Tensor right = run(MatMul{}, stack, v);
  EXPECT_EQ(right.shape(), (Shape{2, 1}));
  EXPECT_THAT(numbers_of(right), ElementsAre(3, 7));
  const Tensor left = run(MatMul{}, floats(Shape{1}, {2}), stack);
  EXPECT_EQ(left.shape(), (Shape{2, 2}));
  EXPECT_THAT(numbers_of(left), ElementsAre(2, 4, 6, 8));
}

TEST(MatMul, SumsOverNothingAreZero) {
  EXPECT_THAT(numbers_of(run(MatMul{}, floats(Shape{1, 0}, {}), floats(Shape{0, 2}, {}))), ElementsAre(0, 0));
  EXPECT_EQ(run(MatMul{}, floats(Shape{1000000, 0, 1}, {}), floats(Shape{1, 2}, {1, 2})).shape(), (Shape{1000000, 0, 2}));
}

TEST(MatMul, BoolsAreUnsupported) {
  const Tensor x = Tensor::allocate(DType::boolean, Shape{1, 1});
  EXPECT_EQ(error_of([&] { run(MatMul{}, x, x); }), "unsupported: cannot be computed in bool");
}

}  // namespace
}  // namespace resnet::reference

#include "lib/measure/compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "lib/arch/build.h"
#include "lib/arch/spec.h"

namespace resnet {
namespace {

template <typename T>
Tensor row_of(const std::vector<float>& values) {
  Tensor tensor = Tensor::allocate(dtype_of<T>(), Shape{1, static_cast<std::int64_t>(values.size())});
  for (std::size_t i = 0; i < values.size(); ++i) tensor.mutable_data<T>()[i] = T(values[i]);
  return tensor;
}

constexpr Tolerance exact{0, 0};

TEST(LastPlace, IsThatOfTheType) {
  EXPECT_EQ(last_place(DType::float16, 1), std::ldexp(1.0, -10));
  EXPECT_EQ(last_place(DType::float16, -9.6), std::ldexp(1.0, -7));
  EXPECT_EQ(last_place(DType::float16, 0), std::ldexp(1.0, -24));  // subnormal
  EXPECT_EQ(last_place(DType::bfloat16, 1.5), std::ldexp(1.0, -7));
  EXPECT_EQ(last_place(DType::float32, 1), 0);
  EXPECT_EQ(last_place(DType::int64, 1), 0);
  EXPECT_EQ(last_place(DType::float16, std::numeric_limits<double>::infinity()), 0);
}

TEST(DifferenceOf, OneUnitInTheLastPlaceOfFloat16IsNone) {
  const float unit = std::ldexp(1.0f, -10);
  const Tensor b = row_of<Float16>({1, 0.25});
  EXPECT_EQ(difference_of(row_of<Float16>({1 + unit, 0.25}), b, exact).outside, 0);
  EXPECT_EQ(difference_of(row_of<Float16>({1 + 2 * unit, 0.25}), b, exact).outside, 1);
  // Of the largest number: a small sum of large parts is rounded as these were.
  EXPECT_EQ(difference_of(row_of<Float16>({1, 0.25f + unit}), b, exact).outside, 0);
  // The coarser type counts, whichever it is; floats have no such grace.
  EXPECT_EQ(difference_of(row_of<float>({1 + unit, 0.25}), b, exact).outside, 0);
  EXPECT_EQ(difference_of(b, row_of<float>({1 + unit, 0.25}), exact).outside, 0);
  EXPECT_EQ(difference_of(row_of<float>({1 + unit, 0.25}), row_of<float>({1, 0.25}), exact).outside, 1);
  EXPECT_EQ(difference_of(row_of<BFloat16>({1 + 8 * unit, 0.25}), row_of<BFloat16>({1, 0.25}), exact).outside, 0);
}

TEST(DifferenceOf, AShareOfTheLargest) {
  const Tensor a = row_of<float>({100, 0.5}), b = row_of<float>({100, 0});
  EXPECT_EQ(difference_of(a, b, {0, 0, 0.004}).outside, 1);
  EXPECT_EQ(difference_of(a, b, {0, 0, 0.005}).outside, 0);
}

TEST(DifferenceOf, HowMuchStrongerTheSignalIs) {
  const Tensor b = row_of<float>({3, 4});
  EXPECT_NEAR(difference_of(row_of<float>({3, 4.5}), b, exact).decibels, 20, 1e-9);  // 25 to 0.25
  EXPECT_EQ(difference_of(b, b, exact).decibels, std::numeric_limits<double>::infinity());
  EXPECT_EQ(difference_of(b, row_of<float>({0, 0}), exact).decibels, 0);
}

TEST(CoarsestType, IsWhatIsComputedInNotWhatIsStored) {
  EXPECT_EQ(coarsest_type(arch::build(*arch::find_spec("resnet8"), {})), DType::float32);
  Graph graph;
  const ValueId x = graph.add_input("x", Fact::of(DType::float16, Dims{1, 3}));
  graph.set_outputs({graph.append(Relu{}, {x}, "relu", {"y"})});
  EXPECT_EQ(coarsest_type(graph), DType::float16);
}

}  // namespace
}  // namespace resnet

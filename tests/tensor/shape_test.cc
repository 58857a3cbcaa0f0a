#include "lib/tensor/shape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/error.h"

namespace resnet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string error_of(std::vector<std::int64_t> dims) {
  try {
    const Shape shape(std::move(dims));
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::malformed);
    return error.what();
  }
  return "no error";
}

TEST(Shape, CountsItsElements) {
  EXPECT_EQ(Shape({8, 3, 224, 224}).elements(), 1'204'224);
  EXPECT_EQ(Shape({5}).elements(), 5);
  EXPECT_EQ(Shape({4, 0, 7}).elements(), 0);
}

TEST(Shape, OfAScalarIsOneElement) {
  EXPECT_EQ(Shape().elements(), 1);
  EXPECT_EQ(Shape().rank(), 0u);
  EXPECT_THAT(Shape().strides(), IsEmpty());
  EXPECT_EQ(Shape().to_string(), "scalar");
}

TEST(Shape, GivesDimsAndRowMajorStrides) {
  const Shape shape{2, 3, 4};
  EXPECT_EQ(shape.rank(), 3u);
  EXPECT_EQ(shape[1], 3);
  EXPECT_THAT(shape.dims(), ElementsAre(2, 3, 4));
  EXPECT_THAT(shape.strides(), ElementsAre(12, 4, 1));
  EXPECT_EQ(shape.to_string(), "2x3x4");
}

TEST(Shape, ComparesByDims) {
  EXPECT_EQ(Shape({2, 3}), Shape(std::vector<std::int64_t>{2, 3}));
  EXPECT_NE(Shape({2, 3}), Shape({3, 2}));
  EXPECT_NE(Shape({6}), Shape({2, 3}));
  EXPECT_NE(Shape(), Shape({1}));
}

TEST(Shape, RefusesANegativeDimension) {
  EXPECT_EQ(error_of({3, -1, 2}), "negative dimension -1 in shape 3x-1x2");
  EXPECT_EQ(error_of({0, -5}), "negative dimension -5 in shape 0x-5");
}

TEST(Shape, ManyDimsAreCutInWords) {
  EXPECT_EQ(Shape(std::vector<std::int64_t>(4000, 1)).to_string(), "1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x... (4000 dims)");
}

TEST(Shape, RefusesMoreElementsThanFit) {
  EXPECT_EQ(Shape({std::int64_t{1} << 31, std::int64_t{1} << 31}).elements(), std::int64_t{1} << 62);
  EXPECT_EQ(error_of({std::int64_t{1} << 32, std::int64_t{1} << 31}),
            "shape 4294967296x2147483648 has more elements than fit into 64 bits");
  // Nor where a zero makes it empty: its strides would not fit.
  EXPECT_EQ(error_of({0, std::int64_t{1} << 62, 4}), "shape 0x4611686018427387904x4 has more elements than fit into 64 bits");
}

}  // namespace
}  // namespace resnet

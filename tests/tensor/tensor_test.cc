#include "lib/tensor/tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <functional>
#include <string>

#include "lib/base/error.h"

namespace resnet {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::malformed);
    return error.what();
  }
  return "no error";
}

TEST(Tensor, IsEmptyByDefault) {
  const Tensor tensor;
  EXPECT_EQ(tensor.dtype(), DType::float32);
  EXPECT_EQ(tensor.shape(), Shape{0});
  EXPECT_EQ(tensor.size_bytes(), 0u);
}

TEST(Tensor, IsAllocatedZeroed) {
  const Tensor tensor = Tensor::allocate(DType::float32, Shape{2, 3});
  EXPECT_EQ(tensor.size_bytes(), 24u);
  EXPECT_EQ(tensor.data<float>().size(), 6u);
  EXPECT_THAT(tensor.data<float>(), Each(0.0f));
}

TEST(Tensor, HoldsValues) {
  const Tensor tensor = Tensor::from<std::int64_t>(Shape{3}, {1, -2, 3});
  EXPECT_EQ(tensor.dtype(), DType::int64);
  EXPECT_EQ(tensor.elements(), 3);
  EXPECT_THAT(tensor.data<std::int64_t>(), ElementsAre(1, -2, 3));
  const Tensor scalar = Tensor::scalar(0.5f);
  EXPECT_EQ(scalar.shape(), Shape());
  EXPECT_THAT(scalar.data<float>(), ElementsAre(0.5f));
}

TEST(Tensor, SharesItsBytesWithItsCopiesAndReshapes) {
  Tensor tensor = Tensor::allocate(DType::int32, Shape{2, 3});
  const Tensor copy = tensor;
  const Tensor flat = tensor.reshaped(Shape{6});
  tensor.mutable_data<std::int32_t>()[5] = 42;
  EXPECT_EQ(copy.data<std::int32_t>()[5], 42);
  EXPECT_EQ(flat.data<std::int32_t>()[5], 42);
  EXPECT_EQ(flat.shape(), Shape{6});
  EXPECT_EQ(copy.buffer(), tensor.buffer());
}

TEST(Tensor, LiesOverMemoryOfAnother) {
  std::array<float, 4> memory = {1, 2, 3, 4};
  Tensor tensor = Tensor::over(DType::float32, Shape{2, 2}, std::as_writable_bytes(std::span(memory)));
  EXPECT_THAT(tensor.data<float>(), ElementsAre(1, 2, 3, 4));
  tensor.mutable_data<float>()[0] = 9;
  EXPECT_EQ(memory[0], 9);
}

TEST(Tensor, TakesOnlyItsPartOfALargerBuffer) {
  const Tensor tensor(DType::int16, Shape{3}, Buffer::allocate(100));
  EXPECT_EQ(tensor.bytes().size(), 6u);
}

TEST(Tensor, RefusesABufferThatIsTooSmall) {
  EXPECT_EQ(error_of([] {
              Tensor(DType::float32, Shape{2, 3}, Buffer::allocate(23));
            }),
            "23 bytes of data, expected 24 for float 2x3");
}

TEST(Tensor, RefusesMoreBytesThanThereCanBe) {
  const Shape shape{std::int64_t{1} << 31, std::int64_t{1} << 31};
  EXPECT_EQ(error_of([&] { Tensor::allocate(DType::float64, shape); }),
            "a double tensor of 2147483648x2147483648 does not fit into memory");
  EXPECT_EQ(error_of([&] { Tensor::allocate(DType::uint8, shape); }), "4611686018427387904 bytes do not fit into memory");
}

TEST(Tensor, EqualsAnotherOfTheSameTypeShapeAndBytes) {
  const Tensor tensor = Tensor::from<float>(Shape{2}, {1, 2});
  EXPECT_EQ(tensor, Tensor::from<float>(Shape{2}, {1, 2}));
  EXPECT_NE(tensor, Tensor::from<float>(Shape{2}, {1, 3}));
  EXPECT_NE(tensor, Tensor::from<float>(Shape{1, 2}, {1, 2}));
  EXPECT_NE(Tensor::from<std::int32_t>(Shape{1}, {0}), Tensor::from<float>(Shape{1}, {0.0f}));
  EXPECT_EQ(Tensor::allocate(DType::int8, Shape{0, 4}), Tensor::allocate(DType::int8, Shape{0, 4}));
  // Bytes, not numbers: the two zeros differ.
  EXPECT_NE(Tensor::from<float>(Shape{1}, {0.0f}), Tensor::from<float>(Shape{1}, {-0.0f}));
}

TEST(Tensor, ConvertsItsValues) {
  EXPECT_THAT(Tensor::from<std::int32_t>(Shape{2}, {-1, 7}).values_as<std::int64_t>(), ElementsAre(-1, 7));
  EXPECT_THAT(Tensor::from<Float16>(Shape{2}, {Float16(0.5f), Float16(-2.0f)}).values_as<float>(), ElementsAre(0.5f, -2.0f));
  EXPECT_THAT(Tensor::from<BFloat16>(Shape{1}, {BFloat16(3.0f)}).values_as<double>(), ElementsAre(3.0));
  EXPECT_THAT(Tensor::from<bool>(Shape{2}, {true, false}).values_as<std::int64_t>(), ElementsAre(1, 0));
  EXPECT_THAT(Tensor::from<double>(Shape{1}, {2.75}).values_as<std::int64_t>(), ElementsAre(2));
}

}  // namespace
}  // namespace resnet

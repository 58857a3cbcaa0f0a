#include "lib/tensor/dtype.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace resnet {
namespace {

struct Row {
  DType dtype;
  const char* name;
  std::size_t size;
  bool floating_point;
};

constexpr Row rows[] = {
    {DType::float32, "float", 4, true},     {DType::float64, "double", 8, true}, {DType::float16, "float16", 2, true},
    {DType::bfloat16, "bfloat16", 2, true}, {DType::int8, "int8", 1, false},     {DType::int16, "int16", 2, false},
    {DType::int32, "int32", 4, false},      {DType::int64, "int64", 8, false},   {DType::uint8, "uint8", 1, false},
    {DType::uint16, "uint16", 2, false},    {DType::uint32, "uint32", 4, false}, {DType::uint64, "uint64", 8, false},
    {DType::boolean, "bool", 1, false},
};

TEST(DType, HasOnnxsNameAndItsSize) {
  for (const Row& row : rows) {
    EXPECT_EQ(name_of(row.dtype), row.name);
    EXPECT_EQ(size_of(row.dtype), row.size) << row.name;
    EXPECT_EQ(is_floating_point(row.dtype), row.floating_point) << row.name;
  }
}

TEST(DType, DispatchGivesTheTypeThatHoldsIt) {
  for (const Row& row : rows) {
    const DType back = dispatch(row.dtype, [](auto zero) { return dtype_of<decltype(zero)>(); });
    EXPECT_EQ(back, row.dtype) << row.name;
  }
}

float round_trip(float value) { return static_cast<float>(Float16(value)); }

// Known encodings of IEEE 754's binary16.
TEST(Float16, HasTheStandardsBits) {
  EXPECT_EQ(Float16(0.0f).bits, 0x0000);
  EXPECT_EQ(Float16(-0.0f).bits, 0x8000);
  EXPECT_EQ(Float16(1.0f).bits, 0x3c00);
  EXPECT_EQ(Float16(-2.0f).bits, 0xc000);
  EXPECT_EQ(Float16(0.333251953125f).bits, 0x3555);
  EXPECT_EQ(Float16(65504.0f).bits, 0x7bff);           // the largest
  EXPECT_EQ(Float16(0.00006103515625f).bits, 0x0400);  // the smallest normal, 2^-14
  EXPECT_EQ(Float16(0x1p-24f).bits, 0x0001);           // the smallest of all
  EXPECT_EQ(Float16(0x1p-14f - 0x1p-24f).bits, 0x03ff);
  EXPECT_EQ(Float16(std::numeric_limits<float>::infinity()).bits, 0x7c00);
  EXPECT_EQ(Float16(-std::numeric_limits<float>::infinity()).bits, 0xfc00);
}

TEST(Float16, RoundsToNearestAndTiesToEven) {
  EXPECT_EQ(Float16(1.0f + 0x1p-11f).bits, 0x3c00);             // half-way: down to even
  EXPECT_EQ(Float16(1.0f + 3 * 0x1p-11f).bits, 0x3c02);         // half-way: up to even
  EXPECT_EQ(Float16(1.0f + 0x1p-11f + 0x1p-20f).bits, 0x3c01);  // just above half-way
  EXPECT_EQ(Float16(0x1p-25f).bits, 0x0000);                    // half of the smallest: to even
  EXPECT_EQ(Float16(0x1p-25f + 0x1p-40f).bits, 0x0001);         // just above
  EXPECT_EQ(Float16(3 * 0x1p-25f).bits, 0x0002);                // half-way between 1 and 2 units
  EXPECT_EQ(Float16(0x1p-14f - 0x1p-26f).bits, 0x0400);         // rounds up into the normal numbers
  EXPECT_EQ(Float16(65519.0f).bits, 0x7bff);
  EXPECT_EQ(Float16(65520.0f).bits, 0x7c00);
  EXPECT_EQ(Float16(1e30f).bits, 0x7c00);
  EXPECT_EQ(Float16(1e-30f).bits, 0x0000);
}

TEST(Float16, KeepsNotANumber) {
  EXPECT_TRUE(std::isnan(round_trip(std::numeric_limits<float>::quiet_NaN())));
  EXPECT_TRUE(std::isnan(round_trip(std::bit_cast<float>(0x7f800001u))));  // a payload in the lowest bit alone
}

// Every half but the NaNs converts to a float and back unchanged, and to the value that the standard's formula gives.
TEST(Float16, EveryValueSurvives) {
  for (unsigned bits = 0; bits <= 0xffff; ++bits) {
    Float16 half;
    half.bits = static_cast<std::uint16_t>(bits);
    const auto value = static_cast<float>(half);
    const unsigned exponent = (bits >> 10) & 31, mantissa = bits & 1023;
    if (exponent == 31) {
      EXPECT_EQ(std::isnan(value), mantissa != 0) << bits;
      if (mantissa != 0) continue;
      EXPECT_TRUE(std::isinf(value)) << bits;
    } else {
      const double magnitude =
          exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, static_cast<int>(exponent) - 25);
      ASSERT_EQ(std::fabs(value), magnitude) << bits;
    }
    EXPECT_EQ(std::signbit(value), (bits & 0x8000) != 0) << bits;
    ASSERT_EQ(Float16(value).bits, bits);
  }
}

TEST(BFloat16, HasTheUpperHalfOfAFloat) {
  EXPECT_EQ(BFloat16(1.0f).bits, 0x3f80);
  EXPECT_EQ(BFloat16(-2.5f).bits, 0xc020);
  EXPECT_EQ(BFloat16(std::numeric_limits<float>::infinity()).bits, 0x7f80);
  EXPECT_EQ(static_cast<float>(BFloat16(3.140625f)), 3.140625f);
}

TEST(BFloat16, RoundsToNearestAndTiesToEven) {
  EXPECT_EQ(BFloat16(1.0f + 0x1p-8f).bits, 0x3f80);
  EXPECT_EQ(BFloat16(1.0f + 3 * 0x1p-8f).bits, 0x3f82);
  EXPECT_EQ(BFloat16(1.0f + 0x1p-8f + 0x1p-20f).bits, 0x3f81);
  EXPECT_EQ(BFloat16(std::numeric_limits<float>::max()).bits, 0x7f80);
}

TEST(BFloat16, KeepsNotANumber) {
  EXPECT_TRUE(std::isnan(static_cast<float>(BFloat16(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_TRUE(std::isnan(static_cast<float>(BFloat16(std::bit_cast<float>(0x7f800001u)))));
  EXPECT_TRUE(std::isnan(static_cast<float>(BFloat16(std::bit_cast<float>(0xffffffffu)))));
}

}  // namespace
}  // namespace resnet

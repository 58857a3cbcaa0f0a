#include "formats/table/size.h"

#include <gtest/gtest.h>

namespace resnet::table {
namespace {

TEST(SizeTest, EachUnitHasItsDigits) {
  EXPECT_EQ(size_text(0), "0 bytes");
  EXPECT_EQ(size_text(1023), "1023 bytes");
  EXPECT_EQ(size_text(9728), "9.5 KiB");
  EXPECT_EQ(size_text(196608), "192 KiB");
  EXPECT_EQ(size_text(102428672), "97.7 MiB");
  EXPECT_EQ(size_text(std::int64_t{1536} << 20), "1.5 GiB");
}

}  // namespace
}  // namespace resnet::table

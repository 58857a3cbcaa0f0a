#include "lib/base/checked.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace resnet {
namespace {

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t smallest = std::numeric_limits<std::int64_t>::min();

TEST(CheckedAdd, GivesTheSumUpToTheLimit) {
  EXPECT_EQ(checked_add<std::int64_t>(2, 3), 5);
  EXPECT_EQ(checked_add<std::int64_t>(largest - 1, 1), largest);
  EXPECT_EQ(checked_add<std::int64_t>(smallest, largest), -1);
}

TEST(CheckedAdd, GivesNothingBeyondTheLimit) {
  EXPECT_EQ(checked_add<std::int64_t>(largest, 1), std::nullopt);
  EXPECT_EQ(checked_add<std::int64_t>(smallest, -1), std::nullopt);
  EXPECT_EQ(checked_add<std::uint8_t>(200, 56), std::nullopt);
  EXPECT_EQ(checked_add<std::uint8_t>(200, 55), 255);
}

TEST(CheckedMultiply, GivesTheProductUpToTheLimit) {
  EXPECT_EQ(checked_multiply<std::int64_t>(-7, 6), -42);
  EXPECT_EQ(checked_multiply<std::int64_t>(largest, 1), largest);
  EXPECT_EQ(checked_multiply<std::int64_t>(largest, 0), 0);
  EXPECT_EQ(checked_multiply<std::size_t>(std::size_t{1} << 32, (std::size_t{1} << 32) - 1), 18446744069414584320u);
}

TEST(CheckedMultiply, GivesNothingBeyondTheLimit) {
  EXPECT_EQ(checked_multiply<std::int64_t>(largest / 2 + 1, 2), std::nullopt);
  EXPECT_EQ(checked_multiply<std::int64_t>(smallest, -1), std::nullopt);
  EXPECT_EQ(checked_multiply<std::size_t>(std::size_t{1} << 32, std::size_t{1} << 32), std::nullopt);
}

}  // namespace
}  // namespace resnet

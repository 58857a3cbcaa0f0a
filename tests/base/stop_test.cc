#include "lib/base/stop.h"

#include <gtest/gtest.h>

#include <atomic>

namespace resnet {
namespace {

TEST(StopTest, LooksAtItsOwnersFlag) {
  std::atomic<bool> flag = false;
  const Stop stop(flag);
  EXPECT_FALSE(stop.requested());
  stop.check();
  flag = true;
  EXPECT_TRUE(stop.requested());
  try {
    stop.check();
    FAIL() << "was asked for";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::interrupted);
  }
  Stop().check();
}

}  // namespace
}  // namespace resnet

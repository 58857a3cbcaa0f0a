// Numbers of things in texts.
#include "lib/base/counted.h"

#include <gtest/gtest.h>

namespace resnet {
namespace {

TEST(Counted, OneIsNotMany) {
  EXPECT_EQ(counted(0, "network"), "0 networks");
  EXPECT_EQ(counted(1, "network"), "1 network");
  EXPECT_EQ(counted(2, "network"), "2 networks");
  EXPECT_EQ(counted(1, "class", "classes"), "1 class");
  EXPECT_EQ(counted(10, "class", "classes"), "10 classes");
}

}  // namespace
}  // namespace resnet

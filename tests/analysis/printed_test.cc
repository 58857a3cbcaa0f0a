#include "lib/analysis/printed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace resnet::analysis {
namespace {

TEST(Printed, ErrorsHaveThePapersDigits) {
  EXPECT_EQ(to_string(PrintedError(8.8)), "8.80");
  EXPECT_EQ(to_string(PrintedError(6.8, 1)), "6.8");
  std::string with_one;
  for (const PrintedRow& row : printed_rows()) {
    for (const auto& error : {row.top1, row.top5}) {
      if (error && error->decimals == 1) with_one += to_string(*error) + " ";
    }
  }
  EXPECT_EQ(with_one, "24.4 7.1 6.8 24.7 7.8 23.6 7.1 23.0 6.7 ");
}

TEST(Printed, AWayOfTestingIsKnownByItsWords) {
  EXPECT_EQ(testing_of("center", 1), Testing::center);
  EXPECT_EQ(testing_of("ten", 1), Testing::ten);
  EXPECT_EQ(testing_of("full at 224,256,384,480,640", 1), Testing::full);
  EXPECT_EQ(testing_of("full at 224,256,384,480,640", 6), Testing::ensemble);
  for (const char* other : {"full", "full at 224,256", "ten at 224,256,384,480,640", "center at 256", "", "tenth"})
    EXPECT_FALSE(testing_of(other, 1)) << other;
  EXPECT_FALSE(testing_of("ten", 2));
}

TEST(Printed, ARowIsFoundByItsNetworkAndItsTesting) {
  ASSERT_NE(find_printed("resnet50", "B", Testing::full), nullptr);
  EXPECT_EQ(find_printed("resnet50", "B", Testing::full)->top5->value, 5.25);
  EXPECT_EQ(find_printed("resnet50", "A", Testing::full), nullptr);
  EXPECT_EQ(find_printed("", "", Testing::ten), nullptr);
}

}  // namespace
}  // namespace resnet::analysis

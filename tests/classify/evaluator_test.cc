#include "lib/classify/evaluator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace resnet {
namespace {

std::vector<Prediction> answers(std::initializer_list<std::int64_t> classes) {
  std::vector<Prediction> result;
  for (const std::int64_t index : classes) result.push_back({index, 0.1, 1.0});
  return result;
}

TEST(Evaluator, CountsFirstAndAmongTheFirst) {
  Evaluator evaluator(2);
  evaluator.add(1, answers({1, 2, 3}));
  evaluator.add(2, answers({1, 2, 3}));
  evaluator.add(3, answers({1, 2, 3}));
  evaluator.add(3, answers({1}));
  evaluator.add_failure();
  EXPECT_EQ(evaluator.count(), 4);
  EXPECT_EQ(evaluator.failed(), 1);
  EXPECT_EQ(evaluator.right_at_1(), 1);
  EXPECT_EQ(evaluator.right_at_k(), 2);
  const auto confused = evaluator.most_confused(1);
  ASSERT_EQ(confused.size(), 1u);
  EXPECT_EQ(confused[0].truth, 3);
  EXPECT_EQ(confused[0].answer, 1);
  EXPECT_EQ(confused[0].count, 2);
  EXPECT_EQ(evaluator.classes().size(), 3u);
  EXPECT_EQ(evaluator.classes()[0].right, 1);
}

TEST(Evaluator, WilsonsInterval) {
  // Wilson (1927), as tables have it: 82 of 100 is 73.3 to 88.3 %.
  const Interval most = confidence_of(82, 100);
  EXPECT_NEAR(most.low, 0.7333, 1e-4);
  EXPECT_NEAR(most.high, 0.8830, 1e-4);
  EXPECT_EQ(confidence_of(0, 10).low, 0);
  EXPECT_NEAR(confidence_of(0, 10).high, 0.2775, 1e-4);
  EXPECT_NEAR(confidence_of(10, 10).high, 1, 1e-12);
  EXPECT_EQ(confidence_of(0, 0).high, 1);
}

}  // namespace
}  // namespace resnet

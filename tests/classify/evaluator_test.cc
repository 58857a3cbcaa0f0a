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

// As sklearn.metrics.precision_recall_fscore_support has them, zero_division 0, for y_true = 0 0 0 1 1 2 and
// y_pred = 0 0 1 1 3 1.
TEST(Evaluator, PrecisionRecallAndF1) {
  Evaluator evaluator(1);
  const std::pair<std::int64_t, std::int64_t> answers[] = {{0, 0}, {0, 0}, {0, 1}, {1, 1}, {1, 3}, {2, 1}};
  for (const auto& [truth, answer] : answers) {
    Prediction prediction;
    prediction.index = answer;
    evaluator.add(truth, std::span(&prediction, 1));
  }
  const Evaluator::Averages averages = evaluator.averages();
  EXPECT_NEAR(averages.macro.precision, (1 + 1.0 / 3) / 4, 1e-12);
  EXPECT_NEAR(averages.macro.recall, (2.0 / 3 + 0.5) / 4, 1e-12);
  EXPECT_NEAR(averages.macro.f1, (0.8 + 0.4) / 4, 1e-12);
  EXPECT_NEAR(averages.micro.f1, 0.5, 1e-12);
  EXPECT_NEAR(averages.weighted.precision, (3 * 1 + 2.0 / 3) / 6, 1e-12);
  EXPECT_NEAR(averages.weighted.recall, 0.5, 1e-12);
  EXPECT_NEAR(averages.weighted.f1, (3 * 0.8 + 2 * 0.4) / 6, 1e-12);
  ASSERT_EQ(evaluator.classes().size(), 3u);  // nobody has seen the class 3
  EXPECT_EQ(evaluator.classes()[1].answered, 3);
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

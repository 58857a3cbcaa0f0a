#include "lib/analysis/paper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace resnet::analysis {
namespace {

using ::testing::ElementsAre;

std::int64_t sum(const std::vector<std::int64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

const TableNet& net(int depth) {
  for (const TableNet& candidate : table1()) {
    if (candidate.depth == depth) return candidate;
  }
  throw std::out_of_range("no such depth");
}

TEST(Paper, TotalsOfTheFiveNets) {
  EXPECT_EQ(sum(multiply_adds(net(18), StridePlace::first_1x1)), 1'814'073'344);
  EXPECT_EQ(sum(multiply_adds(net(34), StridePlace::first_1x1)), 3'663'761'408);
  EXPECT_EQ(sum(multiply_adds(net(50), StridePlace::first_1x1)), 3'857'973'248);
  EXPECT_EQ(sum(multiply_adds(net(101), StridePlace::first_1x1)), 7'570'194'432);
  EXPECT_EQ(sum(multiply_adds(net(152), StridePlace::first_1x1)), 11'282'415'616);
}

TEST(Paper, TheStrideInThe3x3CostsTheSameMoreAtEachDepth) {
  for (int depth : {50, 101, 152}) {
    EXPECT_EQ(sum(multiply_adds(net(depth), StridePlace::the_3x3)) - sum(multiply_adds(net(depth), StridePlace::first_1x1)),
              231'211'008)
        << depth;
  }
  for (int depth : {18, 34}) {
    EXPECT_EQ(multiply_adds(net(depth), StridePlace::the_3x3), multiply_adds(net(depth), StridePlace::first_1x1)) << depth;
  }
}

TEST(Paper, Stages) {
  EXPECT_THAT(multiply_adds(net(18), StridePlace::first_1x1),
              ElementsAre(118'013'952, 462'422'016, 411'041'792, 411'041'792, 411'041'792, 512'000));
  EXPECT_THAT(multiply_adds(net(34), StridePlace::first_1x1),
              ElementsAre(118'013'952, 693'633'024, 873'463'808, 1'335'885'824, 642'252'800, 512'000));
  EXPECT_THAT(multiply_adds(net(50), StridePlace::first_1x1),
              ElementsAre(118'013'952, 667'942'912, 950'534'144, 1'387'266'048, 732'168'192, 2'048'000));
  EXPECT_THAT(multiply_adds(net(50), StridePlace::the_3x3),
              ElementsAre(118'013'952, 667'942'912, 1'027'604'480, 1'464'336'384, 809'238'528, 2'048'000));
  EXPECT_THAT(multiply_adds(net(101), StridePlace::first_1x1),
              ElementsAre(118'013'952, 667'942'912, 950'534'144, 5'099'487'232, 732'168'192, 2'048'000));
  EXPECT_THAT(multiply_adds(net(152), StridePlace::first_1x1),
              ElementsAre(118'013'952, 667'942'912, 1'823'997'952, 7'938'244'608, 732'168'192, 2'048'000));
}

TEST(Paper, TheRuleTakesThePaperAndRefusesV15) {
  for (const TableNet& candidate : table1()) {
    EXPECT_TRUE(matches_printed(candidate, sum(multiply_adds(candidate, StridePlace::first_1x1)))) << candidate.depth;
    EXPECT_EQ(matches_printed(candidate, sum(multiply_adds(candidate, StridePlace::the_3x3))), !candidate.bottleneck)
        << candidate.depth;
  }
  EXPECT_FALSE(matches_printed(net(18), 1'900'000'000));
  EXPECT_FALSE(matches_printed(net(18), 1'700'000'000));
}

}  // namespace
}  // namespace resnet::analysis

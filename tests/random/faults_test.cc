// Faults that are planted in the executor: random graphs find each of them.
#include <gtest/gtest.h>

#include "lib/xnnpack/faults.h"
#include "tests/random/search.h"
#include "tests/support/sanitized.h"

namespace resnet::random {
namespace {

using xnnpack::PlantedFault;

class PlantedFaults : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
#ifdef RESNET_SANITIZED
    GTEST_SKIP() << "planted faults read what they should not: sanitizers would stop there";
#endif
  }
  void TearDown() override { xnnpack::planted_fault = PlantedFault::none; }
};

TEST_P(PlantedFaults, AreFound) {
  xnnpack::planted_fault = static_cast<PlantedFault>(GetParam());
  const SearchResult result = search({.graphs = 2000, .shrink = false});
  ASSERT_TRUE(result.finding) << "2,000 graphs found nothing";
  std::printf("after %llu graphs: %s\n", static_cast<unsigned long long>(result.graphs), result.finding->problem.c_str());
}

INSTANTIATE_TEST_SUITE_P(All, PlantedFaults,
                         ::testing::Range(static_cast<int>(PlantedFault::none) + 1, static_cast<int>(PlantedFault::last)));

// Without a fault the same program finds nothing: what it finds is the fault.
TEST(PlantedFault, NoneFindsNothing) {
  const SearchResult result = search({.graphs = 50, .shrink = false});
  EXPECT_FALSE(result.finding) << result.finding->problem;
}

TEST(PlantedFault, ThereAreTwentyAtLeast) { EXPECT_GE(static_cast<int>(PlantedFault::last) - 1, 20); }

}  // namespace
}  // namespace resnet::random

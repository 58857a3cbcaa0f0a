#include "lib/kernels/isa.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "lib/kernels/convolution.h"
#include "lib/kernels/peak.h"

namespace resnet::kernels {
namespace {

struct Uncapped {
  ~Uncapped() { cap_instruction_set(std::nullopt); }
};

TEST(InstructionSets, EachCapIsFollowed) {
  const Uncapped afterwards;
  const std::map<std::string, std::size_t> lanes = {{"avx512", 16}, {"avx2", 8}, {"sse4", 4}, {"neon", 4}};
  const std::string best = instruction_set();
  const std::size_t best_lanes = vector_lanes();
  const std::vector<InstructionSet> sets = available_instruction_sets();
  ASSERT_FALSE(sets.empty());
  for (const InstructionSet set : sets) {
    cap_instruction_set(set);
    EXPECT_EQ(instruction_set_cap(), set);
    EXPECT_EQ(instruction_set(), name_of(set));
    EXPECT_EQ(vector_lanes(), lanes.at(name_of(set)));
    EXPECT_EQ(available_instruction_sets(), sets) << "what the machine has does not depend on the cap";
  }
  cap_instruction_set(std::nullopt);
  EXPECT_EQ(instruction_set_cap(), std::nullopt);
  EXPECT_EQ(instruction_set(), best);
  EXPECT_EQ(vector_lanes(), best_lanes);
}

TEST(Peak, IsMeasured) {
  ThreadPool pool(1);
  EXPECT_GT(peak_gflops(pool), 0.1);
  EXPECT_GT(peak_int8(pool), 0.1);
}

}  // namespace
}  // namespace resnet::kernels

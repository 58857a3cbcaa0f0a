#include "lib/kernels/isa.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lib/kernels/convolution.h"
#include "lib/kernels/integer_tiles.h"

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

TEST(Peak, IsMadeOfMultiplyAdds) {
  std::int32_t sink = 0;
  EXPECT_GE(integer_tiles().multiply_add(100, &sink), 100);
}

}  // namespace
}  // namespace resnet::kernels

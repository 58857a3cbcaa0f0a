// Runs a test once for each instruction set that the kernels are compiled for and that this machine has.
#pragma once

#include <gtest/gtest.h>

#include <hwy/highway.h>
#include <hwy/targets.h>
#include <cstdint>
#include <string>

namespace resnet::kernels {

// While one is alive the kernels use this instruction set (a target of Highway's).
class UseInstructionSet {
 public:
  explicit UseInstructionSet(std::int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
  ~UseInstructionSet() {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().DeInit();
  }
  UseInstructionSet(const UseInstructionSet&) = delete;
  UseInstructionSet& operator=(const UseInstructionSet&) = delete;
};

class ForInstructionSet : public testing::TestWithParam<std::int64_t> {
  UseInstructionSet use_{GetParam()};
};

inline auto instruction_sets() { return testing::ValuesIn(hwy::SupportedAndGeneratedTargets()); }
inline std::string name_of_set(const testing::TestParamInfo<std::int64_t>& info) { return hwy::TargetName(info.param); }

}  // namespace resnet::kernels

#include "lib/kernels/isa.h"

#include <atomic>

#include "lib/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/isa.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {
namespace {

std::int64_t target() { return HWY_TARGET; }

}  // namespace
}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace resnet::kernels {

HWY_EXPORT(target);

namespace {

// Highway's target of each; better ones are lower bits.
struct Known {
  InstructionSet set;
  std::int64_t target;
};
#if HWY_ARCH_X86
#ifdef HWY_SSE2
constexpr std::int64_t sse2_target = HWY_SSE2;
#else
constexpr std::int64_t sse2_target = HWY_EMU128;  // what the compiler makes of plain loops, which SSE2 is the least for
#endif
constexpr Known known[] = {{InstructionSet::avx512, HWY_AVX3},
                           {InstructionSet::avx2, HWY_AVX2},
                           {InstructionSet::sse4, HWY_SSE4},
                           {InstructionSet::sse2, sse2_target}};
#else
constexpr Known known[] = {{InstructionSet::neon, HWY_NEON}};
#endif

// What the machine has, asked before anything is capped.
std::int64_t native_targets() {
  static const std::int64_t targets = hwy::SupportedTargets() | HWY_STATIC_TARGET;
  return targets;
}

std::atomic<int> cap_in_use = -1;  // an InstructionSet; -1: none

}  // namespace

const char* name_of(InstructionSet set) {
  switch (set) {
    case InstructionSet::avx512: return "avx512";
    case InstructionSet::avx2: return "avx2";
    case InstructionSet::sse4: return "sse4";
    case InstructionSet::sse2: return "sse2";
    case InstructionSet::neon: return "neon";
  }
  __builtin_unreachable();
}

std::vector<InstructionSet> available_instruction_sets() {
  std::vector<InstructionSet> sets;
  for (const Known& candidate : known) {
    if ((native_targets() & candidate.target) != 0) sets.push_back(candidate.set);
  }
  return sets;
}

void cap_instruction_set(std::optional<InstructionSet> most) {
  native_targets();
  std::int64_t disabled = 0;
  for (const Known& candidate : known) {
    if (most && candidate.set == *most) disabled = candidate.target - 1;
  }
  hwy::DisableTargets(disabled);
  hwy::GetChosenTarget().DeInit();
  cap_in_use = most ? static_cast<int>(*most) : -1;
}

std::optional<InstructionSet> instruction_set_cap() {
  const int cap = cap_in_use;
  return cap < 0 ? std::nullopt : std::optional(static_cast<InstructionSet>(cap));
}

std::string instruction_set() {
  if (const auto cap = instruction_set_cap()) return name_of(*cap);
  return hwy::TargetName(HWY_DYNAMIC_DISPATCH(target)());
}

}  // namespace resnet::kernels
#endif

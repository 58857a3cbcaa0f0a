// The processor's instruction sets that kernels are compiled for: which one is in use, and how to use less than there is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace resnet::kernels {

enum class InstructionSet : std::uint8_t { avx512, avx2, sse4, sse2, neon };

// "avx512", "avx2", ...
const char* name_of(InstructionSet set);

// Those that this machine has, best first; at least one, but for processors that are named nowhere here.
std::vector<InstructionSet> available_instruction_sets();

// From now on nothing better than `most` is used, one of available_instruction_sets(); nullopt: the best again. Called before
// anything is packed or planned: how a filter is packed depends on it. Two machines that are capped alike compute the same bits,
// whatever more either of them has.
void cap_instruction_set(std::optional<InstructionSet> most);
std::optional<InstructionSet> instruction_set_cap();

// The one in use, as it decides bits: as Highway calls it ("AVX3", "AVX2", "NEON"), or where it is capped the cap's name
// ("avx2"): a machine that is not capped may use more beside it.
std::string instruction_set();

}  // namespace resnet::kernels

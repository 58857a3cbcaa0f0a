// Where the buffers of a run lie in one block of memory.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace resnet::xnnpack {

// Which buffers a step touches, by their numbers; -1 stands for one that this step does without.
struct Access {
  std::vector<int> reads;   // what earlier steps, or the caller, left there
  std::vector<int> writes;  // filled by it: results, and scratch memory
};

// All that decides when a buffer is needed. Constants lie elsewhere, whole at all times.
struct Usage {
  std::vector<std::size_t> sizes;  // bytes of each buffer, without XNNPACK's tail
  std::vector<Access> steps;       // in the order in which they run
  std::vector<int> inputs;         // filled by the caller before the first step; they keep their contents from run to run
  std::vector<int> outputs;        // read by the caller after the last step
  std::vector<int> constants;
};

// A buffer that is needed from step `first` to step `last`, both included.
struct Lifetime {
  std::size_t size;  // bytes, without XNNPACK's tail
  int first, last;
};

struct ArenaLayout {
  std::vector<std::size_t> offsets;  // one per buffer, multiples of Buffer::alignment
  std::size_t size = 0;              // of the whole, tails included
};

// Buffers whose lifetimes meet do not overlap, each is followed by Buffer::tail bytes. Largest first, each at the lowest place
// that is free (Pisarchyk and Lee 2020, greedy by size).
// Where there are very many, each gets in order of time the smallest place that is free then.
ArenaLayout lay_out(std::span<const Lifetime> lifetimes);

// From the first step that touches a buffer to the last one: nobody states a lifetime.
std::vector<Lifetime> lifetimes_of(const Usage& usage);

// Follows the bytes through all steps: each read finds whole what was written there last, no step's result lies over another one
// or over what the step reads, and inputs and outputs are whole at the end. Throws Error(internal), which names the step.
void verify(const Usage& usage, const ArenaLayout& layout);

}  // namespace resnet::xnnpack

// Where the buffers of a run lie in one block of memory.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace resnet::xnnpack {

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
ArenaLayout lay_out(std::span<const Lifetime> lifetimes);

}  // namespace resnet::xnnpack

// Pools over windows of any form, of maps with their channels last.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace resnet::kernels {

// The places of an axis that a window takes: `count` of them from `first` on, `step` apart.
struct PoolTaps {
  std::int64_t first = 0, step = 0, count = 1;
  std::int64_t divisor = 1;  // of a mean along this axis
};

// Images of three spatial axes, some of which may have one place only.
struct Pool {
  std::int64_t channels = 1;
  std::array<std::int64_t, 3> in{1, 1, 1};
  std::array<std::vector<PoolTaps>, 3> taps;  // for each place of the output along each axis

  std::size_t outputs_of_image() const { return taps[0].size() * taps[1].size() * taps[2].size(); }
};

// Outputs [begin, end), counted over all images, of `channels` floats each. NaN in a window gives NaN; an empty one gives -inf,
// and a mean of 0.
void max_pool(const Pool& pool, const float* x, float* y, std::size_t begin, std::size_t end);
// Windows are summed in double.
void average_pool(const Pool& pool, const float* x, float* y, std::size_t begin, std::size_t end);

}  // namespace resnet::kernels

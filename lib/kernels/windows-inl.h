// Where the windows of output pixels lie, and what follows a convolution of some; compiled once per instruction set.
#if defined(RESNET_KERNELS_WINDOWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef RESNET_KERNELS_WINDOWS_INL_H
#undef RESNET_KERNELS_WINDOWS_INL_H
#else
#define RESNET_KERNELS_WINDOWS_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

#include "lib/kernels/convolution.h"

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {
namespace {

[[maybe_unused]] std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// Parts that there should be: some for each thread, so that none waits long for the last.
[[maybe_unused]] std::int64_t fewest_parts(const Convolution& c) { return std::max<std::int64_t>(8, 4 * c.threads); }

// Where a pixel's window begins.
struct Window {
  const float* image;
  std::int64_t top, left;
  bool inside;  // all of it is in the image
};

// Of `rows` output pixels from `first_row` on.
void find_windows(const Convolution& c, const float* x, std::int64_t first_row, std::int64_t rows, Window* windows) {
  const std::int64_t reach_down = (c.filter.taps_high - 1) * c.dilation_high,
                     reach_across = (c.filter.taps_wide - 1) * c.dilation_wide;
  std::int64_t across = first_row % c.out_width, down = first_row / c.out_width % c.out_height,
               image = first_row / (c.out_width * c.out_height);
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t top = down * c.stride_high - c.pad_top, left = across * c.stride_wide - c.pad_left;
    windows[r] = {x + image * c.height * c.width * c.pixel_stride, top, left,
                  top >= 0 && top + reach_down < c.height && left >= 0 && left + reach_across < c.width};
    if (++across == c.out_width) {
      across = 0;
      if (++down == c.out_height) {
        down = 0;
        ++image;
      }
    }
  }
}

// What follows, over the outputs [first, first + count) of `rows` output pixels that have just been computed.
[[maybe_unused]] void finish_rows(const Convolution& c, float* y, std::int64_t first_row, std::int64_t rows, std::int64_t first,
                                  std::int64_t count) {
  if (!c.finish) return;
  const std::int64_t outputs = c.filter.outputs;
  // Whole rows lie one after the other.
  const std::int64_t at_once = count == outputs ? rows : 1;
  for (std::int64_t row = 0; row < rows; row += at_once) {
    const auto begin = static_cast<std::size_t>((first_row + row) * outputs + first);
    c.finish.apply(y, begin, begin + static_cast<std::size_t>(at_once == 1 ? count : rows * outputs));
  }
}

}  // namespace
}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

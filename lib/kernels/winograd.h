// Winograd's convolution of NHWC maps by 3x3 filters at stride 1: F(2x2,3x3) and F(4x4,3x3) of Lavin and Gray, 'Fast Algorithms
// for Convolutional Neural Networks' (2015), with 2.25 and 4 times fewer multiplications than the direct one. Tiles of the input
// are transformed, multiplied by the transformed filter (one matrix product per place in the tile) and transformed back; the
// bias, an addend and the activation's bounds come with the last of these.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "lib/base/threads.h"
#include "lib/kernels/chain.h"

namespace resnet::kernels {

struct WinogradFilter {
  std::int64_t channels = 1, outputs = 1;
  std::int64_t tile = 4;  // outputs high and wide that a tile gives: 2 or 4

  std::int64_t side() const { return tile + 2; }  // of a tile of the input
  std::int64_t places() const { return side() * side(); }
};

// Floats that pack_winograd() writes.
std::size_t packed_size(const WinogradFilter& filter);
// `weights` is outputs x 3 x 3 x channels; `bias` has `outputs` floats or is null (zeros).
void pack_winograd(const WinogradFilter& filter, const float* weights, const float* bias, float* packed);

struct Winograd {
  WinogradFilter filter;
  std::int64_t batch = 1, height = 1, width = 1;  // of the input, in pixels
  std::int64_t out_height = 1, out_width = 1;
  std::int64_t pad_top = 0, pad_left = 0;
  float least = -std::numeric_limits<float>::infinity(), most = std::numeric_limits<float>::infinity();
  Finish finish = {};

  std::int64_t tiles_high() const { return (out_height + filter.tile - 1) / filter.tile; }
  std::int64_t tiles_wide() const { return (out_width + filter.tile - 1) / filter.tile; }
  std::int64_t tiles() const { return batch * tiles_high() * tiles_wide(); }
};

// How the work is cut into blocks of tiles that stay in a cache.
struct WinogradCut {
  std::int64_t tiles_of_block = 1, blocks = 1;
  // Each thread takes whole blocks, where the filter stays in its cache; else all threads share each block.
  bool alone = true;
  std::size_t scratch = 0;  // floats, for all threads together
};
WinogradCut cut(const Winograd& winograd, std::size_t threads);

// y = finish(clamp(bias + filter * x + addend, least, most)), batch x out_height x out_width x outputs. `addend` is of y's shape,
// or null. Every element's sum is made in the same order whatever the batch, the cut and the threads. `cut` was made for the
// pool's threads.
void convolve(const Winograd& winograd, const WinogradCut& cut, const float* x, const float* packed, const float* addend,
              float* y, float* scratch, ThreadPool& pool);

}  // namespace resnet::kernels

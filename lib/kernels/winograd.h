// Winograd's convolution of NHWC maps by 3x3 filters: at stride 1 F(2x2,3x3) and F(4x4,3x3) of Lavin and Gray, 'Fast Algorithms
// for Convolutional Neural Networks' (2015), with 2.25 and 4 times fewer multiplications than the direct one; at stride 2 with
// 1.78 times fewer: along each side the pixels that a filter's outer taps see are every other one, which F(4,2) takes, and those
// that its middle tap sees are multiplied as they are. Tiles of the input are transformed, multiplied by the transformed filter
// (one matrix product per place of the filter) and transformed back; the bias, an addend and the activation's bounds come with
// the last of these.
//
// Where a map's side is not a multiple of the tile's, its last tiles are smaller: the points of F(2) and F(3) are among those of
// F(4), so that these meet the same filter, at fewer of its places.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "lib/base/threads.h"
#include "lib/kernels/chain.h"

namespace resnet::kernels {

struct WinogradFilter {
  std::int64_t channels = 1, outputs = 1;
  std::int64_t tile = 4;    // outputs high and wide that a tile gives: 2 or 4
  std::int64_t stride = 1;  // down and across: 1, or 2 with tiles of 4

  // Places along a side of the transformed filter: one for each point. At stride 2 the first one is of the middle tap.
  std::int64_t side() const { return tile + 2; }
  std::int64_t places() const { return side() * side(); }
  // Outputs along a side that a tile is transformed for, where `left` of them are still to be computed.
  std::int64_t extent(std::int64_t left) const { return std::clamp<std::int64_t>(left, 2, tile); }
  // Pixels along a side of such a tile, and the values that they are transformed into.
  std::int64_t span(std::int64_t extent) const { return stride * extent + 3 - stride; }
  // How many of those values meet the filter at this place along the side.
  std::int64_t copies(std::int64_t place, std::int64_t extent) const {
    if (place > extent && place + 1 < side()) return 0;
    return stride == 2 && place == 0 ? extent : 1;
  }
  // Values along a side of all tiles for so many outputs.
  std::int64_t values(std::int64_t outputs_of_side) const {
    const std::int64_t rest = outputs_of_side % tile;
    return outputs_of_side / tile * span(tile) + (rest > 0 ? span(extent(rest)) : 0);
  }
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
  // Of all tiles.
  std::int64_t values() const { return batch * filter.values(out_height) * filter.values(out_width); }
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

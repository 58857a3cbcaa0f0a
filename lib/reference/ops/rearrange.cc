#include <algorithm>

#include "lib/reference/ops/compute.h"
#include "lib/reference/ops/loops.h"

namespace resnet::reference {

void compute(const Split& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  const std::size_t axis = normalize_axis(op.axis, x.shape().rank());
  const AxisSplit split = split_at(x.shape(), axis);
  // Where each part begins, whether it is wanted or not.
  std::vector<std::int64_t> sizes = list_of(inputs, 1);
  const auto count = static_cast<std::int64_t>(outputs.size());
  if (sizes.empty()) {
    const std::int64_t part = (split.size + count - 1) / count;
    for (std::int64_t i = 0; i < count; ++i) sizes.push_back(std::min(part, split.size - part * i));
  }
  std::int64_t first = 0;
  const std::size_t unit = static_cast<std::size_t>(split.inner) * size_of(x.dtype());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::size_t length = static_cast<std::size_t>(sizes[i]) * unit;
    if (outputs[i].elements() > 0) {
      std::byte* target = outputs[i].mutable_bytes().data();
      for (std::int64_t o = 0; o < split.outer; ++o) {
        std::memcpy(target, x.bytes().data() + static_cast<std::size_t>(o * split.size + first) * unit, length);
        target += length;
      }
    }
    first += sizes[i];
  }
}

void compute(const Tile&, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  Tensor& y = outputs[0];
  if (y.elements() == 0) return;
  // Each axis as (repeats, size): along the repeats x does not move.
  const auto own = x.shape().strides();
  std::vector<std::int64_t> counts, strides;
  for (std::size_t axis = 0; axis < own.size(); ++axis) {
    counts.insert(counts.end(), {y.shape()[axis] / x.shape()[axis], x.shape()[axis]});
    strides.insert(strides.end(), {0, own[axis]});
  }
  copy_strided(x, y, counts, std::move(strides), 0);
}

void compute(const DepthToSpace& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  if (x.elements() == 0) return;
  const std::int64_t block = op.blocksize, channels = outputs[0].shape()[1], height = x.shape()[2], width = x.shape()[3];
  const std::int64_t map = height * width, all = x.shape()[1] * map;
  const bool dcr = op.mode == DepthToSpace::Mode::dcr;
  // y as (n, channel, row, block row, column, block column).
  const std::int64_t channel = dcr ? map : map * block * block;
  const std::int64_t block_row = dcr ? map * channels * block : map * block, block_column = dcr ? map * channels : map;
  copy_strided(x, outputs[0], {x.shape()[0], channels, height, block, width, block},
               {all, channel, width, block_row, 1, block_column}, 0);
}

void compute(const SpaceToDepth& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  if (x.elements() == 0) return;
  const std::int64_t block = op.blocksize, channels = x.shape()[1], height = x.shape()[2], width = x.shape()[3];
  const std::int64_t map = height * width;
  // y as (n, block row, block column, channel, row, column).
  copy_strided(x, outputs[0], {x.shape()[0], block, block, channels, height / block, width / block},
               {channels * map, width, 1, map, width * block, block}, 0);
}

void compute(const Trilu& op, Inputs inputs, Outputs outputs) {
  const Tensor& x = *inputs[0];
  if (x.elements() == 0) return;
  const std::int64_t rows = x.shape()[x.shape().rank() - 2], columns = x.shape()[x.shape().rank() - 1];
  const auto k = list_of(inputs, 1);
  // Beyond the matrix they are all alike, and sums stay small.
  const std::int64_t diagonal = k.empty() ? 0 : std::clamp(k.front(), -rows - 1, columns + 1);
  copy_bytes(x, outputs[0]);
  const std::size_t size = size_of(x.dtype());
  std::byte* row = outputs[0].mutable_bytes().data();
  for (std::int64_t i = 0; i < x.elements() / columns; ++i, row += static_cast<std::size_t>(columns) * size) {
    const std::int64_t at = std::clamp<std::int64_t>(i % rows + diagonal + (op.upper ? 0 : 1), 0, columns);
    const std::int64_t first = op.upper ? 0 : at, end = op.upper ? at : columns;
    std::memset(row + static_cast<std::size_t>(first) * size, 0, static_cast<std::size_t>(end - first) * size);
  }
}

}  // namespace resnet::reference

// What slides a window over a map, and what averages all of it.
#include <algorithm>

#include "tests/random/recipes.h"

namespace resnet::random {

namespace {

void conv(Maker& m, ValueId x) {
  ValueId y = convolve(m, map_of(m, x), Style::any);
  if (m.draw.chance(30)) y = activate(m, y);
  m.offer(y);
}

void conv_winograd(Maker& m, ValueId x) {
  x = map_of(m, x);
  if (m.sizes(x)[1] < 16) x = convolve(m, x, Style::any, 16);
  ValueId y = convolve(m, x, Style::winograd);
  if (m.draw.chance(40)) y = activate(m, y);
  m.offer(y);
}

// Few channels: whole rows of the filter are taken at once, from a map that is padded for it.
void conv_few_channels(Maker& m, ValueId x) {
  x = map_of(m, x);
  if (m.sizes(x)[1] > 15) x = convolve(m, x, Style::same_size, m.draw.between(1, 15));
  const ValueId y = convolve(m, x, Style::same_size, m.draw.one_of<std::int64_t>({16, 17, 32}));
  m.offer(m.draw.chance(30) ? activate(m, y) : y);
}

// Along one axis or three.
void conv_other_rank(Maker& m, ValueId x) {
  const std::size_t rank = m.rank(x);
  if (rank != 3 && rank != 5) return;
  const Sizes sizes = m.sizes(x);
  Conv conv;
  Sizes weight = {m.draw.between(1, 8), sizes[1]};
  std::int64_t fan_in = sizes[1];
  for (std::size_t i = 2; i < rank; ++i) {
    weight.push_back(std::min(sizes[i], m.draw.between(1, 3)));
    fan_in *= weight.back();
    conv.strides.push_back(m.draw.between(1, 2));
  }
  m.offer(m.add(conv, {x, weights(m, weight, fan_in)}));
}

template <typename Pool>
Pool draw_pool(Maker& m, ValueId x, bool dilate) {
  const Sizes sizes = m.sizes(x);
  Pool pool;
  for (std::size_t i = 2; i < sizes.size(); ++i) {
    pool.kernel_shape.push_back(m.draw.between(1, std::min<std::int64_t>(5, sizes[i] + 1)));
    pool.strides.push_back(m.draw.between(1, 3));
    if (dilate) pool.dilations.push_back(m.draw.between(1, 2));
  }
  if (m.draw.chance(15)) {
    pool.auto_pad = m.draw.one_of({AutoPad::same_upper, AutoPad::same_lower, AutoPad::valid});
  } else if (m.draw.chance(70)) {
    for (int end = 0; end < 2; ++end) {
      // A window has at least one pixel of the map: with dilation that takes less padding.
      for (const std::int64_t kernel : pool.kernel_shape)
        pool.pads.push_back(m.draw.between(0, dilate ? std::min<std::int64_t>(kernel - 1, 1) : kernel - 1));
    }
  }
  pool.ceil_mode = m.draw.chance(35);
  // onnxruntime leaves dilation out of SAME padding.
  if (m.portable && pool.auto_pad != AutoPad::notset) {
    pool.dilations.clear();
    pool.ceil_mode = false;
  }
  return pool;
}

void max_pool(Maker& m, ValueId x) {
  if (m.rank(x) < 3 || m.rank(x) > 5) x = map_of(m, x);
  m.offer(m.add(draw_pool<MaxPool>(m, x, m.draw.chance(15)), {x}));
}

void max_pool_indices(Maker& m, ValueId x) {
  // Places are counted through the whole batch.
  if (m.open) return;
  x = map_of(m, x);
  const ValueId y = m.add(draw_pool<MaxPool>(m, x, false), {x}, 2);
  m.offer(y);
  m.leave({y.node, 1});
}

void average_pool(Maker& m, ValueId x) {
  if (m.rank(x) < 3 || m.rank(x) > 5) x = map_of(m, x);
  auto pool = draw_pool<AveragePool>(m, x, m.draw.chance(10));
  pool.count_include_pad = m.draw.chance(40);
  m.offer(m.add(pool, {x}));
}

void global_average_pool(Maker& m, ValueId x) {
  if (m.rank(x) < 3) x = map_of(m, x);
  m.offer(m.add(GlobalAveragePool{}, {x}));
}

constexpr Recipe recipes[] = {
    {"conv", 8, conv},
    {"conv_winograd", 6, conv_winograd},
    {"conv_few_channels", 3, conv_few_channels},
    {"conv_other_rank", 2, conv_other_rank},
    {"max_pool", 5, max_pool},
    {"max_pool_indices", 2, max_pool_indices},
    {"average_pool", 6, average_pool},
    {"global_average_pool", 2, global_average_pool},
};

}  // namespace

std::span<const Recipe> window_recipes() { return recipes; }

}  // namespace resnet::random

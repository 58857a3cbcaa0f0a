#include "tests/random/recipes.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace resnet::random {

std::int64_t draw_factor(Maker& m, std::int64_t number, std::int64_t most) {
  Sizes factors;
  for (std::int64_t i = 1; i <= std::min(number, most); ++i) {
    if (number % i == 0) factors.push_back(i);
  }
  return m.draw.one_of(factors);
}

ValueId weights(Maker& m, const Sizes& sizes, std::int64_t fan_in) {
  const double bound = 1.7 / std::sqrt(static_cast<double>(std::max<std::int64_t>(fan_in, 1)));
  return m.constant(sizes, -bound, bound);
}

ValueId reshape(Maker& m, ValueId x, Sizes target) {
  if (m.open) target[0] = 0;
  // One size is left to be found.
  if (m.draw.chance(30) && target.size() > 1) target[static_cast<std::size_t>(m.draw.between(1, std::ssize(target) - 1))] = -1;
  return m.add(Reshape{}, {x, m.integers(target)});
}

ValueId transpose(Maker& m, ValueId x, Sizes perm) { return m.add(Transpose{std::move(perm)}, {x}); }

Sizes draw_perm(Maker& m, std::size_t rank) {
  Sizes perm(rank);
  std::iota(perm.begin(), perm.end(), std::int64_t{0});
  const std::int64_t first = m.open ? 1 : 0, last = static_cast<std::int64_t>(rank) - 1;
  if (m.draw.chance(50) && rank == 4) return m.draw.chance(50) ? Sizes{0, 2, 3, 1} : Sizes{0, 3, 1, 2};
  for (std::int64_t i = last; i > first; --i) {
    std::swap(perm[static_cast<std::size_t>(i)], perm[static_cast<std::size_t>(m.draw.between(first, i))]);
  }
  return perm;
}

ValueId map_of(Maker& m, ValueId x) {
  if (m.rank(x) == 4) return x;
  const Sizes from = m.sizes(x);
  const std::int64_t images = from.empty() || (!m.open && m.draw.chance(20)) ? 1 : from[0];
  const std::int64_t rest = m.elements(x) / images;
  const std::int64_t channels = draw_factor(m, rest, 40), height = draw_factor(m, rest / channels, 12);
  return reshape(m, x, {images, channels, height, rest / channels / height});
}

ValueId matrix_of(Maker& m, ValueId x) {
  if (m.rank(x) == 2) return x;
  if (m.rank(x) > 2) return m.add(Flatten{}, {x});
  return reshape(m, x, {1, m.elements(x)});
}

ValueId channels(Maker& m, ValueId x, double least, double most) {
  const std::size_t rank = m.rank(x);
  Sizes sizes = {1};
  // The batch may have been moved there, which is open.
  const bool is_fixed = rank > 2 && (*m.graph.fact(x).dims)[1].is_number();
  if (rank > 2 && m.draw.chance(70) && is_fixed) sizes = Sizes{m.sizes(x)[1]};
  for (std::size_t i = 2; sizes[0] != 1 && i < rank; ++i) sizes.push_back(1);
  return m.constant(sizes, least, most);
}

ValueId activate(Maker& m, ValueId x) {
  if (m.draw.chance(55)) return m.add(Relu{}, {x});
  if (m.draw.chance(50)) {
    switch (m.draw.between(0, 4)) {
      case 0: return m.add(LeakyRelu{.alpha = 0.1f}, {x});
      case 1: return m.add(PRelu{}, {x, channels(m, x, 0, 0.5)});
      case 2: return m.add(Elu{}, {x});
      case 3: return m.add(HardSwish{}, {x});
      default: return m.add(Mul{}, {x, m.add(Sigmoid{}, {x})});
    }
  }
  return m.add(
      Clip{}, {x, m.scalar(static_cast<float>(m.draw.uniform(-0.6, 0))), m.scalar(static_cast<float>(m.draw.uniform(0.1, 0.8)))});
}

namespace {

Conv draw_window(Maker& m, Style style, std::int64_t height, std::int64_t width, std::int64_t kernels[2]) {
  Conv conv;
  if (style == Style::same_size || style == Style::winograd) {
    const std::int64_t pad = style == Style::winograd ? m.draw.between(0, 1) : 1;
    kernels[0] = kernels[1] = style == Style::same_size && m.draw.chance(30) ? 1 : 3;
    if (kernels[0] == 3) conv.pads = {pad, pad, pad, pad};
    if (style == Style::winograd && m.draw.chance(25)) conv.pads = {pad, 1, 1, m.draw.between(0, 2)};
    if (style == Style::winograd && m.draw.chance(35)) conv.strides = {2, 2};
    return conv;
  }
  for (int i = 0; i < 2; ++i) kernels[i] = m.draw.one_of<std::int64_t>({1, 1, 2, 3, 3, 3, 4, 5});
  if (m.draw.chance(60)) kernels[1] = kernels[0];
  if (m.draw.chance(15)) {
    conv.auto_pad = m.draw.one_of({AutoPad::same_upper, AutoPad::same_lower, AutoPad::valid});
  } else {
    conv.pads = {m.draw.between(0, kernels[0] / 2), m.draw.between(0, kernels[1] / 2), m.draw.between(0, kernels[0] / 2),
                 m.draw.between(0, kernels[1] / 2)};
  }
  if (m.draw.chance(40)) conv.strides = {m.draw.between(1, 3), m.draw.between(1, 3)};
  if (m.draw.chance(15)) conv.dilations = {m.draw.between(1, 2), m.draw.between(1, 2)};
  if (m.portable && conv.auto_pad != AutoPad::notset) conv.dilations.clear();
  // Small maps get what covers them.
  if (conv.auto_pad == AutoPad::notset) {
    const std::int64_t sizes[] = {height, width};
    for (std::size_t i = 0; i < 2; ++i) {
      if (sizes[i] + conv.pads[i] + conv.pads[i + 2] >= kernels[i]) continue;
      conv.pads[i] = conv.pads[i + 2] = kernels[i] / 2;
    }
  }
  return conv;
}

}  // namespace

ValueId convolve(Maker& m, ValueId map, Style style, std::int64_t outputs) {
  const Sizes x = m.sizes(map);
  const std::int64_t channels = x[1];
  if (outputs == 0 && style == Style::same_size) outputs = channels;
  if (outputs == 0) {
    outputs = style == Style::winograd || m.draw.chance(50) ? m.draw.one_of<std::int64_t>({16, 16, 17, 20, 24, 32, 33})
                                                            : m.draw.between(1, 15);
  }
  std::int64_t kernels[2] = {1, 1};
  Conv conv = draw_window(m, style, x[2], x[3], kernels);
  if (style == Style::any && m.draw.chance(20)) {
    conv.group = m.draw.chance(60) ? channels : draw_factor(m, channels, channels);
    outputs = conv.group * m.draw.between(1, std::max<std::int64_t>(1, 33 / conv.group));
  }
  if (m.draw.chance(50)) conv.kernel_shape = {kernels[0], kernels[1]};
  const std::int64_t fan_in = channels / conv.group * kernels[0] * kernels[1];
  ValueId weight = weights(m, {outputs, channels / conv.group, kernels[0], kernels[1]}, fan_in);
  // A weight that is computed, as long as no pass folds it.
  if (m.draw.chance(4)) weight = m.add(Identity{}, {weight});
  std::vector<ValueId> inputs = {map, weight};
  if (m.draw.chance(60)) inputs.push_back(m.constant({outputs}, -0.5, 0.5));
  return m.add(conv, inputs);
}

}  // namespace resnet::random

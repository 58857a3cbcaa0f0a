// What moves elements, or only renames their axes.
#include <algorithm>
#include <functional>
#include <numeric>

#include "tests/random/recipes.h"

namespace resnet::random {

namespace {

void flatten(Maker& m, ValueId x) {
  const std::int64_t rank = m.last_axis(x) + 1;
  m.offer(m.add(Flatten{.axis = m.open ? 1 : m.draw.between(0, rank)}, {x}));
}

void reshape_drawn(Maker& m, ValueId x) {
  const Sizes from = m.sizes(x);
  std::int64_t left = m.elements(x);
  Sizes target;
  if (m.open || (m.draw.chance(60) && !from.empty())) {
    target.push_back(from[0]);
    left /= from[0];
  }
  for (std::int64_t i = m.draw.between(0, 3); i > 0; --i) {
    target.push_back(draw_factor(m, left, left));
    left /= target.back();
  }
  target.push_back(left);
  m.offer(reshape(m, x, target));
}

// Through the sizes of another value, as exporters write it.
void reshape_by_shape(Maker& m, ValueId x) {
  if (m.rank(x) < 2) return;
  const ValueId shape = m.add(ShapeOf{}, {x});
  ValueId first = m.add(Gather{.axis = 0}, {shape, m.integers({0})});
  if (m.draw.chance(50)) first = m.add(Slice{}, {shape, m.integers({0}), m.integers({1})});
  const ValueId target = m.add(Concat{.axis = 0}, {first, m.integers({-1})});
  m.offer(m.add(Reshape{}, {x, target}));
  if (m.draw.chance(30)) m.leave(target);
}

void squeeze(Maker& m, ValueId x) {
  const Sizes sizes = m.sizes(x);
  Sizes axes;
  for (std::size_t i = m.open ? 1 : 0; i < sizes.size(); ++i) {
    if (sizes[i] == 1 && m.draw.chance(70)) axes.push_back(m.either_end(i, sizes.size()));
  }
  if (!axes.empty()) m.offer(m.add(Squeeze{}, {x, m.integers(axes)}));
}

void unsqueeze(Maker& m, ValueId x) {
  const std::size_t rank = m.rank(x);
  if (rank >= 6) return;
  const auto axis = static_cast<std::size_t>(m.draw.between(m.open ? 1 : 0, static_cast<std::int64_t>(rank)));
  m.offer(m.add(Unsqueeze{}, {x, m.integers({m.either_end(axis, rank + 1)})}));
}

void transpose_drawn(Maker& m, ValueId x) {
  if (m.rank(x) >= 2) m.offer(transpose(m, x, draw_perm(m, m.rank(x))));
}

// Through another order and back, with something between.
void transpose_there_and_back(Maker& m, ValueId x) {
  const std::size_t rank = m.rank(x);
  if (rank < 2) return;
  Sizes perm(rank), back(rank);
  std::iota(perm.begin(), perm.end(), std::int64_t{0});
  for (std::size_t i = rank - 1; i > 0; --i)
    std::swap(perm[i], perm[static_cast<std::size_t>(m.draw.between(0, static_cast<std::int64_t>(i)))]);
  for (std::size_t i = 0; i < rank; ++i) back[static_cast<std::size_t>(perm[i])] = static_cast<std::int64_t>(i);
  ValueId y = transpose(m, x, perm);
  y = m.draw.chance(50) ? activate(m, y) : m.draw.chance(50) ? m.add(Sigmoid{}, {y}) : m.add(Add{}, {y, y});
  m.offer(transpose(m, y, back));
}

// Values that differ along one axis alone, x among them.
void concat(Maker& m, ValueId x) {
  if (m.rank(x) < 1 || (m.open && m.rank(x) < 2)) return;
  const std::size_t axis = m.free_axis(x);
  const auto fits = [&](ValueId value) {
    Sizes a = m.sizes(x), b = m.sizes(value);
    if (a.size() != b.size()) return false;
    a[axis] = b[axis] = 0;
    return a == b;
  };
  std::vector<ValueId> inputs = {x}, others;
  std::copy_if(m.values.begin(), m.values.end(), std::back_inserter(others), fits);
  for (std::int64_t i = m.draw.between(1, 3); i > 0; --i) {
    Sizes sizes = m.sizes(x);
    sizes[axis] = m.draw.between(1, 3);
    const bool constant = !m.open && m.draw.chance(15);
    inputs.push_back(constant ? m.constant(sizes) : m.draw.one_of(others));
  }
  if (m.draw.chance(50)) std::swap(inputs.front(), inputs.back());
  m.offer(m.add(Concat{m.either_end(axis, m.rank(x))}, inputs));
}

void slice(Maker& m, ValueId x) {
  if (m.rank(x) < 1 || (m.open && m.rank(x) < 2)) return;
  Sizes starts, ends, axes, steps;
  const Sizes sizes = m.sizes(x);
  for (std::size_t axis = m.open ? 1 : 0; axis < sizes.size(); ++axis) {
    if (m.draw.chance(50)) continue;
    const std::int64_t size = sizes[axis], from = m.draw.between(0, size - 1), to = m.draw.between(from + 1, size);
    const bool backwards = m.draw.chance(15);
    axes.push_back(m.either_end(axis, sizes.size()));
    steps.push_back(backwards ? -m.draw.between(1, 2) : m.draw.one_of<std::int64_t>({1, 1, 1, 2, 3}));
    starts.push_back(backwards ? to - 1 : m.draw.chance(30) ? from - size : from);
    ends.push_back(backwards ? (from == 0 ? -size - 1 : from - 1) : m.draw.chance(20) ? to + 100 * (to == size ? 1 : 0) : to);
  }
  if (axes.empty()) return;
  m.offer(m.add(Slice{}, {x, m.integers(starts), m.integers(ends), m.integers(axes), m.integers(steps)}));
}

void pad(Maker& m, ValueId x) {
  const Sizes sizes = m.sizes(x);
  if (sizes.empty()) return;
  const auto mode = m.draw.one_of({Pad::Mode::constant, Pad::Mode::constant, Pad::Mode::reflect, Pad::Mode::edge});
  Sizes pads;
  for (int end = 0; end < 2; ++end) {
    for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
      const bool fixed = (m.open && axis == 0) || m.draw.chance(40);
      const std::int64_t least = mode == Pad::Mode::constant && m.draw.chance(10) ? (sizes[axis] > 2 ? -1 : 0) : 0;
      const std::int64_t most = mode == Pad::Mode::constant ? 3 : std::min<std::int64_t>(2, sizes[axis] - 1);
      pads.push_back(fixed ? 0 : m.draw.between(least, most));
    }
  }
  std::vector<ValueId> inputs = {x, m.integers(pads)};
  if (mode == Pad::Mode::constant && m.draw.chance(50)) inputs.push_back(m.scalar(m.draw.chance(50) ? 0.0f : -0.75f));
  m.offer(m.add(Pad{mode}, inputs));
}

// A Pad that goes into the convolution after it, or may not.
void pad_conv(Maker& m, ValueId x) {
  x = map_of(m, x);
  const Sizes pads = {0, 0, m.draw.between(0, 2), m.draw.between(0, 2), 0, 0, m.draw.between(0, 2), m.draw.between(0, 2)};
  const ValueId padded = m.add(Pad{}, {x, m.integers(pads), m.scalar(m.draw.chance(80) ? 0.0f : 0.5f)});
  m.offer(convolve(m, padded, Style::any));
}

void gather(Maker& m, ValueId x) {
  if (m.rank(x) < 1 || (m.open && m.rank(x) < 2)) return;
  const std::size_t axis = m.free_axis(x);
  const std::int64_t size = m.sizes(x)[axis];
  const Gather op{.axis = m.either_end(axis, m.rank(x))};
  if (m.draw.chance(25)) return m.offer(m.add(op, {x, m.zero_point(DType::int64, m.draw.between(-size, size - 1))}));
  Sizes indices;
  for (std::int64_t i = m.draw.between(1, 4); i > 0; --i) indices.push_back(m.draw.between(-size, size - 1));
  m.offer(m.add(op, {x, m.integers(indices)}));
}

void expand(Maker& m, ValueId x) {
  Sizes target = m.sizes(x);
  for (std::size_t i = m.open ? 1 : 0; i < target.size(); ++i) {
    if (target[i] == 1) target[i] = m.draw.between(1, 4);
  }
  if (m.open) target[0] = 1;
  if (!m.open && target.size() < 6 && m.draw.chance(30)) target.insert(target.begin(), m.draw.between(1, 3));
  m.offer(m.add(Expand{}, {x, m.integers(target)}));
}

void constant_of_shape(Maker& m, ValueId x) {
  ConstantOfShape op;
  op.value = Tensor::from<float>(Shape{1}, {static_cast<float>(m.draw.uniform(-1, 1))});
  const ValueId shape = m.draw.chance(60) ? m.add(ShapeOf{}, {x}) : m.integers({1});
  m.offer(m.add(Add{}, {x, m.add(op, {shape})}));
}

void dropout(Maker& m, ValueId x) {
  const bool mask = m.draw.chance(30);
  std::vector<ValueId> inputs = {x};
  if (m.draw.chance(40)) inputs.push_back(m.scalar(0.3f));
  const ValueId y = m.add(Dropout{}, inputs, mask ? 2 : 1);
  m.offer(y);
  if (mask) m.leave({y.node, 1});
}

constexpr Recipe recipes[] = {
    {"flatten", 2, flatten},
    {"reshape", 4, reshape_drawn},
    {"reshape_by_shape", 2, reshape_by_shape},
    {"squeeze", 2, squeeze},
    {"unsqueeze", 2, unsqueeze},
    {"transpose", 7, transpose_drawn},
    {"transpose_there_and_back", 4, transpose_there_and_back},
    {"concat", 6, concat},
    {"slice", 4, slice},
    {"pad", 3, pad},
    {"pad_conv", 2, pad_conv},
    {"gather", 3, gather},
    {"expand", 2, expand},
    {"constant_of_shape", 2, constant_of_shape},
    {"identity", 1, [](Maker& m, ValueId x) { m.offer(m.add(Identity{}, {x})); }},
    {"dropout", 1, dropout},
};

}  // namespace

std::span<const Recipe> movement_recipes() { return recipes; }

}  // namespace resnet::random

// Normalisations, reductions, and what resizes, divides, repeats and chooses.
#include "tests/random/recipes.h"

namespace resnet::random {

namespace {

void normalize(Maker& m, ValueId x) {
  const std::int64_t kind = m.draw.between(0, 6);
  if (kind >= 4) {
    const Sizes last = {m.sizes(x).empty() ? 1 : m.sizes(x).back()};
    if (m.rank(x) < 2) return;
    if (kind == 4) return m.offer(m.add(LayerNormalization{}, {x, m.constant(last, 0.5, 1.5), m.constant(last)}));
    return m.offer(m.add(LpNormalization{.p = m.draw.between(1, 2)}, {m.add(Add{}, {m.add(Sigmoid{}, {x}), m.scalar(0.5f)})}));
  }
  x = map_of(m, x);
  const Sizes c = {m.sizes(x)[1]};
  const ValueId scale = m.constant(c, 0.5, 1.5), shift = m.constant(c);
  // A map of one element has no deviation, so that noise would decide.
  const ValueId spread = m.add(Add{}, {x, m.constant({m.sizes(x)[2], m.sizes(x)[3]}, -2, 2)});
  const bool wide = m.sizes(x)[2] * m.sizes(x)[3] > 3;
  if (kind == 0 && wide) return m.offer(m.add(InstanceNormalization{.epsilon = 1e-2f}, {spread, scale, shift}));
  if (kind == 1 && wide) {
    const std::int64_t groups = draw_factor(m, c[0], 8);
    return m.offer(m.add(GroupNormalization{.epsilon = 1e-2f, .num_groups = groups}, {spread, scale, shift}));
  }
  if (kind == 2 && wide) return m.offer(m.add(MeanVarianceNormalization{.axes = {2, 3}}, {spread}));
  m.offer(m.add(LRN{.size = 2 * m.draw.between(0, 2) + 1}, {x}));
}

Op draw_reduction(Maker& m, bool keepdims) {
  switch (m.draw.between(0, 8)) {
    case 0: return ReduceSum{.keepdims = keepdims};
    case 1: return ReduceMax{.keepdims = keepdims};
    case 2: return ReduceMin{.keepdims = keepdims};
    case 3: return ReduceProd{.keepdims = keepdims};
    case 4: return ReduceL1{.keepdims = keepdims};
    case 5: return ReduceL2{.keepdims = keepdims};
    case 6: return ReduceSumSquare{.keepdims = keepdims};
    case 7: return ReduceLogSum{.keepdims = keepdims};
    default: return ReduceLogSumExp{.keepdims = keepdims};
  }
}

void reduce(Maker& m, ValueId x) {
  if (m.rank(x) < 2) return;
  // Between 0.5 and 1: sums stay above 0 and products near.
  const ValueId inside = m.add(Add{}, {m.add(Mul{}, {m.add(Sigmoid{}, {x}), m.scalar(0.5f)}), m.scalar(0.5f)});
  const std::size_t axis = m.free_axis(x);
  const ValueId y = m.add(draw_reduction(m, m.draw.chance(60)), {inside, m.integers({m.either_end(axis, m.rank(x))})});
  m.offer(m.add(Softsign{}, {y}));
}

void pool(Maker& m, ValueId x) {
  x = map_of(m, x);
  switch (m.draw.between(0, 3)) {
    case 0: return m.offer(m.add(GlobalMaxPool{}, {x}));
    case 1: return m.offer(m.add(GlobalLpPool{.p = m.draw.between(1, 3)}, {m.add(Sigmoid{}, {x})}));
    case 2: {
      const Sizes sizes = m.sizes(x);
      LpPool op;
      op.kernel_shape = {std::min<std::int64_t>(2, sizes[2]), std::min<std::int64_t>(2, sizes[3])};
      return m.offer(m.add(op, {m.add(Sigmoid{}, {x})}));
    }
    default: {
      // Of maps whose windows do not meet; the places are chosen by constants, for a float's noise may choose others.
      if (m.open) return;
      const Sizes sizes = m.sizes(x);
      std::vector<std::int64_t> places;
      for (std::int64_t i = 0; i < m.elements(x); ++i) places.push_back(i);
      const ValueId indices = reshape(m, m.integers(places), sizes);
      return m.offer(m.add(MaxUnpool{.kernel_shape = {1, 1}}, {x, indices}));
    }
  }
}

void resize(Maker& m, ValueId x) {
  x = map_of(m, x);
  if (m.sizes(x)[2] > 16 || m.sizes(x)[3] > 16) return;
  Resize op;
  op.mode = m.draw.one_of({Resize::Mode::nearest, Resize::Mode::linear, Resize::Mode::linear, Resize::Mode::cubic});
  const bool nearest = op.mode == Resize::Mode::nearest;
  op.coordinate_transformation_mode =
      nearest ? Resize::Transformation::asymmetric
              : m.draw.one_of({Resize::Transformation::half_pixel, Resize::Transformation::align_corners,
                               Resize::Transformation::pytorch_half_pixel});
  op.nearest_mode = Resize::Nearest::floor;
  // Places that are not between elements by chance: of the nearest, noise would choose.
  const float high = nearest ? 2.0f : m.draw.one_of({2.0f, 1.5f, 0.75f}), wide = m.draw.chance(50) ? 2.0f : 1.0f;
  const ValueId scales = m.graph.add_constant("scales" + std::to_string(m.graph.nodes().size()),
                                              Tensor::from<float>(Shape{4}, {1.0f, 1.0f, high, wide}));
  m.offer(m.add(op, {x, ValueId::none(), scales}));
}

void conv_transpose(Maker& m, ValueId x) {
  x = map_of(m, x);
  if (m.sizes(x)[2] > 16 || m.sizes(x)[3] > 16) return;
  ConvTranspose op;
  op.group = m.draw.chance(30) ? draw_factor(m, m.sizes(x)[1], 4) : 1;
  op.strides = {m.draw.between(1, 2), m.draw.between(1, 2)};
  const std::int64_t k = m.draw.between(1, 3), channels = m.sizes(x)[1], outputs = m.draw.between(1, 6);
  if (m.draw.chance(40)) op.output_padding = {m.draw.between(0, op.strides[0] - 1), m.draw.between(0, op.strides[1] - 1)};
  for (int i = 0; i < 4; ++i) op.pads.push_back(k > 1 ? m.draw.between(0, 1) : 0);
  std::vector<ValueId> inputs = {x, weights(m, {channels, outputs, k, k}, channels / op.group * k * k)};
  if (m.draw.chance(50)) inputs.push_back(m.constant({outputs * op.group}));
  const ValueId y = m.add(op, inputs);
  if (m.elements(y) > 0) m.offer(m.draw.chance(30) ? activate(m, y) : y);
}

void sample(Maker& m, ValueId x) {
  if (m.open) return;
  x = map_of(m, x);
  const std::int64_t n = m.sizes(x)[0], side = m.draw.between(1, 5);
  ValueId grid = m.constant({n, side, side, 2}, -1.2, 1.2);
  if (m.draw.chance(50)) grid = m.add(AffineGrid{}, {m.constant({n, 2, 3}), m.integers({n, 1, side, side})});
  m.offer(m.add(GridSample{}, {x, grid}));
}

void split(Maker& m, ValueId x) {
  if (m.rank(x) < 2) return;
  const std::size_t axis = m.free_axis(x);
  const std::int64_t size = m.sizes(x)[axis];
  if (size < 2) return;
  const std::int64_t first = m.draw.between(1, size - 1);
  const Split op{.axis = m.either_end(axis, m.rank(x))};
  const ValueId y = m.add(op, {x, m.integers({first, size - first})}, 2);
  m.offer(y);
  m.offer({y.node, 1});
}

void tile(Maker& m, ValueId x) {
  if (m.rank(x) < 1 || (m.open && m.rank(x) < 2) || m.elements(x) > 4096) return;
  Sizes repeats(m.rank(x), 1);
  repeats[m.free_axis(x)] = m.draw.between(1, 3);
  m.offer(m.add(Tile{}, {x, m.integers(repeats)}));
}

void blocks(Maker& m, ValueId x) {
  x = map_of(m, x);
  const Sizes sizes = m.sizes(x);
  if (sizes[1] % 4 == 0) {
    x = m.add(DepthToSpace{.blocksize = 2, .mode = m.draw.one_of({DepthToSpace::Mode::dcr, DepthToSpace::Mode::crd})}, {x});
  } else if (sizes[2] % 2 != 0 || sizes[3] % 2 != 0) {
    const ValueId doubled = m.add(Tile{}, {x, m.integers({1, 4, 1, 1})});
    return m.offer(m.add(DepthToSpace{.blocksize = 2}, {doubled}));
  }
  const Sizes now = m.sizes(x);
  if (now[2] % 2 == 0 && now[3] % 2 == 0) x = m.add(SpaceToDepth{.blocksize = 2}, {x});
  m.offer(x);
}

// Operators that work on the last two axes, or on indices that are constant.
void choose(Maker& m, ValueId x) {
  x = matrix_of(m, x);
  const std::int64_t rows = m.sizes(x)[0], columns = m.sizes(x)[1];
  if (columns > 256) return;
  switch (m.draw.between(0, 7)) {
    case 0: return m.offer(m.add(TopK{.largest = m.draw.chance(50)}, {x, m.integers({m.draw.between(1, columns)})}));
    case 1: return m.offer(m.add(Softsign{}, {m.add(CumSum{.reverse = m.draw.chance(50)}, {x, m.integers({1})})}));
    case 2:
      if (m.open) return;
      return m.offer(m.add(Trilu{.upper = m.draw.chance(50)}, {x}));
    case 3: return m.offer(m.add(Einsum{"ij,jk->ik"}, {x, weights(m, {columns, 3}, columns)}));
    case 4: {
      if (m.open) return;
      const ValueId indices = reshape(m, m.integers(Sizes(static_cast<std::size_t>(rows), columns - 1)), {rows, 1});
      return m.offer(m.add(GatherElements{.axis = 1}, {x, indices}));
    }
    case 5: {
      if (m.open) return;
      const ValueId index = reshape(m, m.integers({rows - 1}), {1, 1});
      const ValueId row = m.add(GatherND{}, {x, index});
      return m.offer(m.add(ScatterND{}, {x, reshape(m, m.integers({0}), {1, 1}), row}));
    }
    case 6: {
      if (m.open) return;
      const ValueId indices = reshape(m, m.integers(Sizes(static_cast<std::size_t>(rows), 0)), {rows, 1});
      return m.offer(m.add(ScatterElements{.axis = 1}, {x, indices, m.constant({rows, 1})}));
    }
    default: {
      // 0, 1, ... as floats, and which of them the columns' count is not: constants that are computed.
      const auto number = [&](std::int64_t value) { return m.add(Squeeze{}, {m.integers({value})}); };
      const ValueId places = m.add(Range{}, {number(0), number(columns), number(1)});
      const ValueId least = m.add(ArgMin{.keepdims = true}, {m.constant({columns})});
      const ValueId marked = m.add(OneHot{}, {least, m.add(Size{}, {places}), m.constant({2})});
      return m.offer(m.add(Add{}, {x, marked}));
    }
  }
}

constexpr Recipe recipes[] = {
    {"normalize", 8, normalize, false},
    {"reduce", 16, reduce, false},
    {"pool", 6, pool, false},
    {"resize", 2, resize, false},
    {"conv_transpose", 2, conv_transpose, false},
    {"sample", 4, sample, false},
    {"split", 3, split, false},
    {"tile", 2, tile, false},
    {"blocks", 3, blocks, false},
    {"choose", 18, choose, false},
};

}  // namespace

std::span<const Recipe> family_recipes() { return recipes; }

}  // namespace resnet::random

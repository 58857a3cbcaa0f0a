// Through other element types and back.
#include "tests/random/recipes.h"

namespace resnet::random {

namespace {

ValueId cast(Maker& m, ValueId x, DType to) { return m.add(Cast{to}, {x}); }

// Something that every floating-point type has, and that moves or changes elements.
ValueId any_float_operator(Maker& m, ValueId x) {
  const std::size_t rank = m.rank(x);
  switch (m.draw.between(0, 4)) {
    case 0: return m.add(Relu{}, {x});
    case 1: return m.add(Add{}, {x, x});
    case 2: return rank >= 2 ? transpose(m, x, draw_perm(m, rank)) : x;
    case 3: return rank == 4 ? m.add(GlobalAveragePool{}, {x}) : m.add(Mul{}, {x, x});
    default:
      return rank == 4 && !m.open ? m.add(Concat{.axis = m.draw.between(0, 3)}, {x, x}) : m.add(Sub{}, {x, m.add(Relu{}, {x})});
  }
}

void through_half(Maker& m, ValueId x) {
  ValueId y = cast(m, x, m.draw.chance(75) ? DType::float16 : DType::bfloat16);
  for (std::int64_t i = m.draw.between(0, 2); i > 0; --i) y = any_float_operator(m, y);
  if (m.draw.chance(25)) m.leave(y);
  m.offer(cast(m, y, DType::float32));
}

// A convolution that is computed in 16 bits: its weights come as float and are cast.
void conv_half(Maker& m, ValueId x) {
  x = cast(m, map_of(m, x), DType::float16);
  const std::int64_t channels = m.sizes(x)[1], outputs = m.draw.between(1, 16);
  const ValueId weight = cast(m, weights(m, {outputs, channels, 1, 1}, channels), DType::float16);
  m.offer(cast(m, m.add(Conv{}, {x, weight}), DType::float32));
}

void through_double(Maker& m, ValueId x) {
  ValueId y = cast(m, x, DType::float64);
  for (std::int64_t i = m.draw.between(0, 2); i > 0; --i) y = any_float_operator(m, y);
  if (m.draw.chance(25)) m.leave(y);
  m.offer(cast(m, y, DType::float32));
}

void through_integers(Maker& m, ValueId x) {
  const DType to = m.draw.one_of({DType::int32, DType::int64, DType::int8});
  ValueId y = cast(m, m.add(Mul{}, {x, m.scalar(5)}), to);
  if (to != DType::int8 && m.draw.chance(50)) y = m.add(Add{}, {y, y});
  if (m.rank(y) >= 2 && m.draw.chance(50)) y = transpose(m, y, draw_perm(m, m.rank(y)));
  if (m.draw.chance(25)) m.leave(y);
  m.offer(m.add(Mul{}, {cast(m, y, DType::float32), m.scalar(0.2f)}));
}

void through_bool(Maker& m, ValueId x) {
  ValueId y = cast(m, m.draw.chance(50) ? m.add(Relu{}, {x}) : x, DType::boolean);
  if (m.rank(y) >= 2 && m.draw.chance(50)) y = transpose(m, y, draw_perm(m, m.rank(y)));
  if (m.draw.chance(25)) m.leave(y);
  m.offer(cast(m, y, DType::float32));
}

// Sizes as numbers to compute with.
void shape_as_numbers(Maker& m, ValueId x) {
  if (m.rank(x) < 2) return;
  ShapeOf op;
  op.start = 1;
  const ValueId shape = m.add(op, {x});
  m.leave(shape);
  const ValueId size = m.add(Gather{.axis = 0}, {cast(m, shape, DType::float32), m.zero_point(DType::int64, 0)});
  m.offer(m.add(Div{}, {x, size}));
}

// Indices that are given as an input.
void gather_by_input(Maker& m, ValueId x) {
  if (m.open || m.rank(x) < 1) return;
  const std::size_t axis = m.free_axis(x);
  const ValueId indices = m.input(DType::int64, {m.draw.between(1, 3), m.draw.between(1, 2)});
  m.offer(m.add(Gather{.axis = static_cast<std::int64_t>(axis)}, {x, indices}));
}

constexpr Recipe recipes[] = {
    {"through_half", 3, through_half, false},     {"conv_half", 1, conv_half, false},
    {"through_double", 3, through_double, false}, {"through_integers", 3, through_integers, false},
    {"through_bool", 1, through_bool, false},     {"shape_as_numbers", 1, shape_as_numbers},
    {"gather_by_input", 2, gather_by_input},
};

}  // namespace

std::span<const Recipe> type_recipes() { return recipes; }

}  // namespace resnet::random

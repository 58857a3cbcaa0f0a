// Element by element: activations, sums, products, normalisation.
#include "tests/random/recipes.h"

namespace resnet::random {

namespace {

void clip(Maker& m, ValueId x) {
  std::vector<ValueId> inputs = {x};
  inputs.push_back(m.draw.chance(70) ? m.scalar(static_cast<float>(m.draw.uniform(-1, 0))) : ValueId::none());
  if (m.draw.chance(70)) inputs.push_back(m.scalar(static_cast<float>(m.draw.uniform(0.1, 1))));
  m.offer(m.add(Clip{}, inputs));
}

void hard_sigmoid(Maker& m, ValueId x) {
  HardSigmoid op;
  if (m.draw.chance(50)) op = {.alpha = 1.0f / 6, .beta = 0.4f};
  m.offer(m.add(op, {x}));
}

// x and a value of the same sizes, made where there is none.
void add_alike(Maker& m, ValueId x) {
  ValueId other = m.alike(x);
  if (other.is_none() || m.draw.chance(10)) {
    other = m.draw.chance(50) ? m.add(Sigmoid{}, {x}) : m.draw.chance(50) ? m.input(DType::float32, m.sizes(x)) : x;
  }
  if (m.draw.chance(50)) std::swap(x, other);
  ValueId y = m.draw.chance(20)   ? m.add(Sum{}, {x, other})
              : m.draw.chance(15) ? m.add(Sub{}, {x, other})
                                  : m.add(Add{}, {x, other});
  if (m.draw.chance(40)) y = activate(m, y);
  m.offer(y);
}

// x and as many elements in another order: what was computed under another shape, brought to x's.
void add_reshaped(Maker& m, ValueId x) {
  for (ValueId other : m.values) {
    if (m.elements(other) != m.elements(x) || other == x || m.sizes(other) == m.sizes(x)) continue;
    if (m.sizes(x).empty() || (m.open && m.sizes(other)[0] != m.sizes(x)[0])) continue;
    m.offer(m.add(Add{}, {x, reshape(m, other, m.sizes(x))}));
    return;
  }
}

Sizes broadcastable(Maker& m, ValueId x) {
  Sizes sizes = m.sizes(x);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if ((m.open && i == 0) || m.draw.chance(50)) sizes[i] = 1;
  }
  const std::int64_t most = m.last_axis(x) + 1;
  const std::int64_t dropped = m.draw.chance(50) ? m.draw.between(0, most) : 0;
  sizes.erase(sizes.begin(), sizes.begin() + dropped);
  return sizes;
}

Op draw_binary(Maker& m) {
  switch (m.draw.between(0, 3)) {
    case 0: return Add{};
    case 1: return Sub{};
    case 2: return Mul{};
    default: return Div{};
  }
}

void binary_constant(Maker& m, ValueId x) {
  const bool per_channel = m.rank(x) == 4 && m.draw.chance(50);
  const Sizes sizes = per_channel ? Sizes{m.sizes(x)[1], 1, 1} : broadcastable(m, x);
  const ValueId constant = m.constant(sizes, 0.4, 1.6);
  const Op op = draw_binary(m);
  // A constant is divided by what is at least 0.3 alone.
  if (m.draw.chance(25) && !holds_alternative<Div>(op)) return m.offer(m.add(op, {constant, x}));
  m.offer(m.add(op, {x, constant}));
}

// Two computed values that broadcast: one is reduced from x, or of lower rank.
void binary_broadcast(Maker& m, ValueId x) {
  const std::size_t rank = m.rank(x);
  if (rank < 2) return;
  Sizes axes;
  for (std::size_t i = m.open ? 1 : 0; i < rank; ++i) {
    if (m.draw.chance(50)) axes.push_back(static_cast<std::int64_t>(i));
  }
  ValueId other = axes.empty() ? m.any() : m.add(ReduceMean{}, {x, m.integers(axes)});
  // Of another rank, the batch of one would meet another axis of the other.
  if (m.open && m.rank(other) != rank) return;
  if (m.draw.chance(50)) other = m.add(Sigmoid{}, {other});
  // Without the batch axis the value has a lower rank.
  const bool has_one = !m.sizes(other).empty() && m.sizes(other)[0] == 1;
  if (!m.open && has_one && m.draw.chance(40)) other = m.add(Squeeze{}, {other, m.integers({0})});
  Op op = draw_binary(m);
  if (holds_alternative<Div>(op)) other = m.add(Add{}, {m.add(Sigmoid{}, {other}), m.scalar(0.5f)});
  if (m.draw.chance(50) && !holds_alternative<Div>(op)) std::swap(x, other);
  m.offer(m.add(op, {x, other}));
}

void sum(Maker& m, ValueId x) {
  std::vector<ValueId> inputs = {x};
  for (std::int64_t i = m.draw.between(0, 2); i > 0; --i) {
    const ValueId other = m.alike(x);
    inputs.push_back(other.is_none() ? m.constant(broadcastable(m, x)) : other);
  }
  m.offer(m.add(Sum{}, inputs));
}

void batch_normalization(Maker& m, ValueId x) {
  if (m.rank(x) < 2) return;
  const Sizes c = {m.sizes(x)[1]};
  const ValueId scale = m.constant(c, 0.5, 1.5), shift = m.constant(c, -0.5, 0.5), mean = m.constant(c, -0.3, 0.3),
                variance = m.constant(c, 0.5, 1.5);
  ValueId y = m.add(BatchNormalization{.epsilon = m.draw.chance(50) ? 1e-5f : 1e-3f}, {x, scale, shift, mean, variance});
  if (m.draw.chance(40)) y = activate(m, y);
  m.offer(y);
}

constexpr Recipe recipes[] = {
    {"relu", 3, [](Maker& m, ValueId x) { m.offer(m.add(Relu{}, {x})); }},
    {"clip", 2, clip},
    {"sigmoid", 2, [](Maker& m, ValueId x) { m.offer(m.add(Sigmoid{}, {x})); }},
    {"hard_sigmoid", 2, hard_sigmoid},
    {"add_alike", 8, add_alike},
    {"add_reshaped", 5, add_reshaped},
    {"binary_constant", 6, binary_constant},
    {"binary_broadcast", 5, binary_broadcast},
    {"sum", 3, sum},
    {"batch_normalization", 3, batch_normalization},
};

}  // namespace

std::span<const Recipe> arithmetic_recipes() { return recipes; }

}  // namespace resnet::random

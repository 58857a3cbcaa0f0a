// Patterns that networks have: what the executor fuses, and what makes it keep several layouts of one value.
#include "tests/random/recipes.h"

namespace resnet::random {

namespace {

ValueId normalize(Maker& m, ValueId x) {
  const Sizes c = {m.sizes(x)[1]};
  return m.add(BatchNormalization{},
               {x, m.constant(c, 0.5, 1.5), m.constant(c, -0.3, 0.3), m.constant(c, -0.3, 0.3), m.constant(c, 0.5, 1.5)});
}

ValueId conv_block(Maker& m, ValueId x, std::int64_t outputs) {
  ValueId y = convolve(m, x, Style::same_size, outputs);
  return m.draw.chance(50) ? normalize(m, y) : y;
}

// The paper's building block.
void residual_block(Maker& m, ValueId x) {
  x = map_of(m, x);
  const std::int64_t outputs = m.draw.chance(60) ? m.draw.one_of<std::int64_t>({16, 20, 32}) : m.sizes(x)[1];
  ValueId shortcut = x;
  if (outputs != m.sizes(x)[1]) shortcut = conv_block(m, x, outputs);
  ValueId y = m.draw.chance(60) ? m.add(Relu{}, {conv_block(m, x, outputs)}) : x;
  y = conv_block(m, y, outputs);
  y = m.draw.chance(50) ? m.add(Add{}, {y, shortcut}) : m.add(Add{}, {shortcut, y});
  if (m.draw.chance(70)) y = activate(m, y);
  m.offer(y);
}

// A convolution plus what lies in memory in another order.
void conv_plus_foreign_order(Maker& m, ValueId x) {
  x = map_of(m, x);
  const std::int64_t outputs = m.draw.one_of<std::int64_t>({15, 16, 17, 32});
  const ValueId y = convolve(m, x, Style::same_size, outputs);
  const Sizes to = m.sizes(y);
  ValueId other;
  for (ValueId value : m.values) {
    const bool fits = m.elements(value) == m.elements(y) && (!m.open || m.sizes(value)[0] == to[0]) && m.rank(value) > 0;
    if (fits && (m.rank(value) != 4 || m.draw.chance(50))) other = value;
  }
  if (other.is_none()) {
    const std::int64_t features = to[1] * to[2] * to[3];
    const bool given = m.draw.chance(50) || features > 1000;  // a square of more weights takes seconds to draw
    other = given ? m.input(DType::float32, {to[0], features})
                  : m.add(MatMul{}, {m.add(Flatten{}, {y}), weights(m, {features, features}, 4000)});
  }
  if (m.sizes(other) != to) other = reshape(m, other, to);
  ValueId z = m.draw.chance(50) ? m.add(Add{}, {y, other}) : m.add(Add{}, {other, y});
  if (m.draw.chance(40)) z = activate(m, z);
  m.offer(z);
}

void squeeze_excite(Maker& m, ValueId x) {
  x = map_of(m, x);
  const std::int64_t channels = m.sizes(x)[1];
  ValueId gate = m.add(GlobalAveragePool{}, {x});
  gate = m.add(Relu{}, {convolve(m, gate, Style::same_size, m.draw.between(1, 16))});
  gate = convolve(m, gate, Style::same_size, channels);
  gate = m.draw.chance(50) ? m.add(Sigmoid{}, {gate}) : m.add(HardSigmoid{}, {gate});
  ValueId y = m.draw.chance(50) ? m.add(Mul{}, {x, gate}) : m.add(Mul{}, {gate, x});
  if (m.draw.chance(50)) y = m.add(Add{}, {y, m.draw.chance(50) ? x : convolve(m, x, Style::same_size, channels)});
  if (m.draw.chance(40)) y = activate(m, y);
  m.offer(y);
}

void head(Maker& m, ValueId x) {
  x = map_of(m, x);
  ValueId y = m.draw.chance(60) ? m.add(GlobalAveragePool{}, {x})
                                : m.add(ReduceMean{.keepdims = m.draw.chance(50)}, {x, m.integers({2, 3})});
  y = m.add(Flatten{}, {y});
  const std::int64_t inputs = m.sizes(y)[1], outputs = m.draw.between(2, 40);
  y = m.add(Gemm{.transB = true}, {y, weights(m, {outputs, inputs}, inputs), m.constant({outputs})});
  if (m.draw.chance(40)) y = m.add(Softmax{}, {y});
  m.offer(y);
}

// A map as tokens: batch, places, channels.
void tokens(Maker& m, ValueId x) {
  x = map_of(m, x);
  const Sizes sizes = m.sizes(x);
  ValueId y = transpose(m, reshape(m, x, {sizes[0], sizes[1], sizes[2] * sizes[3]}), {0, 2, 1});
  y = m.add(MatMul{}, {y, weights(m, {sizes[1], sizes[1]}, sizes[1])});
  if (m.draw.chance(50)) y = m.add(Softmax{}, {y});
  if (m.draw.chance(50)) m.offer(y);
  m.offer(reshape(m, transpose(m, y, {0, 2, 1}), sizes));
}

// Channels in groups, shuffled among them.
void channel_shuffle(Maker& m, ValueId x) {
  x = map_of(m, x);
  const Sizes sizes = m.sizes(x);
  const std::int64_t groups = draw_factor(m, sizes[1], 8);
  ValueId y = reshape(m, x, {sizes[0], groups, sizes[1] / groups, sizes[2], sizes[3]});
  y = transpose(m, y, {0, 2, 1, 3, 4});
  m.offer(reshape(m, y, sizes));
}

void space_to_depth(Maker& m, ValueId x) {
  x = map_of(m, x);
  const Sizes s = m.sizes(x);
  if (s[2] % 2 != 0 || s[3] % 2 != 0) return;
  ValueId y = reshape(m, x, {s[0], s[1], s[2] / 2, 2, s[3] / 2, 2});
  y = transpose(m, y, {0, 3, 5, 1, 2, 4});
  m.offer(reshape(m, y, {s[0], s[1] * 4, s[2] / 2, s[3] / 2}));
}

// One value, read in its own order and in another, early and late.
void several_readers(Maker& m, ValueId x) {
  x = map_of(m, x);
  const ValueId early = convolve(m, x, Style::same_size, m.sizes(x)[1]);
  const ValueId flat = m.add(Flatten{}, {x});
  const ValueId late = m.draw.chance(50) ? m.add(Add{}, {x, early}) : m.add(Concat{.axis = 1}, {early, x});
  m.offer(flat);
  m.offer(late);
}

// What is computed of constants alone: folded, or run as it is without passes.
void of_constants(Maker& m, ValueId x) {
  if (m.open || m.rank(x) < 1) return;
  const Sizes sizes = m.sizes(x);
  ValueId side = reshape(m, m.constant({m.elements(x)}), sizes);
  if (m.rank(x) == 4 && m.draw.chance(50)) {
    side = transpose(m, reshape(m, m.constant({m.elements(x)}), {sizes[0], sizes[2], sizes[3], sizes[1]}), {0, 3, 1, 2});
  }
  if (m.draw.chance(40)) side = activate(m, side);
  if (m.rank(x) == 4 && m.draw.chance(40)) side = convolve(m, side, Style::same_size, sizes[1]);
  m.offer(m.draw.chance(50) ? m.add(Add{}, {x, side}) : m.add(Concat{.axis = m.last_axis(x)}, {x, side}));
  if (m.draw.chance(20)) m.offer(side);
}

constexpr Recipe recipes[] = {
    {"of_constants", 2, of_constants},
    {"residual_block", 7, residual_block},
    {"conv_plus_foreign_order", 5, conv_plus_foreign_order},
    {"squeeze_excite", 3, squeeze_excite},
    {"head", 3, head},
    {"tokens", 3, tokens},
    {"channel_shuffle", 2, channel_shuffle},
    {"space_to_depth", 2, space_to_depth},
    {"several_readers", 4, several_readers},
};

}  // namespace

std::span<const Recipe> pattern_recipes() { return recipes; }

}  // namespace resnet::random

// Functions of one number, powers, extremes and logic.
#include "tests/random/recipes.h"

namespace resnet::random {

namespace {

// Those that are defined, and do not grow, everywhere.
Op draw_function(Maker& m) {
  switch (m.draw.between(0, 18)) {
    case 0: return LeakyRelu{.alpha = m.draw.chance(50) ? 0.01f : 0.2f};
    case 1: return ThresholdedRelu{.alpha = 0.0f};
    case 2: return Elu{};
    case 3: return Selu{};
    case 4: return Celu{.alpha = 1.5f};
    case 5: return HardSwish{};
    case 6: return Tanh{};
    case 7: return Mish{};
    case 8: return Gelu{.approximate = m.draw.chance(50) ? Gelu::Approximate::none : Gelu::Approximate::tanh};
    case 9: return Softplus{};
    case 10: return Softsign{};
    case 11: return Tanh{};
    case 12: return Erf{};
    case 13: return Sin{};
    case 14: return Cos{};
    case 15: return Abs{};
    case 16: return Atan{};
    case 17: return Asinh{};
    default: return Neg{};
  }
}

void function(Maker& m, ValueId x) { m.offer(m.add(draw_function(m), {x})); }

// Of numbers between -0.5 and 0.5, or between 1.5 and 2.5.
void function_of_small(Maker& m, ValueId x) {
  const ValueId inside = m.add(Sub{}, {m.add(Sigmoid{}, {x}), m.scalar(0.5f)});
  switch (m.draw.between(0, 6)) {
    case 0: return m.offer(m.add(Tan{}, {inside}));
    case 1: return m.offer(m.add(Asin{}, {inside}));
    case 2: return m.offer(m.add(Acos{}, {inside}));
    case 3: return m.offer(m.add(Sinh{}, {inside}));
    case 4: return m.offer(m.add(Cosh{}, {inside}));
    case 5: return m.offer(m.add(Atanh{}, {inside}));
    default: return m.offer(m.add(Acosh{}, {m.add(Add{}, {inside, m.scalar(2)})}));
  }
}

// Of numbers above 0.5, and below 1 for Exp.
void function_of_positive(Maker& m, ValueId x) {
  const ValueId inside = m.add(Sigmoid{}, {x}), above = m.add(Add{}, {inside, m.scalar(0.5f)});
  switch (m.draw.between(0, 4)) {
    case 0: return m.offer(m.add(Exp{}, {inside}));
    case 1: return m.offer(m.add(Log{}, {above}));
    case 2: return m.offer(m.add(Sqrt{}, {above}));
    case 3: return m.offer(m.add(Reciprocal{}, {above}));
    default: return m.offer(m.add(Pow{}, {above, m.scalar(static_cast<float>(m.draw.uniform(-2, 3)))}));
  }
}

// What jumps: of constants, which have no noise.
void jump(Maker& m, ValueId x) {
  const bool per_channel = m.rank(x) > 1 && !m.open;
  const ValueId constant = m.constant(per_channel ? Sizes{m.sizes(x).back()} : Sizes{1}, -3, 3);
  ValueId factor;
  switch (m.draw.between(0, 4)) {
    case 0: factor = m.add(Floor{}, {constant}); break;
    case 1: factor = m.add(Ceil{}, {constant}); break;
    case 2: factor = m.add(Round{}, {constant}); break;
    case 3: factor = m.add(Sign{}, {constant}); break;
    default: factor = m.add(Mod{.fmod = true}, {constant, m.scalar(2)}); break;
  }
  m.offer(m.add(Mul{}, {x, factor}));
}

void prelu(Maker& m, ValueId x) { m.offer(m.add(PRelu{}, {x, channels(m, x, 0, 0.5)})); }

// What keeps the shape: a function, or arithmetic with a number, with numbers of the channels or with another value.
ValueId one_more(Maker& m, ValueId x) {
  if (m.draw.chance(40)) return m.add(draw_function(m), {x});
  const ValueId alike = m.draw.chance(30) ? m.alike(x) : ValueId::none();
  const ValueId other = alike.is_none() ? channels(m, x, 0.4, 1.2) : alike;
  const bool first = m.draw.chance(50);
  const std::vector<ValueId> inputs = first ? std::vector{other, x} : std::vector{x, other};
  switch (m.draw.between(0, 5)) {
    case 0: return m.add(Add{}, inputs);
    case 1: return m.add(Sub{}, inputs);
    case 2: return m.add(Mul{}, inputs);
    case 3: return m.add(Max{}, inputs);
    case 4: return m.add(Min{}, inputs);
    default: return alike.is_none() ? m.add(Div{}, {x, other}) : m.add(Mean{}, inputs);
  }
}

void chain(Maker& m, ValueId x) {
  if (m.rank(x) == 4 && m.draw.chance(40)) x = convolve(m, x, Style::same_size);
  for (std::int64_t left = m.draw.between(2, 6); left > 0; --left) x = one_more(m, x);
  m.offer(x);
}

// Activations as exporters write them who lack the operator.
void written_activation(Maker& m, ValueId x) {
  if (m.rank(x) == 4 && m.draw.chance(60)) x = convolve(m, x, Style::same_size);
  const auto number = [&](double value) { return m.scalar(static_cast<float>(value)); };
  switch (m.draw.between(0, 4)) {
    case 0: return m.offer(m.add(Mul{}, {m.add(Sigmoid{}, {m.add(Mul{}, {x, number(1.702)})}), x}));
    case 1: return m.offer(m.add(Mul{}, {x, m.add(Tanh{}, {m.add(Softplus{}, {x})})}));
    case 2: {
      const ValueId ramp = m.add(Clip{}, {m.add(Add{}, {x, number(3)}), number(0), number(6)});
      return m.offer(m.add(Div{}, {m.add(Mul{}, {x, ramp}), number(6)}));
    }
    case 3: {
      const ValueId share = m.add(Add{}, {m.add(Erf{}, {m.add(Div{}, {x, number(1.4142135623731)})}), number(1)});
      return m.offer(m.add(Mul{}, {m.add(Mul{}, {x, share}), number(0.5)}));
    }
    default: return m.offer(m.add(Max{}, {m.add(Mul{}, {x, number(0.1)}), x}));
  }
}

void extreme(Maker& m, ValueId x) {
  std::vector<ValueId> inputs = {x};
  const ValueId other = m.alike(x);
  if (m.draw.chance(80)) inputs.push_back(other.is_none() ? m.scalar(static_cast<float>(m.draw.uniform(-1, 1))) : other);
  const std::int64_t kind = m.draw.between(0, 2);
  m.offer(kind == 0 ? m.add(Max{}, inputs) : kind == 1 ? m.add(Min{}, inputs) : m.add(Mean{}, inputs));
}

ValueId draw_condition(Maker& m, const Sizes& sizes) {
  const ValueId a = m.constant(sizes), b = m.constant(Sizes{1});
  switch (m.draw.between(0, 4)) {
    case 0: return m.add(Equal{}, {a, a});
    case 1: return m.add(Greater{}, {a, b});
    case 2: return m.add(GreaterOrEqual{}, {b, a});
    case 3: return m.add(Less{}, {a, b});
    default: return m.add(LessOrEqual{}, {b, a});
  }
}

void choose(Maker& m, ValueId x) {
  const Sizes sizes = {m.rank(x) > 1 ? m.sizes(x).back() : 1};
  ValueId condition = draw_condition(m, sizes);
  if (m.draw.chance(40)) condition = m.add(Not{}, {condition});
  if (m.draw.chance(20)) condition = m.draw.chance(50) ? m.add(IsNaN{}, {x}) : m.add(IsInf{}, {x});
  if (m.draw.chance(70)) {
    const ValueId other = draw_condition(m, sizes);
    const std::int64_t kind = m.draw.between(0, 2);
    const Op op = kind == 0 ? Op(And{}) : kind == 1 ? Op(Or{}) : Op(Xor{});
    condition = m.add(op, {condition, other});
  }
  const ValueId other = m.alike(x);
  m.offer(m.add(Where{}, {condition, x, other.is_none() ? m.scalar(0.25f) : other}));
}

constexpr Recipe recipes[] = {
    {"function", 20, function, false},
    {"function_of_positive", 8, function_of_positive, false},
    {"function_of_small", 5, function_of_small, false},
    {"jump", 5, jump, false},
    {"prelu", 2, prelu, false},
    {"chain", 6, chain, false},
    {"written_activation", 4, written_activation, false},
    {"extreme", 3, extreme, false},
    {"choose", 6, choose, false},
};

}  // namespace

std::span<const Recipe> function_recipes() { return recipes; }

}  // namespace resnet::random

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

void prelu(Maker& m, ValueId x) {
  const std::size_t rank = m.rank(x);
  Sizes slope = {1};
  if (rank > 2 && m.draw.chance(70)) slope = Sizes{m.sizes(x)[1]};
  for (std::size_t i = 2; slope[0] != 1 && i < rank; ++i) slope.push_back(1);
  m.offer(m.add(PRelu{}, {x, m.constant(slope, 0, 0.5)}));
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
    {"extreme", 3, extreme, false},
    {"choose", 6, choose, false},
};

}  // namespace

std::span<const Recipe> function_recipes() { return recipes; }

}  // namespace resnet::random

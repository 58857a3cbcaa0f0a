#include "lib/kernels/chain.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "tests/kernels/instruction_sets.h"
#include "tests/kernels/problem.h"

namespace resnet::kernels {
namespace {

class ChainTest : public ForInstructionSet {};

constexpr float infinite = std::numeric_limits<float>::infinity();

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

// A function of x alone, and what it is in double. `a` and `b` are the link's.
struct Known {
  Function function;
  double (*exact)(double);
  float a = 0, b = 0;
  float least = -200, most = 200;  // where it is compared
};
const Known all_known[] = {
    {Function::leaky_relu, [](double x) { return x < 0 ? 0.25 * x : x; }, 0.25f},
    {Function::thresholded_relu, [](double x) { return x <= 0.5 ? 0 : x; }, 0.5f},
    {Function::elu, [](double x) { return x < 0 ? 1.5 * std::expm1(x) : x; }, 1.5f},
    {Function::selu, [](double x) { return 0.75 * (x <= 0 ? 1.5 * std::expm1(x) : x); }, 1.5f, 0.75f},
    {Function::celu, [](double x) { return x < 0 ? 1.5 * std::expm1(x / 1.5) : x; }, 1.5f},
    {Function::hard_sigmoid, [](double x) { return std::clamp(0.25 * x + 0.5, 0.0, 1.0); }, 0.25f, 0.5f},
    {Function::hard_swish, [](double x) { return x * std::clamp((x + 3) / 6, 0.0, 1.0); }},
    {Function::sigmoid, logistic},
    {Function::swish, [](double x) { return x * logistic(1.5 * x); }, 1.5f, 0, -20, 200},
    {Function::mish, [](double x) { return x * std::tanh(std::log1p(std::exp(x))); }},
    {Function::gelu, [](double x) { return x * 0.5 * std::erfc(-x / std::sqrt(2.0)); }, 0, 0, -7, 200},
    {Function::gelu_by_tanh,
     [](double x) { return x * logistic(2 * std::sqrt(2 / 3.14159265358979) * (x + 0.044715 * x * x * x)); }, 0, 0, -4, 200},
    {Function::softplus, [](double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }},
    {Function::softsign, [](double x) { return x / (1 + std::abs(x)); }},
    {Function::tanh, [](double x) { return std::tanh(x); }},
    {Function::erf, [](double x) { return std::erf(x); }},
    {Function::exp, [](double x) { return std::exp(x); }},
    {Function::log, [](double x) { return std::log(x); }, 0, 0, 1e-9f, 200},
    {Function::sqrt, [](double x) { return std::sqrt(x); }, 0, 0, 0, 200},
    {Function::root, [](double x) { return std::pow(x, 0.5); }, 0, 0, 0, 200},
    {Function::square, [](double x) { return x * x; }},
    {Function::reciprocal, [](double x) { return 1 / x; }},
    {Function::floor, [](double x) { return std::floor(x); }},
    {Function::ceil, [](double x) { return std::ceil(x); }},
    {Function::round, [](double x) { return std::nearbyint(x); }},
    {Function::abs, [](double x) { return std::abs(x); }},
    {Function::neg, [](double x) { return -x; }},
    {Function::clamp, [](double x) { return std::clamp(x, -1.5, 6.0); }, -1.5f, 6.0f},
};

Chain chain_of(std::vector<Link> links) { return {.axes = {{0, 1}}, .links = std::move(links)}; }
Link link_of(const Known& known) { return {.function = known.function, .a = known.a, .b = known.b}; }

// x from one bound to the other, densely near 0.
std::vector<float> places(const Known& known) {
  std::vector<float> x;
  for (int i = -2000; i <= 2000; ++i) {
    const double t = i / 2000.0, value = t * t * t * 200;
    if (value >= static_cast<double>(known.least) && value <= static_cast<double>(known.most) && i != 0)
      x.push_back(static_cast<float>(value));
  }
  return x;
}

TEST_P(ChainTest, FunctionsAreWithinLastBits) {
  for (const Known& known : all_known) {
    const std::vector<float> x = places(known);
    std::vector<float> y(x.size());
    run(chain_of({link_of(known)}), x.data(), nullptr, y.data(), 0, x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double exact = known.exact(static_cast<double>(x[i]));
      if (std::abs(exact) > 3.4e38) continue;  // infinite as a float
      ASSERT_NEAR(y[i], exact, 2e-6 * std::abs(exact) + 2e-38 * std::max(1.0, std::abs(static_cast<double>(x[i]))))
          << static_cast<int>(known.function) << " of " << x[i];
    }
  }
}

// The limits at both ends, and NaN.
TEST_P(ChainTest, WhatIsNotFinite) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> x = {-infinite, infinite, nan, 0.0f, -1e30f, 1e30f};
  const auto of = [&](Function function, float a = 1, float b = 1) {
    std::vector<float> y(x.size());
    run(chain_of({{.function = function, .a = a, .b = b}}), x.data(), nullptr, y.data(), 0, x.size());
    EXPECT_TRUE(std::isnan(y[2])) << static_cast<int>(function);
    y.erase(y.begin() + 2);
    return y;
  };
  using Floats = std::vector<float>;
  for (const Known& known : all_known) of(known.function);
  EXPECT_EQ(of(Function::sigmoid), (Floats{0, 1, 0.5f, 0, 1}));
  for (const Function f : {Function::swish, Function::mish, Function::gelu, Function::gelu_by_tanh, Function::hard_swish})
    EXPECT_EQ(of(f), (Floats{0, infinite, 0, 0, 1e30f})) << static_cast<int>(f);
  EXPECT_EQ(of(Function::elu), (Floats{-1, infinite, 0, -1, 1e30f}));
  EXPECT_EQ(of(Function::tanh), (Floats{-1, 1, 0, -1, 1}));
  EXPECT_EQ(of(Function::erf), (Floats{-1, 1, 0, -1, 1}));
  EXPECT_EQ(of(Function::exp), (Floats{0, infinite, 1, 0, infinite}));
  EXPECT_EQ(of(Function::softplus), (Floats{0, infinite, std::log(2.0f), 0, 1e30f}));
  EXPECT_EQ(of(Function::root)[0], infinite);
  const Floats logs = of(Function::log);
  EXPECT_TRUE(std::isnan(logs[0]) && std::isnan(logs[3]));
  EXPECT_EQ(logs[1], infinite);
  EXPECT_EQ(logs[2], -infinite);
}

// However a loop is cut, each element has the same bits; nothing is written beside it.
TEST_P(ChainTest, BitsDoNotDependOnTheParts) {
  std::mt19937 generator(1);
  constexpr std::size_t count = 2500;
  const auto x = random_floats(count, generator), vector = random_floats(37, generator);
  const float* operands[] = {vector.data()};
  for (const Known& known : all_known) {
    const Chain chain = chain_of({link_of(known), {.function = Function::multiply, .axes = {{0, 0}, {37, 1}}}, link_of(known)});
    std::vector<float> whole(count), parts(count + 2, 9.0f);
    run(chain, x.data(), operands, whole.data(), 0, count);
    run(chain, x.data(), operands, parts.data(), 0, 1);
    for (std::size_t at = 1, step = 1; at < count; at += step, step = step * 3 / 2 + 1)
      run(chain, x.data(), operands, parts.data(), at, std::min(count, at + step));
    EXPECT_EQ(std::memcmp(whole.data(), parts.data(), count * sizeof(float)), 0) << static_cast<int>(known.function);
    EXPECT_EQ(parts[count], 9.0f);
  }
}

struct OfTwo {
  Function function;
  double (*exact)(double x, double o);
};
constexpr OfTwo of_two[] = {
    {Function::add, [](double x, double o) { return x + o; }},
    {Function::subtract, [](double x, double o) { return x - o; }},
    {Function::subtract_from, [](double x, double o) { return o - x; }},
    {Function::multiply, [](double x, double o) { return x * o; }},
    {Function::divide, [](double x, double o) { return x / o; }},
    {Function::divide_into, [](double x, double o) { return o / x; }},
    {Function::minimum, [](double x, double o) { return x < o ? x : o; }},
    {Function::maximum, [](double x, double o) { return x > o ? x : o; }},
    {Function::slope, [](double x, double o) { return x < 0 ? o * x : x; }},
};

// Operands of every form: one number, a vector of channels in either layout, of each image, another tensor, across.
TEST_P(ChainTest, OperandsOfEveryForm) {
  constexpr std::size_t images = 3, places = 71, channels = 19, count = images * places * channels;
  const std::vector<Axes> forms = {{},
                                   {{0, 1}},
                                   {{0, 0}, {channels, 1}},
                                   {{images, channels}, {places, 0}, {channels, 1}},
                                   {{0, 1}, {places, 0}},
                                   {{images, 1}, {places, 0}, {channels, 3}}};
  std::mt19937 generator(2);
  const auto x = random_floats(count, generator), other = random_floats(count, generator);
  const float* operands[] = {other.data()};
  for (const Axes& axes : forms) {
    for (const auto& [function, exact] : of_two) {
      std::vector<float> y(count);
      run(chain_of({{.function = function, .axes = axes, .least = -0.5f}}), x.data(), operands, y.data(), 0, count);
      for (std::size_t i = 0; i < count; ++i) {
        std::size_t rest = i, at = 0;
        for (std::size_t k = axes.size(); k-- > 0; rest = k > 0 ? rest / axes[k].size : rest)
          at += (k > 0 ? rest % axes[k].size : rest) * axes[k].step;
        const double expected = std::max(-0.5, exact(static_cast<double>(x[i]), static_cast<double>(other[at])));
        ASSERT_NEAR(y[i], expected, 1e-6 * std::max(1.0, std::abs(expected))) << static_cast<int>(function) << " at " << i;
      }
    }
  }
}

TEST_P(ChainTest, NotANumberInEitherOperand) {
  const std::vector<float> nan(19, NAN), ones(19, 1.0f);
  for (const Function function : {Function::minimum, Function::maximum, Function::add, Function::multiply}) {
    for (const bool first : {false, true}) {
      const float* operands[] = {first ? ones.data() : nan.data()};
      std::vector<float> y(19);
      run(chain_of({{.function = function, .axes = {{0, 1}}}}), first ? nan.data() : ones.data(), operands, y.data(), 0, 19);
      EXPECT_TRUE(std::all_of(y.begin(), y.end(), [](float v) { return std::isnan(v); })) << static_cast<int>(function);
    }
  }
}

TEST_P(ChainTest, BytesAndFormulasAndBroadcastSources) {
  std::vector<std::uint8_t> bytes(300);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  std::vector<float> y(300);
  const Link half{.function = Function::formula, .formula = [](const void*, double x) { return x / 2; }};
  run({.from = Element::uint8, .links = {half}}, bytes.data(), nullptr, y.data(), 0, 300);
  for (std::size_t i = 0; i < y.size(); ++i) ASSERT_EQ(y[i], static_cast<float>(bytes[i]) / 2) << i;
  run({.from = Element::int8, .links = {half}}, bytes.data(), nullptr, y.data(), 0, 300);
  for (std::size_t i = 0; i < y.size(); ++i) ASSERT_EQ(y[i], static_cast<float>(static_cast<std::int8_t>(bytes[i])) / 2) << i;
  const float channel[] = {1, 2, 3};
  run({.axes = {{0, 0}, {3, 1}}, .links = {half}}, channel, nullptr, y.data(), 0, 300);
  for (std::size_t i = 0; i < y.size(); ++i) ASSERT_EQ(y[i], channel[i % 3] / 2) << i;
}

// What a number of 16 bits stands for, of which so many are its fraction.
double value_of(unsigned bits, int fraction_bits) {
  const int exponent_bits = 15 - fraction_bits, bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = static_cast<int>(bits >> fraction_bits) & ((1 << exponent_bits) - 1);
  const double fraction = std::ldexp(bits & ((1u << fraction_bits) - 1), -fraction_bits), sign = bits >> 15 != 0 ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1) return fraction == 0 ? sign * HUGE_VAL : std::nan("");
  return sign * (exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, exponent - bias));
}

TEST_P(ChainTest, HalvesBecomeFloats) {
  std::vector<std::uint16_t> x(65536 + 7);  // all of them
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<std::uint16_t>(i);
  std::vector<float> y(x.size());
  for (const auto& [element, fraction_bits] : {std::pair(Element::float16, 10), std::pair(Element::bfloat16, 7)}) {
    run({.from = element, .links = {}}, x.data(), nullptr, y.data(), 0, x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double expected = value_of(x[i], fraction_bits);
      ASSERT_TRUE(y[i] == expected || (std::isnan(y[i]) && std::isnan(expected))) << i << ": " << y[i] << ", not " << expected;
    }
  }
}

template <typename Byte>
void expect_narrowed(Element type) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> x = {-1e30f, 1e30f, -infinity, infinity, std::numeric_limits<float>::quiet_NaN(), 2147483648.0f};
  for (int i = -400; i <= 400; ++i) x.push_back(static_cast<float>(i));
  std::vector<Byte> y(x.size());
  run({.to = type, .axes = {{0, 1}}, .links = {}}, x.data(), nullptr, y.data(), 0, x.size());
  constexpr float least = std::numeric_limits<Byte>::min(), most = std::numeric_limits<Byte>::max();
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float expected = x[i] > least ? std::min(x[i], most) : least;
    ASSERT_EQ(static_cast<float>(y[i]), expected) << x[i];
  }
}

TEST_P(ChainTest, WholeNumbersBecomeBytes) {
  expect_narrowed<std::uint8_t>(Element::uint8);
  expect_narrowed<std::int8_t>(Element::int8);
}

TEST(Chain, EveryFunctionIsTested) {
  // The formula aside.
  EXPECT_EQ(std::size(all_known) + std::size(of_two) + 1, static_cast<std::size_t>(Function::last));
}

TEST(Axes, AreJoined) {
  const auto steps = [](const Axes& axes) {
    std::string text;
    for (const Axis& axis : joined(axes)) text += std::to_string(axis.size) + "x" + std::to_string(axis.step) + " ";
    return text;
  };
  EXPECT_EQ(steps({{2, 12}, {4, 3}, {3, 1}}), "24x1 ");
  EXPECT_EQ(steps({{2, 0}, {4, 0}, {3, 1}}), "8x0 3x1 ");
  EXPECT_EQ(steps({{2, 0}, {4, 0}}), "");
  EXPECT_EQ(steps({{1, 7}, {4, 1}, {1, 0}}), "4x1 ");
}

INSTANTIATE_TEST_SUITE_P(Each, ChainTest, instruction_sets(), name_of_set);

}  // namespace
}  // namespace resnet::kernels

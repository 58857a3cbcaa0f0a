// Chains of functions that work element by element, such as activations, in portable SIMD with run-time dispatch. They run one
// after the other over a block that stays in the first-level cache, so that however many there are, memory is read and written
// once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace resnet::kernels {

enum class Function : std::uint8_t {
  // Of x, and of the link's numbers a and b.
  leaky_relu,        // x < 0 ? a * x : x
  thresholded_relu,  // x <= a ? 0 : x
  elu,               // x < 0 ? a * (exp(x) - 1) : x
  selu,              // b * (x <= 0 ? a * (exp(x) - 1) : x)
  celu,              // max(0, x) + min(0, a * (exp(x / a) - 1)), a above 0
  hard_sigmoid,      // clamp(a * x + b, 0, 1)
  hard_swish,        // x * clamp((x + 3) / 6, 0, 1)
  sigmoid,
  swish,         // x * sigmoid(a * x)
  mish,          // x * tanh(softplus(x))
  gelu,          // x times the normal distribution's share below x
  gelu_by_tanh,  // the same, approximately
  softplus,      // log(1 + exp(x))
  softsign,      // x / (1 + |x|)
  tanh,
  erf,
  exp,
  log,
  sqrt,
  root,  // x to the power of 0.5, which differs from sqrt at -0 and -infinity
  square,
  reciprocal,
  floor,
  ceil,
  round,  // halves to the even neighbour
  abs,
  neg,
  clamp,    // to [a, b]
  formula,  // the link's own
  // Of x and an element o of another operand; the result is clamped to the link's bounds.
  add,
  subtract,
  subtract_from,  // o - x
  multiply,
  divide,
  divide_into,  // o / x
  minimum,      // of a NaN and a number: NaN
  maximum,
  slope,  // x < 0 ? o * x : x
  last,   // their number
};
constexpr bool has_operand(Function function) { return function >= Function::add; }

// An axis of the result in memory, and how far an operand's element moves for one step along it: 0 where it is broadcast.
struct Axis {
  std::size_t size = 0, step = 0;
};
// Outermost first; the outermost one's size is of no account. None: the operand is a single number.
using Axes = std::vector<Axis>;
constexpr std::size_t most_axes = 8;
// The same with neighbours joined that lie in memory as one axis would.
Axes joined(const Axes& axes);

struct Link {
  Function function = Function::clamp;
  float a = 0, b = 0;
  std::size_t operand = 0;  // its index
  Axes axes = {};           // the operand's
  float least = -std::numeric_limits<float>::infinity(), most = std::numeric_limits<float>::infinity();
  double (*formula)(const void* op, double x) = nullptr;
  const void* op = nullptr;
};

// Lets a link of two numbers do the clamp that comes next; false, and nothing done, where it cannot.
inline bool take_bounds(Link& link, const Link& next) {
  constexpr float none = std::numeric_limits<float>::infinity();
  if (next.function != Function::clamp || !has_operand(link.function) || link.least != -none || link.most != none) return false;
  link.least = next.a;
  link.most = next.b;
  return true;
}

// How elements lie in memory.
enum class Element : std::uint8_t { float32, uint8, int8, float16, bfloat16 };

struct Chain {
  // Of x: float32, or what has as many elements as the result and becomes float32 first: uint8, int8, float16, bfloat16.
  Element from = Element::float32;
  // Of y: float32, or uint8 or int8, to which whole numbers are saturated; NaN becomes the least.
  Element to = Element::float32;
  Axes axes = {};  // of x, where that is of float32
  std::vector<Link> links;
};

// Elements [begin, end) of y, counted in memory: the links' functions of x one after the other. y may be x itself where no
// element of x is broadcast and both are of float32. An element's bits do not depend on where the parts of a loop begin. NaN
// stays NaN.
void run(const Chain& chain, const void* x, const float* const* operands, void* y, std::size_t begin, std::size_t end);

// What follows a convolution or product, applied to its result where it lies.
struct Finish {
  const Chain* chain = nullptr;
  const float* const* operands = nullptr;

  explicit operator bool() const { return chain != nullptr; }
  void apply(float* y, std::size_t begin, std::size_t end) const { run(*chain, y, operands, y, begin, end); }
};

}  // namespace resnet::kernels

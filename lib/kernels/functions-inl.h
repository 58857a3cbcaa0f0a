// Functions of a vector, within a few last bits of the exact ones; compiled once per instruction set. NaN stays NaN.
#if defined(RESNET_KERNELS_FUNCTIONS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef RESNET_KERNELS_FUNCTIONS_INL_H
#undef RESNET_KERNELS_FUNCTIONS_INL_H
#else
#define RESNET_KERNELS_FUNCTIONS_INL_H
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "lib/kernels/registers-inl.h"

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {
namespace {

HWY_INLINE Vector number(float value) { return hn::Set(Tag(), value); }

// The coefficients' polynomial, the highest power's first.
template <std::size_t count>
HWY_INLINE Vector polynomial(Vector x, const float (&coefficients)[count]) {
  Vector y = number(coefficients[0]);
  for (std::size_t i = 1; i < count; ++i) y = hn::MulAdd(y, x, number(coefficients[i]));
  return y;
}

// x, or where it is NaN x as well, whatever was computed of it.
HWY_INLINE Vector keep_nan(Vector x, Vector y) { return hn::IfThenElse(hn::Eq(x, x), y, x); }

// Above 104 the exponential is infinite, which Highway's is not sure to find; NaN, which has no integer beside it, becomes 104,
// too.
HWY_INLINE Vector below_overflow(Vector x) { return hn::IfThenElse(hn::Le(x, number(104)), x, number(104)); }
HWY_INLINE Vector exponential(Vector x) { return keep_nan(x, hn::Exp(Tag(), below_overflow(x))); }
HWY_INLINE Vector exponential_minus_one(Vector x) { return keep_nan(x, hn::Expm1(Tag(), below_overflow(x))); }

HWY_INLINE Vector logarithm(Vector x) {
  const Vector infinity = number(std::numeric_limits<float>::infinity()), zero = number(0);
  const Vector y = hn::IfThenElse(hn::Eq(x, infinity), infinity, hn::Log(Tag(), x));
  const Vector outside = number(std::numeric_limits<float>::quiet_NaN());
  return keep_nan(x, hn::IfThenElse(hn::Eq(x, zero), hn::Neg(infinity), hn::IfThenElse(hn::Lt(x, zero), outside, y)));
}

// exp(x) of numbers up to 88, and 0 below -87, where floats lose their precision; not for NaN. 2^n * p(r) for x = n * log(2) + r,
// where n comes out in the last bits of a sum with a large number.
HWY_INLINE Vector bounded_exponential(Vector x) {
  constexpr float of_rest[] = {0.0013814529f, 0.008368746f, 0.041668393f, 0.1666652f, 0.49999994f, 1, 1};
  const hn::RebindToSigned<Tag> integers;
  const Vector large = number(12582912.0f), sum = hn::MulAdd(x, number(1.44269504f), large), n = hn::Sub(sum, large);
  // log(2) in two parts: the first one's product with n is exact.
  const Vector rest = hn::MulAdd(n, number(2.12194440e-4f), hn::NegMulAdd(n, number(0.693359375f), x));
  const auto power = hn::ShiftLeft<23>(hn::BitCast(integers, sum));
  const Vector y = hn::BitCast(Tag(), hn::Add(hn::BitCast(integers, polynomial(rest, of_rest)), power));
  return hn::IfThenZeroElse(hn::Lt(x, number(-87)), y);
}

HWY_INLINE Vector logistic(Vector x) {
  const auto is_none = hn::Lt(x, number(-87));
  const Vector e = bounded_exponential(hn::Neg(hn::IfThenElse(is_none, number(-87), x)));
  return keep_nan(x, hn::IfThenZeroElse(is_none, hn::Div(number(1), hn::Add(number(1), e))));
}

HWY_INLINE Vector soft_plus(Vector x) {
  const Vector above = hn::IfThenElse(hn::Gt(x, number(0)), x, number(0));
  return keep_nan(x, hn::Add(above, hn::Log1p(Tag(), bounded_exponential(hn::Neg(hn::Abs(x))))));
}

// x times a share of it, which goes to 0 faster than x grows.
HWY_INLINE Vector share(Vector x, Vector y) { return hn::IfThenElse(hn::Eq(y, number(0)), number(0), hn::Mul(x, y)); }

// tanh(log(1 + e)) of e = exp(x) is n / (n + 2), n = e * (e + 2): no difference in which something is lost.
HWY_INLINE Vector mish_of(Vector x) {
  const Vector most = number(20);  // from here on it is 1
  const Vector e = bounded_exponential(hn::IfThenElse(hn::Gt(x, most), most, x));
  const Vector n = hn::Mul(e, hn::Add(e, number(2)));
  return keep_nan(x, share(x, hn::Div(n, hn::Add(n, number(2)))));
}

// exp(-a * b) * (exp(a * b) * erfc(t)), that is erfc(t), for 0 <= t, where a * b is t squared: a polynomial in 1 / (1 + t / 2),
// off by 3e-7 of it up to t = 10, where the exponential leaves the range of floats. The product's own rounding, which the
// exponential would enlarge, is made good. Not for NaN.
HWY_INLINE Vector complement(Vector t, Vector a, Vector b) {
  constexpr float of_u[] = {-0.05907063f, 0.28458288f, -0.4872157f, 0.2780845f, -0.02663703f,
                            0.2026914f,   0.24310268f, 0.28237545f, 0.28208640f};
  const Vector u = hn::Div(number(1), hn::MulAdd(number(0.5f), t, number(1)));
  const Vector square = hn::Mul(a, b), lost = hn::MulSub(a, b, square);
  const Vector e = hn::Mul(bounded_exponential(hn::Neg(square)), hn::Sub(number(1), lost));
  return hn::Mul(e, hn::Mul(u, polynomial(u, of_u)));
}
HWY_INLINE Vector at_most(float most, Vector x) { return hn::IfThenElse(hn::Gt(x, number(most)), number(most), x); }

HWY_INLINE Vector error_function(Vector x) {
  constexpr float of_square[] = {-0.0005631402f, 0.004917546f, -0.026711307f, 0.1128018f, -0.37612325f, 1.1283791f};
  const Vector t = at_most(11, hn::Abs(x));
  const Vector near = hn::Mul(x, polynomial(hn::Mul(x, x), of_square));
  const Vector far = hn::CopySign(hn::Sub(number(1), complement(t, t, t)), x);
  return keep_nan(x, hn::IfThenElse(hn::Lt(t, number(1)), near, far));
}

HWY_INLINE Vector gelu_of(Vector x) {
  const Vector size = at_most(15, hn::Abs(x));
  const Vector t = hn::Mul(size, number(0.70710678f));
  const Vector tail = hn::Mul(number(0.5f), complement(t, hn::Mul(number(0.5f), size), size));
  return keep_nan(x, share(x, hn::IfThenElse(hn::Lt(x, number(0)), tail, hn::Sub(number(1), tail))));
}

HWY_INLINE Vector gelu_by_tanh_of(Vector x) {
  const Vector cube = hn::Mul(hn::Mul(x, x), x);
  // Twice the argument of tanh, for (1 + tanh(z)) / 2 is the logistic function of 2z.
  return share(x, logistic(hn::Mul(number(1.5957691f), hn::MulAdd(number(0.044715f), cube, x))));
}

HWY_INLINE Vector hyperbolic_tangent(Vector x) { return keep_nan(x, hn::Tanh(Tag(), below_overflow(x))); }

}  // namespace
}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

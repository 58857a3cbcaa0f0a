// Winograd's transforms of a line of pixels, of taps, and of products, each a vector of channels; compiled once per instruction
// set.
#if defined(RESNET_KERNELS_WINOGRAD_TRANSFORMS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef RESNET_KERNELS_WINOGRAD_TRANSFORMS_INL_H
#undef RESNET_KERNELS_WINOGRAD_TRANSFORMS_INL_H
#else
#define RESNET_KERNELS_WINOGRAD_TRANSFORMS_INL_H
#endif

#include <hwy/highway.h>

#include "lib/kernels/registers-inl.h"

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {
namespace {

HWY_INLINE Vector times(float factor, Vector v) { return hn::Mul(hn::Set(Tag(), factor), v); }
// a + factor * v
HWY_INLINE Vector plus(Vector a, float factor, Vector v) { return hn::MulAdd(hn::Set(Tag(), factor), v, a); }

// Three taps, at each place of the filter.
template <int tile, int stride>
struct Taps;

// At 0, 1, -1 and infinity.
template <>
struct Taps<2, 1> {
  static HWY_INLINE void transform(const Vector (&g)[3], Vector (&t)[4]) {
    const Vector outer = times(0.5f, hn::Add(g[0], g[2]));
    t[0] = g[0];
    t[1] = plus(outer, 0.5f, g[1]);
    t[2] = plus(outer, -0.5f, g[1]);
    t[3] = g[2];
  }
};

// At 0, 1, -1, 2, -2 and infinity.
template <>
struct Taps<4, 1> {
  static HWY_INLINE void transform(const Vector (&g)[3], Vector (&t)[6]) {
    const Vector near = times(-1.0f / 6, hn::Add(g[0], g[2])), far = plus(times(1.0f / 24, g[0]), 1.0f / 6, g[2]);
    t[0] = times(0.25f, g[0]);
    t[1] = plus(near, -1.0f / 6, g[1]);
    t[2] = plus(near, 1.0f / 6, g[1]);
    t[3] = plus(far, 1.0f / 12, g[1]);
    t[4] = plus(far, -1.0f / 12, g[1]);
    t[5] = g[2];
  }
};

// The middle tap as it is; the outer two at 0, 1, -1, 2 and infinity.
template <>
struct Taps<4, 2> {
  static HWY_INLINE void transform(const Vector (&g)[3], Vector (&t)[6]) {
    t[0] = g[1];
    t[1] = times(0.5f, g[0]);
    t[2] = times(-0.5f, hn::Add(g[0], g[2]));
    t[3] = times(1.0f / 6, hn::Sub(g[2], g[0]));
    t[4] = plus(times(1.0f / 6, g[0]), 1.0f / 3, g[2]);
    t[5] = g[2];
  }
};

// A line of a tile that gives `extent` outputs: its pixels into the values that meet those taps, in the order of WinogradLine;
// and the products into outputs. Where it is shorter than the tile, what its points' factors differ by is in the input.
template <int tile, int stride, int extent>
struct Line;

template <>
struct Line<2, 1, 2> {
  static constexpr int span = 4, outputs = 2;
  static HWY_INLINE void input(const Vector (&d)[4], Vector (&t)[4]) {
    t[0] = hn::Sub(d[0], d[2]);
    t[1] = hn::Add(d[1], d[2]);
    t[2] = hn::Sub(d[2], d[1]);
    t[3] = hn::Sub(d[1], d[3]);
  }
  static HWY_INLINE void output(const Vector (&m)[4], Vector (&y)[2]) {
    y[0] = hn::Add(m[0], hn::Add(m[1], m[2]));
    y[1] = hn::Sub(hn::Sub(m[1], m[2]), m[3]);
  }
};

template <>
struct Line<4, 1, 4> {
  static constexpr int span = 6, outputs = 4;
  static HWY_INLINE void input(const Vector (&d)[6], Vector (&t)[6]) {
    const Vector even = plus(d[4], -4, d[2]), odd = plus(d[3], -4, d[1]);
    const Vector inner = hn::Sub(d[4], d[2]), outer = times(2, hn::Sub(d[3], d[1]));
    t[0] = plus(plus(d[4], -5, d[2]), 4, d[0]);
    t[1] = hn::Add(even, odd);
    t[2] = hn::Sub(even, odd);
    t[3] = hn::Add(inner, outer);
    t[4] = hn::Sub(inner, outer);
    t[5] = plus(plus(d[5], -5, d[3]), 4, d[1]);
  }
  static HWY_INLINE void output(const Vector (&m)[6], Vector (&y)[4]) {
    const Vector near = hn::Add(m[1], m[2]), near_difference = hn::Sub(m[1], m[2]);
    const Vector far = hn::Add(m[3], m[4]), far_difference = hn::Sub(m[3], m[4]);
    y[0] = hn::Add(m[0], hn::Add(near, far));
    y[1] = plus(near_difference, 2, far_difference);
    y[2] = plus(near, 4, far);
    y[3] = hn::Add(plus(near_difference, 8, far_difference), m[5]);
  }
};

template <>
struct Line<4, 1, 3> {
  static constexpr int span = 5, outputs = 3;
  static HWY_INLINE void input(const Vector (&d)[5], Vector (&t)[5]) {
    const Vector difference = hn::Sub(d[3], d[1]);
    t[0] = times(2, plus(difference, 2, hn::Sub(d[0], d[2])));
    t[1] = times(3, plus(hn::Sub(d[3], d[2]), -2, d[1]));
    t[2] = plus(plus(d[3], -3, d[2]), 2, d[1]);
    t[3] = times(4, difference);
    t[4] = plus(hn::Sub(d[4], d[2]), -2, difference);
  }
  static HWY_INLINE void output(const Vector (&m)[5], Vector (&y)[3]) {
    const Vector near = hn::Add(m[1], m[2]);
    y[0] = hn::Add(hn::Add(m[0], near), m[3]);
    y[1] = plus(hn::Sub(m[1], m[2]), 2, m[3]);
    y[2] = hn::Add(plus(near, 4, m[3]), m[4]);
  }
};

template <>
struct Line<4, 1, 2> {
  static constexpr int span = 4, outputs = 2;
  static HWY_INLINE void input(const Vector (&d)[4], Vector (&t)[4]) {
    t[0] = times(4, hn::Sub(d[0], d[2]));
    t[1] = times(-3, hn::Add(d[1], d[2]));
    t[2] = times(3, hn::Sub(d[1], d[2]));
    t[3] = hn::Sub(d[3], d[1]);
  }
  static HWY_INLINE void output(const Vector (&m)[4], Vector (&y)[2]) {
    y[0] = hn::Add(m[0], hn::Add(m[1], m[2]));
    y[1] = hn::Add(hn::Sub(m[1], m[2]), m[3]);
  }
};

template <>
struct Line<4, 2, 4> {
  static constexpr int span = 9, outputs = 4;
  static HWY_INLINE void input(const Vector (&d)[9], Vector (&t)[9]) {
    const Vector difference = hn::Sub(d[6], d[2]);
    RESNET_UNROLL for (int k = 0; k < 4; ++k) t[k] = d[2 * k + 1];
    t[4] = plus(difference, 2, hn::Sub(d[0], d[4]));
    t[5] = plus(hn::Sub(d[6], d[4]), -2, d[2]);
    t[6] = plus(plus(d[6], -3, d[4]), 2, d[2]);
    t[7] = difference;
    t[8] = plus(hn::Sub(d[8], d[4]), -2, difference);
  }
  static HWY_INLINE void output(const Vector (&m)[9], Vector (&y)[4]) {
    const Vector near = hn::Add(m[5], m[6]), difference = hn::Sub(m[5], m[6]);
    y[0] = hn::Add(hn::Add(m[0], m[4]), hn::Add(near, m[7]));
    y[1] = hn::Add(m[1], plus(difference, 2, m[7]));
    y[2] = hn::Add(m[2], plus(near, 4, m[7]));
    y[3] = hn::Add(hn::Add(m[3], m[8]), plus(difference, 8, m[7]));
  }
};

template <>
struct Line<4, 2, 3> {
  static constexpr int span = 7, outputs = 3;
  static HWY_INLINE void input(const Vector (&d)[7], Vector (&t)[7]) {
    RESNET_UNROLL for (int k = 0; k < 3; ++k) t[k] = d[2 * k + 1];
    t[3] = times(2, hn::Sub(d[0], d[4]));
    t[4] = times(-1, hn::Add(d[2], d[4]));
    t[5] = times(3, hn::Sub(d[2], d[4]));
    t[6] = hn::Sub(d[6], d[2]);
  }
  static HWY_INLINE void output(const Vector (&m)[7], Vector (&y)[3]) {
    const Vector near = hn::Add(m[4], m[5]);
    y[0] = hn::Add(hn::Add(m[0], m[3]), near);
    y[1] = hn::Add(m[1], hn::Sub(m[4], m[5]));
    y[2] = hn::Add(hn::Add(m[2], m[6]), near);
  }
};

template <>
struct Line<4, 2, 2> {
  static constexpr int span = 5, outputs = 2;
  static HWY_INLINE void input(const Vector (&d)[5], Vector (&t)[5]) {
    t[0] = d[1];
    t[1] = d[3];
    t[2] = times(2, hn::Sub(d[0], d[2]));
    t[3] = times(-2, d[2]);
    t[4] = hn::Sub(d[4], d[2]);
  }
  static HWY_INLINE void output(const Vector (&m)[5], Vector (&y)[2]) {
    y[0] = hn::Add(m[0], hn::Add(m[2], m[3]));
    y[1] = hn::Add(m[1], hn::Add(m[3], m[4]));
  }
};

}  // namespace
}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

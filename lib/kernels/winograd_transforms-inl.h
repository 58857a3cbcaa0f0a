// Winograd's transforms F(2x2,3x3) and F(4x4,3x3) of a vector of channels, and how such vectors are loaded and stored; compiled
// once per instruction set.
#if defined(RESNET_KERNELS_WINOGRAD_TRANSFORMS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef RESNET_KERNELS_WINOGRAD_TRANSFORMS_INL_H
#undef RESNET_KERNELS_WINOGRAD_TRANSFORMS_INL_H
#else
#define RESNET_KERNELS_WINOGRAD_TRANSFORMS_INL_H
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstring>

#include "lib/kernels/registers-inl.h"

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {
namespace {

// Some of a vector's lanes at the end of a row.
Vector load(const float* from, std::size_t count) {
  const Tag d;
  if (count >= hn::Lanes(d)) return hn::LoadU(d, from);
  HWY_ALIGN float edge[HWY_LANES(float)] = {};
  std::memcpy(edge, from, count * sizeof(float));
  return hn::Load(d, edge);
}
void store(Vector v, float* to, std::size_t count) {
  const Tag d;
  if (count >= hn::Lanes(d)) return hn::StoreU(v, d, to);
  HWY_ALIGN float edge[HWY_LANES(float)];
  hn::Store(v, d, edge);
  std::memcpy(to, edge, count * sizeof(float));
}

Vector times(float factor, Vector v) { return hn::Mul(hn::Set(Tag(), factor), v); }
// a + factor * v
Vector plus(Vector a, float factor, Vector v) { return hn::MulAdd(hn::Set(Tag(), factor), v, a); }

// The transforms of one row or column: a tile of the input (B), of the filter (G), and of the sums (A).
template <int tile>
struct Transform;

template <>
struct Transform<2> {
  static void input(const Vector (&d)[4], Vector (&t)[4]) {
    t[0] = hn::Sub(d[0], d[2]);
    t[1] = hn::Add(d[1], d[2]);
    t[2] = hn::Sub(d[2], d[1]);
    t[3] = hn::Sub(d[1], d[3]);
  }
  static void filter(const Vector (&g)[3], Vector (&t)[4]) {
    const Vector outer = times(0.5f, hn::Add(g[0], g[2]));
    t[0] = g[0];
    t[1] = plus(outer, 0.5f, g[1]);
    t[2] = plus(outer, -0.5f, g[1]);
    t[3] = g[2];
  }
  static void output(const Vector (&m)[4], Vector (&y)[2]) {
    y[0] = hn::Add(m[0], hn::Add(m[1], m[2]));
    y[1] = hn::Sub(hn::Sub(m[1], m[2]), m[3]);
  }
};

template <>
struct Transform<4> {
  static void input(const Vector (&d)[6], Vector (&t)[6]) {
    const Vector even = plus(d[4], -4, d[2]), odd = plus(d[3], -4, d[1]);
    const Vector inner = hn::Sub(d[4], d[2]), outer = times(2, hn::Sub(d[3], d[1]));
    t[0] = plus(plus(d[4], -5, d[2]), 4, d[0]);
    t[1] = hn::Add(even, odd);
    t[2] = hn::Sub(even, odd);
    t[3] = hn::Add(inner, outer);
    t[4] = hn::Sub(inner, outer);
    t[5] = plus(plus(d[5], -5, d[3]), 4, d[1]);
  }
  static void filter(const Vector (&g)[3], Vector (&t)[6]) {
    const Vector near = times(-1.0f / 6, hn::Add(g[0], g[2])), far = plus(times(1.0f / 24, g[0]), 1.0f / 6, g[2]);
    t[0] = times(0.25f, g[0]);
    t[1] = plus(near, -1.0f / 6, g[1]);
    t[2] = plus(near, 1.0f / 6, g[1]);
    t[3] = plus(far, 1.0f / 12, g[1]);
    t[4] = plus(far, -1.0f / 12, g[1]);
    t[5] = g[2];
  }
  static void output(const Vector (&m)[6], Vector (&y)[4]) {
    const Vector near = hn::Add(m[1], m[2]), near_difference = hn::Sub(m[1], m[2]);
    const Vector far = hn::Add(m[3], m[4]), far_difference = hn::Sub(m[3], m[4]);
    y[0] = hn::Add(m[0], hn::Add(near, far));
    y[1] = plus(near_difference, 2, far_difference);
    y[2] = plus(near, 4, far);
    y[3] = hn::Add(plus(near_difference, 8, far_difference), m[5]);
  }
};

}  // namespace
}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif

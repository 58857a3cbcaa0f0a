#include "lib/kernels/reduction.h"

#include <limits>

#include "lib/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/reduction.cc"
#include <hwy/foreach_target.h>
#include "lib/kernels/registers-inl.h"

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {

namespace {

// How a value is taken in, and how two results become one.
struct Sum {
  static constexpr double start = 0;
  template <class V>
  static HWY_INLINE V take(V so_far, V value) {
    return hn::Add(so_far, value);
  }
  template <class V>
  static HWY_INLINE V join(V a, V b) {
    return hn::Add(a, b);
  }
};
struct Absolutes : Sum {
  template <class V>
  static HWY_INLINE V take(V so_far, V value) {
    return hn::Add(so_far, hn::Abs(value));
  }
};
struct Squares : Sum {
  template <class V>
  static HWY_INLINE V take(V so_far, V value) {
    return hn::MulAdd(value, value, so_far);
  }
};
struct Product {
  static constexpr double start = 1;
  template <class V>
  static HWY_INLINE V take(V so_far, V value) {
    return hn::Mul(so_far, value);
  }
  template <class V>
  static HWY_INLINE V join(V a, V b) {
    return hn::Mul(a, b);
  }
};
// NaN is neither less nor greater: once there it stays.
struct Largest {
  static constexpr double start = -std::numeric_limits<double>::infinity();
  template <class V>
  static HWY_INLINE V take(V so_far, V value) {
    return hn::IfThenElse(hn::Or(hn::Gt(value, so_far), hn::IsNaN(value)), value, so_far);
  }
  template <class V>
  static HWY_INLINE V join(V a, V b) {
    return take(a, b);
  }
};
struct Least {
  static constexpr double start = std::numeric_limits<double>::infinity();
  template <class V>
  static HWY_INLINE V take(V so_far, V value) {
    return hn::IfThenElse(hn::Or(hn::Lt(value, so_far), hn::IsNaN(value)), value, so_far);
  }
  template <class V>
  static HWY_INLINE V join(V a, V b) {
    return take(a, b);
  }
};

template <class D>
HWY_INLINE hn::Vec<D> widened(D d, const float* x) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D>(), x));
}

// Some vectors of columns side by side, for one alone would wait for each of its results.
template <class Kind, int vectors, class D>
HWY_INLINE void fold_some(D d, const float* x, std::size_t rows, std::size_t stride, double* results) {
  const std::size_t lanes = hn::Lanes(d);
  hn::Vec<D> so_far[vectors];
  RESNET_UNROLL for (int v = 0; v < vectors; ++v) so_far[v] = hn::Set(d, Kind::start);
  for (std::size_t r = 0; r < rows; ++r, x += stride) {
    RESNET_UNROLL for (int v = 0; v < vectors; ++v) {
      so_far[v] = Kind::take(so_far[v], widened(d, x + static_cast<std::size_t>(v) * lanes));
    }
  }
  RESNET_UNROLL for (int v = 0; v < vectors; ++v) hn::StoreU(so_far[v], d, results + static_cast<std::size_t>(v) * lanes);
}

template <class Kind>
void fold_all_columns(const float* x, std::size_t rows, std::size_t stride, std::size_t columns, double* results) {
  constexpr std::size_t together = 4;
  const hn::ScalableTag<double> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t c = 0;
  for (; c + together * lanes <= columns; c += together * lanes) fold_some<Kind, together>(d, x + c, rows, stride, results + c);
  for (; c + lanes <= columns; c += lanes) fold_some<Kind, 1>(d, x + c, rows, stride, results + c);
  const hn::CappedTag<double, 1> one;
  for (; c < columns; ++c) fold_some<Kind, 1>(one, x + c, rows, stride, results + c);
}

// As many rows as lanes fill, as columns, which are joined; then what is left.
template <class Kind>
double fold_row(const float* x, std::size_t count) {
  constexpr int vectors = 4;
  const hn::ScalableTag<double> d;
  const hn::CappedTag<double, 1> one;
  const std::size_t width = vectors * hn::Lanes(d), rows = count / width;
  HWY_ALIGN double columns[vectors * HWY_LANES(double)];
  fold_some<Kind, vectors>(d, x, rows, width, columns);
  auto all = hn::Set(one, Kind::start);
  for (std::size_t i = 0; rows > 0 && i < width; ++i) all = Kind::join(all, hn::LoadU(one, columns + i));
  for (std::size_t i = rows * width; i < count; ++i) all = Kind::take(all, widened(one, x + i));
  return hn::GetLane(all);
}

}  // namespace

void fold_columns(Fold fold, const float* x, std::size_t rows, std::size_t stride, std::size_t columns, double* results) {
  switch (fold) {
    case Fold::sum: return fold_all_columns<Sum>(x, rows, stride, columns, results);
    case Fold::absolutes: return fold_all_columns<Absolutes>(x, rows, stride, columns, results);
    case Fold::squares: return fold_all_columns<Squares>(x, rows, stride, columns, results);
    case Fold::product: return fold_all_columns<Product>(x, rows, stride, columns, results);
    case Fold::largest: return fold_all_columns<Largest>(x, rows, stride, columns, results);
    case Fold::least: return fold_all_columns<Least>(x, rows, stride, columns, results);
  }
}

double fold(Fold fold, const float* x, std::size_t count) {
  switch (fold) {
    case Fold::sum: return fold_row<Sum>(x, count);
    case Fold::absolutes: return fold_row<Absolutes>(x, count);
    case Fold::squares: return fold_row<Squares>(x, count);
    case Fold::product: return fold_row<Product>(x, count);
    case Fold::largest: return fold_row<Largest>(x, count);
    case Fold::least: return fold_row<Least>(x, count);
  }
  __builtin_unreachable();
}

}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace resnet::kernels {

HWY_EXPORT(fold);
HWY_EXPORT(fold_columns);

double fold(Fold fold, const float* x, std::size_t count) { return HWY_DYNAMIC_DISPATCH(fold)(fold, x, count); }

void fold_columns(Fold fold, const float* x, std::size_t rows, std::size_t stride, std::size_t columns, double* results) {
  HWY_DYNAMIC_DISPATCH(fold_columns)(fold, x, rows, stride, columns, results);
}

}  // namespace resnet::kernels
#endif

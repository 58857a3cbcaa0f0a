#include "lib/kernels/normalization.h"

#include "lib/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/normalization.cc"
#include <hwy/foreach_target.h>
#include "lib/kernels/bounds-inl.h"
#include "lib/kernels/registers-inl.h"

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {

namespace {

using Wide = hn::ScalableTag<double>;

// Floats as doubles.
template <class D>
HWY_INLINE hn::Vec<D> widened(D d, const float* x) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D>(), x));
}

// Some vectors of columns side by side, for one alone would wait for each of its sums.
template <int vectors, class D>
HWY_INLINE void add_columns(D d, const float* x, std::size_t rows, std::size_t columns, const float* origins, double* sums,
                            double* squares) {
  const std::size_t lanes = hn::Lanes(d);
  hn::Vec<D> origin[vectors], sum[vectors], square[vectors];
  RESNET_UNROLL for (int v = 0; v < vectors; ++v) {
    origin[v] = widened(d, origins + static_cast<std::size_t>(v) * lanes);
    sum[v] = hn::Zero(d);
    square[v] = hn::Zero(d);
  }
  for (std::size_t r = 0; r < rows; ++r, x += columns) {
    RESNET_UNROLL for (int v = 0; v < vectors; ++v) {
      const auto distance = hn::Sub(widened(d, x + static_cast<std::size_t>(v) * lanes), origin[v]);
      sum[v] = hn::Add(sum[v], distance);
      square[v] = hn::MulAdd(distance, distance, square[v]);
    }
  }
  RESNET_UNROLL for (int v = 0; v < vectors; ++v) {
    hn::StoreU(sum[v], d, sums + static_cast<std::size_t>(v) * lanes);
    hn::StoreU(square[v], d, squares + static_cast<std::size_t>(v) * lanes);
  }
}

}  // namespace

void column_moments(const float* x, std::size_t rows, std::size_t columns, const float* origins, double* sums, double* squares) {
  constexpr std::size_t together = 4;
  const Wide d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t c = 0;
  for (; c + together * lanes <= columns; c += together * lanes)
    add_columns<together>(d, x + c, rows, columns, origins + c, sums + c, squares + c);
  for (; c + lanes <= columns; c += lanes) add_columns<1>(d, x + c, rows, columns, origins + c, sums + c, squares + c);
  const hn::CappedTag<double, 1> one;
  for (; c < columns; ++c) add_columns<1>(one, x + c, rows, columns, origins + c, sums + c, squares + c);
}

Moments moments(const float* x, std::size_t count, float origin) {
  constexpr int vectors = 4;
  const Wide d;
  const std::size_t lanes = hn::Lanes(d);
  const auto from = hn::Set(d, static_cast<double>(origin));
  hn::Vec<Wide> sum[vectors], square[vectors];
  RESNET_UNROLL for (int v = 0; v < vectors; ++v) {
    sum[v] = hn::Zero(d);
    square[v] = hn::Zero(d);
  }
  std::size_t i = 0;
  for (; i + vectors * lanes <= count; i += vectors * lanes) {
    RESNET_UNROLL for (int v = 0; v < vectors; ++v) {
      const auto distance = hn::Sub(widened(d, x + i + static_cast<std::size_t>(v) * lanes), from);
      sum[v] = hn::Add(sum[v], distance);
      square[v] = hn::MulAdd(distance, distance, square[v]);
    }
  }
  Moments result;
  HWY_ALIGN double lane[2][HWY_LANES(double)];
  RESNET_UNROLL for (int v = 0; v < vectors; ++v) {
    hn::Store(sum[v], d, lane[0]);
    hn::Store(square[v], d, lane[1]);
    for (std::size_t k = 0; k < lanes; ++k) {
      result.sum += lane[0][k];
      result.squares += lane[1][k];
    }
  }
  for (; i < count; ++i) {
    const double distance = static_cast<double>(x[i]) - static_cast<double>(origin);
    result.sum += distance;
    result.squares += distance * distance;
  }
  return result;
}

void normalize(const float* x, float* y, std::size_t count, const Centering& centering, float shift, Bounds bounds) {
  const auto each = [&](auto d, std::size_t i) HWY_ATTR {
    const auto centred = hn::Sub(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, centering.high)), hn::Set(d, centering.low));
    const auto value = hn::MulAdd(centred, hn::Set(d, centering.factor), hn::Set(d, shift));
    hn::StoreU(between(hn::Set(d, bounds.least), value, hn::Set(d, bounds.most)), d, y + i);
  };
  const Tag d;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) each(d, i);
  for (; i < count; ++i) each(hn::CappedTag<float, 1>(), i);
}

void normalize_scaled(const float* x, float* y, std::size_t count, const Centering& centering, const float* scale,
                      const float* shift, Bounds bounds) {
  const auto each = [&](auto d, std::size_t i) HWY_ATTR {
    const auto centred = hn::Sub(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, centering.high)), hn::Set(d, centering.low));
    const auto value =
        hn::MulAdd(hn::Mul(centred, hn::Set(d, centering.factor)), hn::LoadU(d, scale + i), hn::LoadU(d, shift + i));
    hn::StoreU(between(hn::Set(d, bounds.least), value, hn::Set(d, bounds.most)), d, y + i);
  };
  const Tag d;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) each(d, i);
  for (; i < count; ++i) each(hn::CappedTag<float, 1>(), i);
}

void normalize_columns(const float* x, float* y, std::size_t rows, std::size_t columns, const ColumnCentering& centering,
                       Bounds bounds) {
  const auto each = [&](auto d, std::size_t c) HWY_ATTR {
    const auto centred = hn::Sub(hn::Sub(hn::LoadU(d, x + c), hn::LoadU(d, centering.high + c)), hn::LoadU(d, centering.low + c));
    const auto value = hn::MulAdd(centred, hn::LoadU(d, centering.factor + c), hn::LoadU(d, centering.shift + c));
    hn::StoreU(between(hn::Set(d, bounds.least), value, hn::Set(d, bounds.most)), d, y + c);
  };
  const Tag d;
  for (std::size_t row = 0; row < rows; ++row, x += columns, y += columns) {
    std::size_t c = 0;
    for (; c + hn::Lanes(d) <= columns; c += hn::Lanes(d)) each(d, c);
    for (; c < columns; ++c) each(hn::CappedTag<float, 1>(), c);
  }
}

}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace resnet::kernels {

HWY_EXPORT(moments);
HWY_EXPORT(column_moments);
HWY_EXPORT(normalize);
HWY_EXPORT(normalize_scaled);
HWY_EXPORT(normalize_columns);

Moments moments(const float* x, std::size_t count, float origin) { return HWY_DYNAMIC_DISPATCH(moments)(x, count, origin); }

void column_moments(const float* x, std::size_t rows, std::size_t columns, const float* origins, double* sums, double* squares) {
  HWY_DYNAMIC_DISPATCH(column_moments)(x, rows, columns, origins, sums, squares);
}

void normalize(const float* x, float* y, std::size_t count, const Centering& centering, float shift, Bounds bounds) {
  HWY_DYNAMIC_DISPATCH(normalize)(x, y, count, centering, shift, bounds);
}

void normalize_scaled(const float* x, float* y, std::size_t count, const Centering& centering, const float* scale,
                      const float* shift, Bounds bounds) {
  HWY_DYNAMIC_DISPATCH(normalize_scaled)(x, y, count, centering, scale, shift, bounds);
}

void normalize_columns(const float* x, float* y, std::size_t rows, std::size_t columns, const ColumnCentering& centering,
                       Bounds bounds) {
  HWY_DYNAMIC_DISPATCH(normalize_columns)(x, y, rows, columns, centering, bounds);
}

}  // namespace resnet::kernels
#endif

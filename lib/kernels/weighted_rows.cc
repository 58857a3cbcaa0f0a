#include "lib/kernels/weighted_rows.h"

#include "lib/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/weighted_rows.cc"
#include <hwy/foreach_target.h>
#include "lib/kernels/registers-inl.h"

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {

namespace {

template <int vectors, class D>
HWY_INLINE void add_some(D d, const WeightedRows& rows, const float* x, float* y, std::size_t length) {
  const std::size_t lanes = hn::Lanes(d);
  hn::Vec<D> sum[vectors];
  RESNET_UNROLL for (int v = 0; v < vectors; ++v) sum[v] = hn::Zero(d);
  for (std::size_t k = 0; k < rows.places.size(); ++k) {
    const float* from = x + static_cast<std::size_t>(rows.places[k]) * length;
    const auto weight = hn::Set(d, rows.weights[k]);
    RESNET_UNROLL for (int v = 0; v < vectors; ++v) sum[v] =
        hn::MulAdd(weight, hn::LoadU(d, from + static_cast<std::size_t>(v) * lanes), sum[v]);
  }
  RESNET_UNROLL for (int v = 0; v < vectors; ++v) hn::StoreU(sum[v], d, y + static_cast<std::size_t>(v) * lanes);
}

}  // namespace

void add_rows(const WeightedRows& rows, const float* x, float* y, std::size_t length) {
  constexpr std::size_t together = 4;
  const Tag d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t j = 0;
  for (; j + together * lanes <= length; j += together * lanes) add_some<together>(d, rows, x + j, y + j, length);
  for (; j + lanes <= length; j += lanes) add_some<1>(d, rows, x + j, y + j, length);
  const hn::CappedTag<float, 1> one;
  for (; j < length; ++j) add_some<1>(one, rows, x + j, y + j, length);
}

}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace resnet::kernels {

HWY_EXPORT(add_rows);

void add_rows(const WeightedRows& rows, const float* x, float* y, std::size_t length) {
  HWY_DYNAMIC_DISPATCH(add_rows)(rows, x, y, length);
}

}  // namespace resnet::kernels
#endif

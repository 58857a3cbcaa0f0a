#include "lib/kernels/elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/elementwise.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void add_clamped(const float* a, const float* b, float* y, std::size_t count, float least, float most) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto low = hn::Set(d, least), high = hn::Set(d, most);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::Min(hn::Max(hn::Add(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), low), high), d, y + i);
  }
  for (; i < count; ++i) {
    const float sum = a[i] + b[i];
    y[i] = sum < least ? least : sum > most ? most : sum;
  }
}

void clamp(const float* x, float* y, std::size_t count, float least, float most) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto low = hn::Set(d, least), high = hn::Set(d, most);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(hn::Min(hn::Max(hn::LoadU(d, x + i), low), high), d, y + i);
  for (; i < count; ++i) y[i] = x[i] < least ? least : x[i] > most ? most : x[i];
}

void scale_shift_clamped(const float* x, const float* scale, const float* shift, float* y, std::size_t rows, std::size_t channels,
                         float least, float most) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto low = hn::Set(d, least), high = hn::Set(d, most);
  for (std::size_t row = 0; row < rows; ++row, x += channels, y += channels) {
    std::size_t c = 0;
    for (; c + lanes <= channels; c += lanes) {
      const auto value = hn::MulAdd(hn::LoadU(d, x + c), hn::LoadU(d, scale + c), hn::LoadU(d, shift + c));
      hn::StoreU(hn::Min(hn::Max(value, low), high), d, y + c);
    }
    for (; c < channels; ++c) {
      const float value = x[c] * scale[c] + shift[c];
      y[c] = value < least ? least : value > most ? most : value;
    }
  }
}

}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace resnet::kernels {

HWY_EXPORT(add_clamped);
HWY_EXPORT(clamp);
HWY_EXPORT(scale_shift_clamped);

void add_clamped(const float* a, const float* b, float* y, std::size_t count, float least, float most) {
  HWY_DYNAMIC_DISPATCH(add_clamped)(a, b, y, count, least, most);
}

void clamp(const float* x, float* y, std::size_t count, float least, float most) {
  HWY_DYNAMIC_DISPATCH(clamp)(x, y, count, least, most);
}

void scale_shift_clamped(const float* x, const float* scale, const float* shift, float* y, std::size_t rows, std::size_t channels,
                         float least, float most) {
  HWY_DYNAMIC_DISPATCH(scale_shift_clamped)(x, scale, shift, y, rows, channels, least, most);
}

}  // namespace resnet::kernels
#endif

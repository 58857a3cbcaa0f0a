#include "lib/kernels/elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/elementwise.cc"
#include <hwy/foreach_target.h>
#include "lib/kernels/bounds-inl.h"

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void clamp(const float* x, float* y, std::size_t count, float least, float most) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto low = hn::Set(d, least), high = hn::Set(d, most);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(between(low, hn::LoadU(d, x + i), high), d, y + i);
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
      hn::StoreU(between(low, value, high), d, y + c);
    }
    for (; c < channels; ++c) {
      const float value = x[c] * scale[c] + shift[c];
      y[c] = value < least ? least : value > most ? most : value;
    }
  }
}

// The sum of `rows` values that stand `stride` apart, for each lane. In blocks and blocks of blocks: one sum alone would swallow
// what is added once it is 2^24 times as large. A lane's bits depend on its own values and their order alone.
template <class D>
HWY_INLINE hn::Vec<D> column_sum(D d, const float* x, std::size_t rows, std::size_t stride) {
  constexpr std::size_t block = 1024, blocks = block * 1024;
  auto total = hn::Zero(d);
  for (std::size_t outer = 0; outer < rows; outer += blocks) {
    const std::size_t outer_end = rows - outer < blocks ? rows : outer + blocks;
    auto sum = hn::Zero(d);
    for (std::size_t inner = outer; inner < outer_end; inner += block) {
      const std::size_t inner_end = outer_end - inner < block ? outer_end : inner + block;
      auto part = hn::Zero(d);
      for (std::size_t r = inner; r < inner_end; ++r) part = hn::Add(part, hn::LoadU(d, x + r * stride));
      sum = hn::Add(sum, part);
    }
    total = hn::Add(total, sum);
  }
  return total;
}

void mean(const float* x, float* y, std::size_t reduced, std::size_t inner, std::size_t begin, std::size_t end) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const float factor = 1.0f / static_cast<float>(reduced);
  for (std::size_t index = begin; index < end;) {
    const std::size_t outer = index / inner, first = index % inner;
    const std::size_t last = first + (end - index < inner - first ? end - index : inner - first);
    const float* block = x + outer * reduced * inner;
    float* target = y + outer * inner;
    std::size_t i = first;
    for (; i + lanes <= last; i += lanes) {
      hn::StoreU(hn::Mul(column_sum(d, block + i, reduced, inner), hn::Set(d, factor)), d, target + i);
    }
    const hn::CappedTag<float, 1> one;
    for (; i < last; ++i) hn::StoreU(hn::Mul(column_sum(one, block + i, reduced, inner), hn::Set(one, factor)), one, target + i);
    index += last - first;
  }
}

}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace resnet::kernels {

HWY_EXPORT(clamp);
HWY_EXPORT(scale_shift_clamped);
HWY_EXPORT(mean);

void clamp(const float* x, float* y, std::size_t count, float least, float most) {
  HWY_DYNAMIC_DISPATCH(clamp)(x, y, count, least, most);
}

void scale_shift_clamped(const float* x, const float* scale, const float* shift, float* y, std::size_t rows, std::size_t channels,
                         float least, float most) {
  HWY_DYNAMIC_DISPATCH(scale_shift_clamped)(x, scale, shift, y, rows, channels, least, most);
}

void mean(const float* x, float* y, std::size_t reduced, std::size_t inner, std::size_t begin, std::size_t end) {
  HWY_DYNAMIC_DISPATCH(mean)(x, y, reduced, inner, begin, end);
}

}  // namespace resnet::kernels
#endif

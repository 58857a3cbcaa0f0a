#include "lib/kernels/pool.h"

#include <limits>

#include "lib/kernels/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/pool.cc"
#include <hwy/foreach_target.h>
#include "lib/kernels/registers-inl.h"

HWY_BEFORE_NAMESPACE();
namespace resnet::kernels::HWY_NAMESPACE {

namespace {

// The taps of one output, along each axis.
using Window = std::array<const PoolTaps*, 3>;

// Calls visit(where the pixel begins) for each tap.
template <class Visit>
HWY_INLINE void visit_taps(const Pool& pool, const Window& window, const float* image, const Visit& visit) {
  const auto& [deep, high, wide] = window;
  for (std::int64_t i = 0; i < deep->count; ++i) {
    const std::int64_t plane = (deep->first + i * deep->step) * pool.in[1];
    for (std::int64_t j = 0; j < high->count; ++j) {
      const float* row = image + (plane + high->first + j * high->step) * pool.in[2] * pool.channels;
      const float* pixel = row + wide->first * pool.channels;
      for (std::int64_t k = 0; k < wide->count; ++k, pixel += wide->step * pool.channels) visit(pixel);
    }
  }
}

// The largest of each channel.
struct Largest {
  using Element = float;
  template <int vectors, class D>
  static HWY_INLINE void pool(D d, const Pool& pool, const Window& window, const float* image, float* y) {
    const std::size_t lanes = hn::Lanes(d);
    hn::Vec<D> best[vectors];
    RESNET_UNROLL for (int v = 0; v < vectors; ++v) best[v] = hn::Set(d, -std::numeric_limits<float>::infinity());
    visit_taps(pool, window, image, [&](const float* pixel) HWY_ATTR {
      RESNET_UNROLL for (int v = 0; v < vectors; ++v) {
        const auto value = hn::LoadU(d, pixel + static_cast<std::size_t>(v) * lanes);
        best[v] = hn::IfThenElse(hn::Or(hn::Gt(value, best[v]), hn::IsNaN(value)), value, best[v]);
      }
    });
    RESNET_UNROLL for (int v = 0; v < vectors; ++v) hn::StoreU(best[v], d, y + static_cast<std::size_t>(v) * lanes);
  }
};

// The mean of each channel.
struct Mean {
  using Element = double;
  template <int vectors, class D>
  static HWY_INLINE void pool(D d, const Pool& pool, const Window& window, const float* image, float* y) {
    const hn::Rebind<float, D> narrow;
    const std::size_t lanes = hn::Lanes(d);
    hn::Vec<D> sum[vectors];
    RESNET_UNROLL for (int v = 0; v < vectors; ++v) sum[v] = hn::Zero(d);
    visit_taps(pool, window, image, [&](const float* pixel) HWY_ATTR {
      RESNET_UNROLL for (int v = 0; v < vectors; ++v) {
        sum[v] = hn::Add(sum[v], hn::PromoteTo(d, hn::LoadU(narrow, pixel + static_cast<std::size_t>(v) * lanes)));
      }
    });
    double divisor = 1;
    for (const PoolTaps* taps : window) divisor *= static_cast<double>(taps->divisor);
    const auto factor = hn::Set(d, divisor == 0 ? 0.0 : 1 / divisor);
    RESNET_UNROLL for (int v = 0; v < vectors; ++v)
        hn::StoreU(hn::DemoteTo(narrow, hn::Mul(sum[v], factor)), narrow, y + static_cast<std::size_t>(v) * lanes);
  }
};

template <class Kind>
void pool_all(const Pool& pool, const float* x, float* y, std::size_t begin, std::size_t end) {
  constexpr std::size_t together = 4;
  const hn::ScalableTag<typename Kind::Element> d;
  const hn::CappedTag<typename Kind::Element, 1> one;
  const std::size_t lanes = hn::Lanes(d), high = pool.taps[1].size(), wide = pool.taps[2].size();
  const auto channels = static_cast<std::size_t>(pool.channels);
  const std::size_t image_size = static_cast<std::size_t>(pool.in[0] * pool.in[1] * pool.in[2]) * channels;
  for (std::size_t i = begin; i < end; ++i) {
    const float* image = x + i / pool.outputs_of_image() * image_size;
    const std::size_t place = i % pool.outputs_of_image();
    const Window window = {&pool.taps[0][place / (high * wide)], &pool.taps[1][place / wide % high], &pool.taps[2][place % wide]};
    float* to = y + i * channels;
    std::size_t c = 0;
    for (; c + together * lanes <= channels; c += together * lanes)
      Kind::template pool<together>(d, pool, window, image + c, to + c);
    for (; c + lanes <= channels; c += lanes) Kind::template pool<1>(d, pool, window, image + c, to + c);
    for (; c < channels; ++c) Kind::template pool<1>(one, pool, window, image + c, to + c);
  }
}

}  // namespace

void max_pool(const Pool& pool, const float* x, float* y, std::size_t begin, std::size_t end) {
  pool_all<Largest>(pool, x, y, begin, end);
}

void average_pool(const Pool& pool, const float* x, float* y, std::size_t begin, std::size_t end) {
  pool_all<Mean>(pool, x, y, begin, end);
}

}  // namespace resnet::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace resnet::kernels {

HWY_EXPORT(max_pool);
HWY_EXPORT(average_pool);

void max_pool(const Pool& pool, const float* x, float* y, std::size_t begin, std::size_t end) {
  HWY_DYNAMIC_DISPATCH(max_pool)(pool, x, y, begin, end);
}

void average_pool(const Pool& pool, const float* x, float* y, std::size_t begin, std::size_t end) {
  HWY_DYNAMIC_DISPATCH(average_pool)(pool, x, y, begin, end);
}

}  // namespace resnet::kernels
#endif

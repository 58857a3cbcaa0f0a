// MaxPool and AveragePool: of images by XNNPACK where its rules are ONNX's, else by lib/kernels.
#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/lower.h"
#include "lib/xnnpack/lower/pool_kernel.h"
#include "lib/xnnpack/lower/window.h"

namespace resnet::xnnpack {

namespace {

struct PoolWindow {
  std::uint32_t top, right, bottom, left, height, width, stride_height, stride_width, dilation_height, dilation_width;
};

// With ceil_mode the end padding grows until XNNPACK's floor rule gives the output that the graph has.
PoolWindow window_for(const Window& window, const Shape& x, const Shape& y) {
  const auto u32 = [](std::int64_t n) { return static_cast<std::uint32_t>(n); };
  const auto end = [&](std::size_t axis) {
    const std::int64_t kernel = (window.kernel[axis] - 1) * window.dilations[axis] + 1;
    const std::int64_t needed = (y[axis + 2] - 1) * window.strides[axis] + kernel - x[axis + 2] - window.pads_begin[axis];
    return u32(std::max(needed, std::int64_t{0}));
  };
  return {.top = u32(window.pads_begin[0]),
          .right = end(1),
          .bottom = end(0),
          .left = u32(window.pads_begin[1]),
          .height = u32(window.kernel[0]),
          .width = u32(window.kernel[1]),
          .stride_height = u32(window.strides[0]),
          .stride_width = u32(window.strides[1]),
          .dilation_height = u32(window.dilations[0]),
          .dilation_width = u32(window.dilations[1])};
}

// Whether a window begins before the image and ends after it: XNNPACK then leaves out a pixel of it in its mean.
bool covers_both_ends(const Window& window, const Shape& x, const Shape& y) {
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const std::int64_t before = window.pads_begin[axis], stride = window.strides[axis], size = x[axis + 2];
    if (before == 0) continue;
    const std::int64_t last = std::min((before + stride - 1) / stride, y[axis + 2]) - 1;  // that begins before the image
    if (last * stride - before + window.kernel[axis] > size) return true;
  }
  return false;
}

constexpr float infinity = std::numeric_limits<float>::infinity();

class PoolStep : public Step {
 public:
  using Step::Step;
  Layout wants() const override { return Layout::nhwc; }
};

class MaxPoolStep final : public PoolStep {
 public:
  MaxPoolStep(const MaxPool& pool, const Site& site) : PoolStep(site), pool_(pool) {}
  std::string_view kind() const override { return "max_pool"; }

  void emit(Emitter& e) const override {
    const Shape &x = e.shape(e.node().inputs[0]), &y = e.shape(output());
    const auto size = [&](std::size_t axis) { return static_cast<std::size_t>(x[axis]); };
    const PoolWindow w = window_for(window_of(pool_, {x[2], x[3]}), x, y);
    xnn_operator_t created = nullptr;
    check(xnn_create_max_pooling2d_nhwc_f32(w.top, w.right, w.bottom, w.left, w.height, w.width, w.stride_height, w.stride_width,
                                            w.dilation_height, w.dilation_width, -infinity, infinity, 0, &created),
          "xnn_create_max_pooling2d_nhwc_f32");
    auto op = e.own(created);
    check(xnn_reshape_max_pooling2d_nhwc_f32(created, size(0), size(2), size(3), size(1), size(1), size(1), nullptr, nullptr,
                                             e.pool().native()),
          "xnn_reshape_max_pooling2d_nhwc_f32");
    const int from = e.demand(e.node().inputs[0], nhwc_order());
    const int to = e.produce(output(), nhwc_order());
    e.add_operator(std::move(op), {{from}, {to}}, [](xnn_operator_t o, Addresses at) {
      check(xnn_setup_max_pooling2d_nhwc_f32(o, as<const float>(at[0]), as<float>(at[1])), "xnn_setup_max_pooling2d_nhwc_f32");
    });
  }

 private:
  MaxPool pool_;
};

class AveragePoolStep final : public PoolStep {
 public:
  AveragePoolStep(const AveragePool& pool, const Site& site) : PoolStep(site), pool_(pool) {}
  std::string_view kind() const override { return "average_pool"; }

  void emit(Emitter& e) const override {
    const Shape &x = e.shape(e.node().inputs[0]), &y = e.shape(output());
    const auto size = [&](std::size_t axis) { return static_cast<std::size_t>(x[axis]); };
    const Window window = window_of(pool_, {x[2], x[3]});
    // XNNPACK adds a window up in one float, which swallows what comes last in a very large one.
    constexpr std::int64_t largest_window = 1 << 16;
    if (covers_both_ends(window, x, y) || window.kernel[0] > largest_window / window.kernel[1])
      return emit_average_pool(e, pool_, output());
    const PoolWindow w = window_for(window, x, y);
    xnn_operator_t created = nullptr;
    check(xnn_create_average_pooling2d_nhwc_f32(w.top, w.right, w.bottom, w.left, w.height, w.width, w.stride_height,
                                                w.stride_width, -infinity, infinity, 0, &created),
          "xnn_create_average_pooling2d_nhwc_f32");
    auto op = e.own(created);
    std::size_t workspace = 0, alignment = 0;
    check(xnn_reshape_average_pooling2d_nhwc_f32(created, size(0), size(2), size(3), size(1), size(1), size(1), &workspace,
                                                 &alignment, nullptr, nullptr, e.pool().native()),
          "xnn_reshape_average_pooling2d_nhwc_f32");
    const int from = e.demand(e.node().inputs[0], nhwc_order());
    const int to = e.produce(output(), nhwc_order());
    const int scratch = workspace > 0 ? e.allocate(workspace) : -1;
    e.add_operator(std::move(op), {{from}, {to, scratch}}, [](xnn_operator_t o, Addresses at) {
      check(xnn_setup_average_pooling2d_nhwc_f32(o, at[2], as<const float>(at[0]), as<float>(at[1])),
            "xnn_setup_average_pooling2d_nhwc_f32");
    });
  }

 private:
  AveragePool pool_;
};

// XNNPACK refuses windows of one element and strides beyond the window, and a window that lies in the padding alone has nothing
// to compute of.
template <typename Pool>
bool fits_pool(const Pool& pool, const Site& site) {
  if (!site.is_float() || !site.has_rank(0, 4) || !fits_window(pool.kernel_shape, pool)) return false;
  for (std::size_t i = 0; i < 2; ++i) {
    if (at(pool.strides, i) > pool.kernel_shape[i]) return false;
    if (!pool.pads.empty() && (pool.pads[i] >= pool.kernel_shape[i] || pool.pads[i + 2] >= pool.kernel_shape[i])) return false;
  }
  return pool.kernel_shape[0] * pool.kernel_shape[1] > 1;
}

template <typename Pool>
bool is_padded(const Pool& pool) {
  const auto pads = [](std::int64_t pad) { return pad != 0; };
  return pool.auto_pad != AutoPad::notset || std::any_of(pool.pads.begin(), pool.pads.end(), pads);
}

template <typename Pool>
bool is_dilated(const Pool& pool) {
  return at(pool.dilations, 0) != 1 || at(pool.dilations, 1) != 1;
}

}  // namespace

std::unique_ptr<Step> lower(const MaxPool& pool, const Site& site) {
  if (site.node().outputs.size() != 1) return nullptr;
  // Where padding meets dilation XNNPACK reads edge pixels that are not in the window.
  const bool fits = fits_pool(pool, site) && !(is_dilated(pool) && (is_padded(pool) || pool.ceil_mode));
  return fits ? std::make_unique<MaxPoolStep>(pool, site) : max_pool_of_any_form(pool, site);
}

// XNNPACK leaves padding out of the count and knows no dilation.
std::unique_ptr<Step> lower(const AveragePool& pool, const Site& site) {
  const bool counts_padding =
      pool.count_include_pad && (is_padded(pool) || pool.ceil_mode) && !has_fault(PlantedFault::padding_not_counted);
  const bool fits = fits_pool(pool, site) && !is_dilated(pool) && !counts_padding;
  return fits ? std::make_unique<AveragePoolStep>(pool, site) : average_pool_of_any_form(pool, site);
}

}  // namespace resnet::xnnpack

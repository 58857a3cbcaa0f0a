#include <algorithm>
#include <limits>

#include "lib/kernels/elementwise.h"
#include "lib/xnnpack/builder.h"
#include "lib/xnnpack/faults.h"

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

}  // namespace

void Builder::pool(const Step& step) {
  const Node& node = graph_.node(step.node);
  const Shape &x = shape(node.inputs[0]), &y = shape(step.output);
  const Dims spatial = {x[2], x[3]};
  const auto batch = static_cast<std::size_t>(x[0]), channels = static_cast<std::size_t>(x[1]);
  const auto height = static_cast<std::size_t>(x[2]), width = static_cast<std::size_t>(x[3]);
  xnn_operator_t created = nullptr;
  if (const auto* max = std::get_if<MaxPool>(&node.op)) {
    const PoolWindow w = window_for(window_of(*max, spatial), x, y);
    check(xnn_create_max_pooling2d_nhwc_f32(w.top, w.right, w.bottom, w.left, w.height, w.width, w.stride_height, w.stride_width,
                                            w.dilation_height, w.dilation_width, -infinity, infinity, 0, &created),
          "xnn_create_max_pooling2d_nhwc_f32");
    const xnn_operator_t op = own(Operator(created));
    check(xnn_reshape_max_pooling2d_nhwc_f32(op, batch, height, width, channels, channels, channels, nullptr, nullptr,
                                             pool_.native()),
          "xnn_reshape_max_pooling2d_nhwc_f32");
    const int from = demand(node.inputs[0], nhwc_order());
    const int to = produce(step.output, nhwc_order());
    add_operator(step, op, {{from}, {to}}, [](xnn_operator_t o, std::span<std::byte* const> at) {
      check(xnn_setup_max_pooling2d_nhwc_f32(o, reinterpret_cast<const float*>(at[0]), reinterpret_cast<float*>(at[1])),
            "xnn_setup_max_pooling2d_nhwc_f32");
    });
    return;
  }
  const Window window = window_of(std::get<AveragePool>(node.op), spatial);
  // XNNPACK adds a window up in one float, which swallows what comes last in a very large one.
  constexpr std::int64_t largest_window = 1 << 16;
  if (covers_both_ends(window, x, y) || window.kernel[0] > largest_window / window.kernel[1]) return fallback(step);
  const PoolWindow w = window_for(window, x, y);
  check(xnn_create_average_pooling2d_nhwc_f32(w.top, w.right, w.bottom, w.left, w.height, w.width, w.stride_height,
                                              w.stride_width, -infinity, infinity, 0, &created),
        "xnn_create_average_pooling2d_nhwc_f32");
  const xnn_operator_t op = own(Operator(created));
  std::size_t workspace = 0, alignment = 0;
  check(xnn_reshape_average_pooling2d_nhwc_f32(op, batch, height, width, channels, channels, channels, &workspace, &alignment,
                                               nullptr, nullptr, pool_.native()),
        "xnn_reshape_average_pooling2d_nhwc_f32");
  const int from = demand(node.inputs[0], nhwc_order());
  const int to = produce(step.output, nhwc_order());
  const int scratch = workspace > 0 ? allocate(workspace) : -1;
  add_operator(step, op, {{from}, {to, scratch}}, [](xnn_operator_t o, std::span<std::byte* const> at) {
    check(xnn_setup_average_pooling2d_nhwc_f32(o, at[2], reinterpret_cast<const float*>(at[0]), reinterpret_cast<float*>(at[1])),
          "xnn_setup_average_pooling2d_nhwc_f32");
  });
}

void Builder::mean(const Step& step) {
  const Node& node = graph_.node(step.node);
  const Shape& x = shape(node.inputs[0]);
  std::vector<std::size_t> axes;
  bool keepdims = true;
  if (const auto* reduce = std::get_if<ReduceMean>(&node.op)) {
    const Fact* facts[] = {&graph_.fact(node.inputs[0]),
                           node.inputs.size() > 1 && !node.inputs[1].is_none() ? &graph_.fact(node.inputs[1]) : nullptr};
    axes = *reduced_axes(*reduce, Facts(facts));
    keepdims = reduce->keepdims;
  } else {
    for (std::size_t axis = 2; axis < x.rank(); ++axis) axes.push_back(axis);
  }
  const Place from = home(node.inputs[0]);
  const auto is_reduced = [&](std::size_t axis) { return std::find(axes.begin(), axes.end(), axis) != axes.end(); };
  // In memory the reduced axes should stand side by side: outer x reduced x inner. Where they do not, lib/reference does it.
  std::size_t outer = 1, reduced = 1, inner = 1;
  bool apart = false;
  Order order;
  for (const std::size_t axis : from.order) {
    const auto size = static_cast<std::size_t>(x[axis]);
    if (is_reduced(axis)) {
      apart = apart || (inner > 1 && size > 1);
      reduced *= size;
    } else if (reduced > 1) {
      inner *= size;
    } else {
      outer *= size;
    }
    if (keepdims) {
      order.push_back(axis);
    } else if (!is_reduced(axis)) {
      order.push_back(axis -
                      static_cast<std::size_t>(std::count_if(axes.begin(), axes.end(), [&](std::size_t a) { return a < axis; })));
    }
  }
  if (apart) return fallback(step);
  const int to = produce(step.output, std::move(order));
  constexpr std::size_t grain = 256;
  add_loop(step, {{from.buffer}, {to}}, outer * inner, grain,
           [reduced, inner](std::span<float* const> at, std::size_t begin, std::size_t end) {
             kernels::mean(at[0], at[1], reduced, inner, begin, end);
             if (has_fault(PlantedFault::mean_divisor))
               at[1][begin] *= static_cast<float>(reduced) / static_cast<float>(reduced + 1);
             for (std::size_t i = begin; has_fault(PlantedFault::batch_stride) && i < end; ++i)
               kernels::mean(at[0] - i / inner * inner, at[1], reduced, inner, i, i + 1);
           });
}

}  // namespace resnet::xnnpack

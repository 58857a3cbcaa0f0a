#include <algorithm>

#include "lib/kernels/convolution.h"
#include "lib/xnnpack/builder.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/weighted.h"

namespace resnet::xnnpack {

void Builder::direct_convolution(const Step& step) {
  const Node& node = graph_.node(step.node);
  const auto& conv = std::get<Conv>(node.op);
  const Shape weight = *graph_.fact(node.inputs[1]).shape();
  const Shape x = shape(node.inputs[0]), y = shape({step.node, 0});
  const Window window = window_of(conv, {weight[2], weight[3]}, {x[2], x[3]});
  kernels::Convolution c;
  c.filter = filter_of(conv, weight);
  c.batch = x[0];
  c.height = x[2];
  c.width = x[3];
  c.pixel_stride = x[1];
  c.out_height = y[2];
  c.out_width = y[3];
  c.stride_high = window.strides[0];
  c.stride_wide = window.strides[1];
  c.dilation_high = window.dilations[0];
  c.dilation_wide = window.dilations[1];
  c.pad_top = has_fault(PlantedFault::padding_lost) ? 0 : window.pads_begin[0];
  c.pad_left = window.pads_begin[1];
  c.least = step.activation.least;
  c.most = step.activation.most;
  int from = demand(node.inputs[0], nhwc_order());
  const bool whole_rows = c.filter.taps_wide != weight[3];
  const std::int64_t needed = (c.out_width - 1) * c.stride_wide + weight[3];
  if (whole_rows && (c.pad_left > 0 || needed > c.width)) {
    // A row of the filter reads a run of pixels: those beside the image must be there.
    const std::int64_t left = c.pad_left, width = std::max(c.width + left, needed);
    const int padded = allocate(static_cast<std::size_t>(c.batch * c.height * width * c.pixel_stride) * sizeof(float));
    const auto rows = static_cast<std::size_t>(c.batch * c.height);
    const auto row = static_cast<std::size_t>(c.width * c.pixel_stride), front = static_cast<std::size_t>(left * c.pixel_stride),
               padded_row = static_cast<std::size_t>(width * c.pixel_stride);
    add_loop(step, {{from}, {padded}}, rows, 16,
             [row, front, padded_row](std::span<float* const> at, std::size_t begin, std::size_t end) {
               for (std::size_t r = begin; r < end; ++r) {
                 float* to = std::fill_n(at[1] + r * padded_row, front, 0.0f);
                 to = std::copy_n(at[0] + r * row, row, to);
                 std::fill_n(to, padded_row - front - row - (has_fault(PlantedFault::row_padding_edge) ? 1 : 0), 0.0f);
               }
             });
    from = padded;
    c.width = width;
    c.pad_left = 0;
  }
  Access access{.reads = {from}};
  if (!step.addend.is_none()) access.reads.push_back(demand(step.addend, nhwc_order()));
  access.writes = {produce(step.output, nhwc_order())};
  const float* filter = reinterpret_cast<const float*>(step.filter->bytes().data());
  add_loop(step, std::move(access), kernels::convolution_parts(c), 1,
           [c, filter](std::span<float* const> at, std::size_t begin, std::size_t end) {
             kernels::convolve(c, at[0], filter, at.size() == 3 ? at[1] : nullptr, at.back(), begin, end);
           });
}

void Builder::winograd_convolution(const Step& step) {
  const Node& node = graph_.node(step.node);
  const Shape weight = *graph_.fact(node.inputs[1]).shape();
  const Shape x = shape(node.inputs[0]), y = shape({step.node, 0});
  const Window window = window_of(std::get<Conv>(node.op), {weight[2], weight[3]}, {x[2], x[3]});
  const kernels::Winograd winograd{.filter = winograd_filter_of(step.method, weight),
                                   .batch = x[0],
                                   .height = x[2] - (has_fault(PlantedFault::winograd_edge) ? 1 : 0),
                                   .width = x[3],
                                   .out_height = y[2],
                                   .out_width = y[3],
                                   .pad_top = window.pads_begin[0],
                                   .pad_left = window.pads_begin[1],
                                   .least = step.activation.least,
                                   .most = step.activation.most};
  const kernels::WinogradCut cut = kernels::cut(winograd, pool_.threads());
  Access access{.reads = {demand(node.inputs[0], nhwc_order())}};
  if (!step.addend.is_none()) access.reads.push_back(demand(step.addend, nhwc_order()));
  access.writes = {produce(step.output, nhwc_order()), allocate(cut.scratch * sizeof(float))};
  const float* filter = reinterpret_cast<const float*>(step.filter->bytes().data());
  add_kernel(step, std::move(access), [winograd, cut, filter, pool = &pool_](std::span<float* const> at) {
    const float* addend = at.size() == 4 ? at[1] : nullptr;
    kernels::convolve(winograd, cut, at[0], filter, addend, at[at.size() - 2], at.back(), *pool);
  });
}

void Builder::convolution(const Step& step, std::size_t index) {
  if (step.filter) return step.method == kernels::Method::direct ? direct_convolution(step) : winograd_convolution(step);
  const Node& node = graph_.node(step.node);
  if (!kept_[index]) kept_[index] = create_convolution(plan_.graph(), step);
  xnn_operator_t op = kept_[index].get();
  const Shape& x = shape(node.inputs[0]);
  std::size_t workspace = 0, alignment = 0;
  check(xnn_reshape_convolution2d_nhwc_f32(op, static_cast<std::size_t>(x[0]), static_cast<std::size_t>(x[2]),
                                           static_cast<std::size_t>(x[3]), &workspace, &alignment, nullptr, nullptr,
                                           pool_.native()),
        "xnn_reshape_convolution2d_nhwc_f32");
  const int from = demand(node.inputs[0], nhwc_order());
  const int to = produce(step.output, nhwc_order());
  const int scratch = workspace > 0 ? allocate(workspace) : -1;
  add_operator(step, op, {{from}, {to, scratch}}, [](xnn_operator_t o, std::span<std::byte* const> at) {
    check(xnn_setup_convolution2d_nhwc_f32(o, at[2], reinterpret_cast<const float*>(at[0]), reinterpret_cast<float*>(at[1])),
          "xnn_setup_convolution2d_nhwc_f32");
  });
}

void Builder::direct_product(const Step& step) {
  const Node& node = graph_.node(step.node);
  const Shape& x = shape(node.inputs[0]);
  kernels::Convolution c;
  c.filter = filter_of_product(plan_.graph(), node);
  c.pixel_stride = c.filter.channels;
  c.width = c.out_width = x.elements() / c.filter.channels;
  c.least = step.activation.least;
  c.most = step.activation.most;
  const int from = demand(node.inputs[0], canonical_order(x.rank()));
  const int to = produce(step.output, canonical_order(shape(step.output).rank()));
  const float* filter = reinterpret_cast<const float*>(step.filter->bytes().data());
  add_loop(step, {{from}, {to}}, kernels::convolution_parts(c), 1,
           [c, filter](std::span<float* const> at, std::size_t begin, std::size_t end) {
             kernels::convolve(c, at[0], filter, nullptr, at[1], begin, end);
           });
}

void Builder::product(const Step& step, std::size_t index) {
  if (step.filter) return direct_product(step);
  const Node& node = graph_.node(step.node);
  if (!kept_[index]) kept_[index] = create_product(plan_.graph(), step);
  xnn_operator_t op = kept_[index].get();
  const Shape& x = shape(node.inputs[0]);
  const std::int64_t rows = x.elements() / x[x.rank() - 1];
  check(xnn_reshape_fully_connected_nc_f32(op, static_cast<std::size_t>(rows), pool_.native()),
        "xnn_reshape_fully_connected_nc_f32");
  const int from = demand(node.inputs[0], canonical_order(x.rank()));
  const int to = produce(step.output, canonical_order(shape(step.output).rank()));
  add_operator(step, op, {{from}, {to}}, [](xnn_operator_t o, std::span<std::byte* const> at) {
    check(xnn_setup_fully_connected_nc_f32(o, reinterpret_cast<const float*>(at[0]), reinterpret_cast<float*>(at[1])),
          "xnn_setup_fully_connected_nc_f32");
  });
}

}  // namespace resnet::xnnpack

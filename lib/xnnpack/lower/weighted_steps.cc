#include "lib/xnnpack/builder.h"
#include "lib/xnnpack/lower/weighted.h"

namespace resnet::xnnpack {

void Builder::convolution(const Step& step, std::size_t index) {
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
  add_operator(step, op, {from, to, scratch}, [](xnn_operator_t o, std::span<std::byte* const> at) {
    check(xnn_setup_convolution2d_nhwc_f32(o, at[2], reinterpret_cast<const float*>(at[0]), reinterpret_cast<float*>(at[1])),
          "xnn_setup_convolution2d_nhwc_f32");
  });
}

void Builder::product(const Step& step, std::size_t index) {
  const Node& node = graph_.node(step.node);
  if (!kept_[index]) kept_[index] = create_product(plan_.graph(), step);
  xnn_operator_t op = kept_[index].get();
  const Shape& x = shape(node.inputs[0]);
  const std::int64_t rows = x.elements() / x[x.rank() - 1];
  check(xnn_reshape_fully_connected_nc_f32(op, static_cast<std::size_t>(rows), pool_.native()),
        "xnn_reshape_fully_connected_nc_f32");
  const int from = demand(node.inputs[0], canonical_order(x.rank()));
  const int to = produce(step.output, canonical_order(shape(step.output).rank()));
  add_operator(step, op, {from, to}, [](xnn_operator_t o, std::span<std::byte* const> at) {
    check(xnn_setup_fully_connected_nc_f32(o, reinterpret_cast<const float*>(at[0]), reinterpret_cast<float*>(at[1])),
          "xnn_setup_fully_connected_nc_f32");
  });
}

}  // namespace resnet::xnnpack

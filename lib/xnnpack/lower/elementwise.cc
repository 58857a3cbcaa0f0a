#include <algorithm>

#include "lib/kernels/elementwise.h"
#include "lib/reference/reference.h"
#include "lib/xnnpack/builder.h"
#include "lib/xnnpack/faults.h"

namespace resnet::xnnpack {

namespace {

constexpr std::size_t grain = 16384;  // elements of one part of a loop: 64 KiB

}  // namespace

void Builder::add_residual(const Step& step) {
  const Node& node = graph_.node(step.node);
  // Dims that were equal as formulas are equal now.
  const Order order = home(node.inputs[0]).order;
  const int a = demand(node.inputs[0], order), b = demand(node.inputs[1], order);
  const int to = produce(step.output, order);
  const auto count = static_cast<std::size_t>(shape(step.output).elements());
  add_loop(step, {{a, b}, {to}}, count, grain,
           [activation = step.activation](std::span<float* const> at, std::size_t begin, std::size_t end) {
             kernels::add_clamped(at[0] + begin, at[1] + begin, at[2] + begin, end - begin, activation.least, activation.most);
           });
}

void Builder::clamp(const Step& step) {
  const Node& node = graph_.node(step.node);
  const Order order = home(node.inputs[0]).order;
  const int from = demand(node.inputs[0], order);
  const int to = produce(step.output, order);
  const auto count = static_cast<std::size_t>(shape(step.output).elements());
  add_loop(step, {{from}, {to}}, count, grain,
           [activation = step.activation](std::span<float* const> at, std::size_t begin, std::size_t end) {
             kernels::clamp(at[0] + begin, at[1] + begin, end - begin, activation.least, activation.most);
           });
}

void Builder::normalization(const Step& step) {
  const Node& node = graph_.node(step.node);
  const int from = demand(node.inputs[0], nhwc_order());
  const int to = produce(step.output, nhwc_order());
  const std::size_t channels = step.scale.size();
  const std::size_t rows = static_cast<std::size_t>(shape(step.output).elements()) / channels;
  add_loop(step, {{from}, {to}}, rows, std::max<std::size_t>(grain / channels, 1),
           [&step, channels](std::span<float* const> at, std::size_t begin, std::size_t end) {
             kernels::scale_shift_clamped(at[0] + begin * channels, step.scale.data(), step.shift.data(),
                                          at[1] + begin * channels, end - begin, channels, step.activation.least,
                                          step.activation.most);
           });
}

void Builder::binary(const Step& step) {
  const Node& node = graph_.node(step.node);
  const std::size_t rank = shape(step.output).rank();
  // The order of the first operand of full rank that is not constant. An operand of lower rank that is computed has its axes
  // counted from the end of the graph's order.
  Order order = canonical_order(rank);
  bool found = false, canonical = false;
  for (ValueId input : node.inputs) {
    if (constant(input)) continue;
    if (shape(input).rank() < rank) canonical = true;
    if (shape(input).rank() == rank && !found) {
      order = home(input).order;
      found = true;
    }
  }
  if (canonical) order = canonical_order(rank);
  std::vector<int> buffers;
  std::vector<std::vector<std::size_t>> dims;
  for (ValueId input : node.inputs) {
    const Shape& own_shape = shape(input);
    std::vector<std::int64_t> full(rank - own_shape.rank(), 1);
    full.insert(has_fault(PlantedFault::broadcast_axis) ? full.begin() : full.end(), own_shape.dims().begin(),
                own_shape.dims().end());
    dims.emplace_back();
    for (const std::size_t axis : order) dims.back().push_back(static_cast<std::size_t>(full[axis]));
    if (own_shape.rank() == rank) {
      buffers.push_back(demand(input, order));
    } else if (const auto& value = constant(input)) {
      const Tensor expanded = value->reshaped(Shape(full));
      const Tensor* pointer = &expanded;
      Transpose op;
      op.perm.assign(order.begin(), order.end());
      Tensor moved = reference::evaluate(op, std::span(&pointer, 1), 1)[0];
      buffers.push_back(hold(std::move(moved)));
    } else {
      buffers.push_back(demand(input, canonical_order(own_shape.rank())));
    }
  }
  const xnn_binary_operator type = std::holds_alternative<Sub>(node.op)   ? xnn_binary_subtract
                                   : std::holds_alternative<Mul>(node.op) ? xnn_binary_multiply
                                   : std::holds_alternative<Div>(node.op) ? xnn_binary_divide
                                                                          : xnn_binary_add;
  xnn_operator_t created = nullptr;
  check(xnn_create_binary_elementwise_nd(type, xnn_datatype_fp32, nullptr, nullptr, nullptr, 0, &created),
        "xnn_create_binary_elementwise_nd");
  const xnn_operator_t op = own(Operator(created));
  check(xnn_reshape_binary_elementwise_nd(op, rank, dims[0].data(), rank, dims[1].data(), pool_.native()),
        "xnn_reshape_binary_elementwise_nd");
  const int to = produce(step.output, order);
  add_operator(step, op, {buffers, {to}}, [](xnn_operator_t o, std::span<std::byte* const> at) {
    const bool swapped = has_fault(PlantedFault::operands_swapped);
    check(xnn_setup_binary_elementwise_nd(o, at[swapped ? 1 : 0], at[swapped ? 0 : 1], at[2]), "xnn_setup_binary_elementwise_nd");
  });
}

void Builder::sigmoid(const Step& step) {
  const Node& node = graph_.node(step.node);
  const Order order = home(node.inputs[0]).order;
  xnn_operator_t created = nullptr;
  check(xnn_create_unary_elementwise_nc(xnn_unary_sigmoid, xnn_datatype_fp32, xnn_datatype_fp32, nullptr, nullptr, nullptr, 0,
                                        &created),
        "xnn_create_unary_elementwise_nc");
  const xnn_operator_t op = own(Operator(created));
  const auto count = static_cast<std::size_t>(shape(step.output).elements());
  check(xnn_reshape_unary_elementwise_nc(op, 1, count, count, count, pool_.native()), "xnn_reshape_unary_elementwise_nc");
  const int from = demand(node.inputs[0], order);
  const int to = produce(step.output, order);
  add_operator(step, op, {{from}, {to}}, [](xnn_operator_t o, std::span<std::byte* const> at) {
    check(xnn_setup_unary_elementwise_nc(o, at[0], at[1]), "xnn_setup_unary_elementwise_nc");
  });
}

void Builder::softmax(const Step& step) {
  const Node& node = graph_.node(step.node);
  const Shape& x = shape(node.inputs[0]);
  const auto channels = static_cast<std::size_t>(x[x.rank() - 1]);
  const std::size_t rows = static_cast<std::size_t>(x.elements()) / channels;
  xnn_operator_t created = nullptr;
  check(xnn_create_softmax_nc_f32(0, &created), "xnn_create_softmax_nc_f32");
  const xnn_operator_t op = own(Operator(created));
  check(xnn_reshape_softmax_nc_f32(op, channels, channels, channels, rows, pool_.native()), "xnn_reshape_softmax_nc_f32");
  const Order order = canonical_order(x.rank());
  const int from = demand(node.inputs[0], order);
  const int to = produce(step.output, order);
  add_operator(step, op, {{from}, {to}}, [](xnn_operator_t o, std::span<std::byte* const> at) {
    check(xnn_setup_softmax_nc_f32(o, reinterpret_cast<const float*>(at[0]), reinterpret_cast<float*>(at[1])),
          "xnn_setup_softmax_nc_f32");
  });
}

void Builder::elementwise(const Step& step) {
  const Node& node = graph_.node(step.node);
  const Order order = home(node.inputs[0]).order;
  std::vector<Operand> inputs = {operand(node.inputs[0], order)};
  for (std::size_t i = 1; i < node.inputs.size(); ++i) {
    inputs.push_back(operand(node.inputs[i], node.inputs[i].is_none() ? Order{} : canonical_order(shape(node.inputs[i]).rank())));
  }
  const Shape in_memory = inputs[0].shape;
  const int to = produce(step.output, order);
  add_reference(step, node.op, std::move(inputs),
                {{.buffer = to, .dtype = node.outputs[0].fact.dtype.value_or(DType::float32), .shape = in_memory}});
}

}  // namespace resnet::xnnpack

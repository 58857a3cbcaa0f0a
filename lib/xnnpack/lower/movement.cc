#include <algorithm>

#include "lib/base/error.h"
#include "lib/xnnpack/builder.h"
#include "lib/xnnpack/faults.h"

namespace resnet::xnnpack {

namespace {

Tensor vector_of(const std::vector<std::int64_t>& list) {
  return Tensor::from(Shape{static_cast<std::int64_t>(list.size())}, std::span<const std::int64_t>(list));
}

std::int64_t place_of(const Order& order, std::size_t axis) {
  return std::find(order.begin(), order.end(), axis) - order.begin();
}

}  // namespace

void Builder::view(const Step& step) {
  const Node& node = graph_.node(step.node);
  const Order order = canonical_order(shape(node.inputs[0]).rank());
  const int buffer = demand(node.inputs[0], order);
  place(step.output, {buffer, canonical_order(shape(step.output).rank())});
}

void Builder::transpose(const Step& step) {
  const Node& node = graph_.node(step.node);
  const Place from = home(node.inputs[0]);
  const auto perm = permutation_of(std::get<Transpose>(node.op), from.order.size());
  Order order;
  for (const std::size_t axis : from.order) {
    order.push_back(has_fault(PlantedFault::transpose_misnamed)
                        ? perm[axis]
                        : static_cast<std::size_t>(std::find(perm.begin(), perm.end(), axis) - perm.begin()));
  }
  place(step.output, {from.buffer, std::move(order)});
}

// Slice, Pad and Concat run on the order that their input has: only the axes that they name are renamed.

void Builder::slice(const Step& step) {
  const Node& node = graph_.node(step.node);
  const Order order = home(node.inputs[0]).order;
  const auto list = [&](std::size_t index) {
    const bool given = index < node.inputs.size() && !node.inputs[index].is_none();
    return given ? constant(node.inputs[index])->values_as<std::int64_t>() : std::vector<std::int64_t>{};
  };
  auto starts = list(1), ends = list(2);
  const auto steps = list(4);
  for (std::size_t i = 0; has_fault(PlantedFault::slice_shifted) && i < starts.size(); ++i) {
    if (starts[i] <= 0 || ends[i] <= 0) continue;
    --starts[i];
    --ends[i];
  }
  auto axes = list(3);
  if (axes.empty()) {
    for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  }
  for (std::int64_t& axis : axes) axis = place_of(order, normalize_axis(axis, order.size()));
  Operand x = operand(node.inputs[0], order);
  const auto as_operand = [](Tensor tensor) {
    return Operand{.value = tensor, .dtype = tensor.dtype(), .shape = tensor.shape()};
  };
  std::vector<Operand> inputs = {std::move(x), as_operand(vector_of(starts)), as_operand(vector_of(ends)),
                                 as_operand(vector_of(axes))};
  if (!steps.empty()) inputs.push_back(as_operand(vector_of(steps)));
  const int to = produce(step.output, order);
  std::vector<std::int64_t> dims;
  for (const std::size_t axis : order) dims.push_back(shape(step.output)[axis]);
  add_reference(step, node.op, std::move(inputs),
                {{.buffer = to, .dtype = graph_.fact(step.output).dtype.value_or(DType::float32), .shape = Shape(dims)}});
}

void Builder::pad(const Step& step) {
  const Node& node = graph_.node(step.node);
  const Order order = home(node.inputs[0]).order;
  const auto given = [&](std::size_t index) { return index < node.inputs.size() && !node.inputs[index].is_none(); };
  std::vector<std::int64_t> axes;
  if (given(3)) axes = constant(node.inputs[3])->values_as<std::int64_t>();
  const auto per_axis = pads_per_axis(order.size(), constant(node.inputs[1])->values_as<std::int64_t>(), axes);
  std::vector<std::int64_t> pads;
  for (const std::size_t axis : order) pads.push_back(per_axis[axis].begin);
  for (const std::size_t axis : order) pads.push_back(per_axis[axis].end);
  if (has_fault(PlantedFault::pad_ends_swapped)) std::rotate(pads.begin(), pads.begin() + std::ssize(order), pads.end());
  std::vector<Operand> inputs = {operand(node.inputs[0], order), {.value = vector_of(pads), .dtype = DType::int64}};
  if (given(2)) inputs.push_back({.value = constant(node.inputs[2]), .dtype = constant(node.inputs[2])->dtype()});
  const int to = produce(step.output, order);
  std::vector<std::int64_t> dims;
  for (const std::size_t axis : order) dims.push_back(shape(step.output)[axis]);
  add_reference(step, node.op, std::move(inputs),
                {{.buffer = to, .dtype = graph_.fact(step.output).dtype.value_or(DType::float32), .shape = Shape(dims)}});
}

void Builder::concat(const Step& step) {
  const Node& node = graph_.node(step.node);
  Order order = canonical_order(shape(step.output).rank());
  for (ValueId input : node.inputs) {
    if (!constant(input)) {
      order = home(input).order;
      break;
    }
  }
  Concat op;
  op.axis = place_of(order, normalize_axis(std::get<Concat>(node.op).axis, order.size()));
  std::vector<Operand> inputs;
  for (ValueId input : node.inputs) inputs.push_back(operand(input, order));
  if (has_fault(PlantedFault::concat_reversed)) std::reverse(inputs.begin(), inputs.end());
  const int to = produce(step.output, order);
  std::vector<std::int64_t> dims;
  for (const std::size_t axis : order) dims.push_back(shape(step.output)[axis]);
  add_reference(step, op, std::move(inputs),
                {{.buffer = to, .dtype = graph_.fact(step.output).dtype.value_or(DType::float32), .shape = Shape(dims)}});
}

}  // namespace resnet::xnnpack

// Add, Sub, Mul, Div, and Sum of two.
#include "lib/xnnpack/lower/arithmetic.h"

#include <utility>
#include <vector>

#include "lib/kernels/elementwise.h"
#include "lib/reference/reference.h"
#include "lib/xnnpack/emitter.h"
#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/activation.h"
#include "lib/xnnpack/lower/elementwise.h"
#include "lib/xnnpack/lower/lower.h"

namespace resnet::xnnpack {

namespace {

constexpr std::size_t most_axes = 6;  // of XNNPACK's operators

// Of equal shapes, with the activation after it.
class AdditionStep final : public ClampingStep {
 public:
  using ClampingStep::ClampingStep;
  std::string_view kind() const override { return "add"; }

  void emit(Emitter& e) const override {
    const std::vector<ValueId>& inputs = e.node().inputs;
    // Dims that were equal as formulas are equal now.
    const Order order = e.home(inputs[0]).order;
    const int a = e.demand(inputs[0], order), b = e.demand(inputs[1], order);
    const int to = e.produce(output(), order);
    e.add_loop({{a, b}, {to}}, e.elements(output()), loop_grain,
               [bounds = activation()](Addresses at, std::size_t begin, std::size_t end) {
                 kernels::add_clamped(as<float>(at[0]) + begin, as<float>(at[1]) + begin, as<float>(at[2]) + begin, end - begin,
                                      bounds.least, bounds.most);
               });
  }
};

// With broadcasting.
class BinaryStep final : public Step {
 public:
  BinaryStep(xnn_binary_operator type, const Site& site) : Step(site), type_(type) {}
  std::string_view kind() const override { return "binary"; }
  void emit(Emitter& emitter) const override;

 private:
  Order order(Emitter& emitter, std::size_t rank) const;

  xnn_binary_operator type_;
};

// The axes of an operand, counted from the end of the result's.
std::vector<std::int64_t> full_dims(const Shape& shape, std::size_t rank) {
  std::vector<std::int64_t> full(rank - shape.rank(), 1);
  full.insert(has_fault(PlantedFault::broadcast_axis) ? full.begin() : full.end(), shape.dims().begin(), shape.dims().end());
  return full;
}

// The order of the largest operand of full rank that is not constant, so that an image stays where it is beside a vector of its
// channels. An operand of lower rank that is computed lies in the graph's order, which decides where the other one would move it.
Order BinaryStep::order(Emitter& e, std::size_t rank) const {
  Order order = canonical_order(rank);
  std::size_t most = 0;
  for (ValueId input : e.node().inputs) {
    if (e.constant(input) || e.shape(input).rank() < rank || e.elements(input) <= most) continue;
    order = e.home(input).order;
    most = e.elements(input);
  }
  for (ValueId input : e.node().inputs) {
    if (e.constant(input) || e.shape(input).rank() == rank) continue;
    if (!same_bytes(Shape(full_dims(e.shape(input), rank)), canonical_order(rank), order)) return canonical_order(rank);
  }
  return order;
}

// A constant as if it had these axes, in this order.
Tensor ordered(const Tensor& constant, const std::vector<std::int64_t>& dims, const Order& order) {
  const Tensor expanded = constant.reshaped(Shape(dims));
  const Tensor* pointer = &expanded;
  Transpose op;
  op.perm.assign(order.begin(), order.end());
  return reference::evaluate(op, std::span(&pointer, 1), 1)[0];
}

void BinaryStep::emit(Emitter& e) const {
  const std::size_t rank = e.shape(output()).rank();
  const Order order = this->order(e, rank);
  std::vector<int> buffers;
  std::vector<std::vector<std::size_t>> dims;
  for (ValueId input : e.node().inputs) {
    const Shape& own_shape = e.shape(input);
    const std::vector<std::int64_t> full = full_dims(own_shape, rank);
    dims.emplace_back();
    for (const std::size_t axis : order) dims.back().push_back(static_cast<std::size_t>(full[axis]));
    if (own_shape.rank() == rank) {
      buffers.push_back(e.demand(input, order));
    } else if (const auto& value = e.constant(input)) {
      buffers.push_back(e.hold(ordered(*value, full, order)));
    } else {
      buffers.push_back(e.demand(input, canonical_order(own_shape.rank())));
    }
  }
  xnn_operator_t created = nullptr;
  check(xnn_create_binary_elementwise_nd(type_, xnn_datatype_fp32, nullptr, nullptr, nullptr, 0, &created),
        "xnn_create_binary_elementwise_nd");
  auto op = e.own(created);
  check(xnn_reshape_binary_elementwise_nd(created, rank, dims[0].data(), rank, dims[1].data(), e.pool().native()),
        "xnn_reshape_binary_elementwise_nd");
  const int to = e.produce(output(), order);
  e.add_operator(std::move(op), {buffers, {to}}, [](xnn_operator_t o, Addresses at) {
    const bool swapped = has_fault(PlantedFault::operands_swapped);
    check(xnn_setup_binary_elementwise_nd(o, at[swapped ? 1 : 0], at[swapped ? 0 : 1], at[2]), "xnn_setup_binary_elementwise_nd");
  });
}

bool fits(const Site& site) {
  const auto few_axes = [&](std::size_t operand) {
    return site.fact(operand).has_rank() && site.fact(operand).rank() <= most_axes;
  };
  return site.is_float() && few_axes(0) && few_axes(1);
}

std::unique_ptr<Step> binary(xnn_binary_operator type, const Site& site) {
  return fits(site) ? std::make_unique<BinaryStep>(type, site) : nullptr;
}

bool are_equal_in_shape(const Site& site) { return site.fact(0).has_rank() && site.fact(0).dims == site.fact(1).dims; }

}  // namespace

bool is_addition(const Site& site) {
  if (std::holds_alternative<Sum>(site.node().op))
    return site.is_float() && site.node().inputs.size() == 2 && are_equal_in_shape(site);
  return std::holds_alternative<Add>(site.node().op) && fits(site) && are_equal_in_shape(site) && !site.is_constant(0) &&
         !site.is_constant(1);
}

std::unique_ptr<Step> lower(const Add&, const Site& site) {
  if (is_addition(site)) return std::make_unique<AdditionStep>(site);
  return binary(xnn_binary_add, site);
}
std::unique_ptr<Step> lower(const Sum&, const Site& site) {
  return is_addition(site) ? std::make_unique<AdditionStep>(site) : nullptr;
}
std::unique_ptr<Step> lower(const Sub&, const Site& site) { return binary(xnn_binary_subtract, site); }
std::unique_ptr<Step> lower(const Mul&, const Site& site) { return binary(xnn_binary_multiply, site); }
std::unique_ptr<Step> lower(const Div&, const Site& site) { return binary(xnn_binary_divide, site); }

}  // namespace resnet::xnnpack

#include "lib/xnnpack/lower/quantization.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "lib/xnnpack/faults.h"
#include "lib/xnnpack/lower/integer_step.h"

namespace resnet::xnnpack {

namespace {

using kernels::Function;
using Links = std::vector<PlannedLink>;

// What the two operators' nodes have in common. Axis: of the graph's.
struct Parameters {
  Tensor scale, zero_point;  // float32, of a shape that broadcasts to x's
  bool shifts = false;       // whether a zero point is other than 0
};

// One number, or one for each place of the axis, under a shape that broadcasts.
std::optional<Tensor> broadcastable(const Tensor& values, std::int64_t axis, const Fact& x) {
  const std::vector<float> floats = values.values_as<float>();
  if (values.elements() == 1 || (has_fault(PlantedFault::scale_per_axis_as_one) && values.elements() > 0))
    return Tensor::scalar(floats[0]);
  if (values.shape().rank() != 1 || !x.has_rank() || x.rank() == 0 || x.rank() > kernels::most_axes) return std::nullopt;
  const std::size_t place = normalize_axis(axis, x.rank());
  if (!(*x.dims)[place].is(values.elements())) return std::nullopt;
  std::vector<std::int64_t> dims(x.rank(), 1);
  dims[place] = values.elements();
  return Tensor::from(Shape(std::move(dims)), std::span<const float>(floats));
}

template <typename Operator>
std::optional<Parameters> parameters_of(const Operator& op, const Site& site) {
  const auto& scale = site.fact(1).value;
  if (op.block_size != 0 || !scale || scale->dtype() != DType::float32 || !site.are_constant_from(2)) return std::nullopt;
  const std::optional<Tensor> scales = broadcastable(*scale, op.axis, site.fact(0));
  if (!scales) return std::nullopt;
  Parameters parameters{*scales, Tensor::scalar(0.0f)};
  if (!site.has(2)) return parameters;
  const std::optional<Tensor> zero_points = broadcastable(*site.fact(2).value, op.axis, site.fact(0));
  if (!zero_points) return std::nullopt;
  parameters.zero_point = *zero_points;
  const auto list = zero_points->data<float>();
  parameters.shifts = std::any_of(list.begin(), list.end(), [](float zero) { return zero != 0; });
  return parameters;
}

PlannedLink with(Function function, const Tensor& operand) { return {.link = {.function = function}, .constant = operand}; }

}  // namespace

std::optional<kernels::Element> element_of(std::optional<DType> dtype) {
  if (dtype == DType::float32) return kernels::Element::float32;
  if (dtype == DType::uint8) return kernels::Element::uint8;
  if (dtype == DType::int8) return kernels::Element::int8;
  if (dtype == DType::float16) return kernels::Element::float16;
  if (dtype == DType::bfloat16) return kernels::Element::bfloat16;
  return std::nullopt;
}

std::optional<std::vector<PlannedLink>> dequantizing_links(const Site& site) {
  const auto* op = get_if<DequantizeLinear>(&site.node().op);
  if (op == nullptr || !is_byte(site.fact(0).dtype) || !site.is_float()) return std::nullopt;
  const auto parameters = parameters_of(*op, site);
  if (!parameters) return std::nullopt;
  Links links;
  if (parameters->shifts && !has_fault(PlantedFault::zero_point_lost))
    links.push_back(with(Function::subtract, parameters->zero_point));
  links.push_back(with(Function::multiply, parameters->scale));
  return links;
}

std::optional<std::vector<PlannedLink>> quantizing_links(const Site& site) {
  const auto* op = get_if<QuantizeLinear>(&site.node().op);
  if (op == nullptr || !is_byte(site.dtype()) || site.fact(0).dtype != DType::float32) return std::nullopt;
  const auto parameters = parameters_of(*op, site);
  if (!parameters) return std::nullopt;
  Links links = {with(Function::divide, parameters->scale), {.link = {.function = Function::round}}};
  if (parameters->shifts) links.push_back(with(Function::add, parameters->zero_point));
  return links;
}

}  // namespace resnet::xnnpack

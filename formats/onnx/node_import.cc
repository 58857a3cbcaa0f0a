#include "formats/onnx/node_import.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include "formats/onnx/tensors.h"
#include "lib/base/error.h"
#include "lib/base/overloaded.h"

namespace resnet::onnx {

using ::onnx::AttributeProto;

std::string Names::fresh(const std::string& name) {
  if (taken_.insert(name).second) return name;
  // Numbers continue where they stopped: many values of one name would be as many attempts each.
  std::int64_t& last = last_[name];
  std::string unique = fmt::format("{}_{}", name, ++last);
  while (!taken_.insert(unique).second) unique = fmt::format("{}_{}", name, ++last);
  return unique;
}

const Fact& NodeImport::fact(std::size_t index) const {
  if (!has_input(index)) throw Error(Fault::malformed, fmt::format("input {} is left out, but is not optional", index));
  return graph.fact(inputs[index]);
}

void NodeImport::set_input(std::size_t index, const std::string& suffix, Tensor value) {
  while (inputs.size() <= index) inputs.push_back(ValueId::none());
  inputs[index] = graph.add_constant(names.fresh(name + "." + suffix), std::move(value));
}

void NodeImport::set_input(std::size_t index, const std::string& suffix, const std::vector<std::int64_t>& list) {
  set_input(index, suffix, Tensor::from(Shape{static_cast<std::int64_t>(list.size())}, std::span<const std::int64_t>(list)));
}

void NodeImport::set_scalar(std::size_t index, const std::string& suffix, float value) {
  const DType dtype = fact(0).dtype.value_or(DType::float32);
  const Tensor single = Tensor::scalar(value);
  set_input(index, suffix,
            is_floating_point(dtype) ? dispatch(dtype,
                                                [&](auto zero) {
                                                  using T = decltype(zero);
                                                  return Tensor::scalar(static_cast<T>(value));
                                                })
                                     : single);
}

void NodeImport::wrap_input(std::size_t index, const std::string& suffix, Op op, const std::vector<std::int64_t>& list) {
  const std::string made = names.fresh(name + "." + suffix);
  const ValueId constant =
      graph.add_constant(names.fresh(made + ".list"),
                         Tensor::from(Shape{static_cast<std::int64_t>(list.size())}, std::span<const std::int64_t>(list)));
  inputs[index] = graph.append(std::move(op), {inputs[index], constant}, made, {made});
}

void NodeImport::drop_outputs(std::size_t count) {
  for (std::size_t i = count; i < outputs.size(); ++i) {
    if (is_read(i)) throw Error(Fault::unsupported, fmt::format("output '{}' is used, but cannot be computed", outputs[i]));
  }
  if (outputs.size() > count) outputs.resize(count);
}

namespace {

AttributeProto& add(::onnx::NodeProto& proto, const std::string& name, AttributeProto::AttributeType type) {
  AttributeProto& attribute = *proto.add_attribute();
  attribute.set_name(name);
  attribute.set_type(type);
  return attribute;
}

}  // namespace

void NodeExport::set(const std::string& name, std::int64_t value) { add(proto_, name, AttributeProto::INT).set_i(value); }
void NodeExport::set(const std::string& name, float value) { add(proto_, name, AttributeProto::FLOAT).set_f(value); }
void NodeExport::set(const std::string& name, const std::string& value) {
  add(proto_, name, AttributeProto::STRING).set_s(value);
}
void NodeExport::set(const std::string& name, const std::vector<std::int64_t>& value) {
  AttributeProto& attribute = add(proto_, name, AttributeProto::INTS);
  for (const std::int64_t entry : value) attribute.add_ints(entry);
}
void NodeExport::set(const std::string& name, const std::vector<float>& value) {
  AttributeProto& attribute = add(proto_, name, AttributeProto::FLOATS);
  for (const float entry : value) attribute.add_floats(entry);
}
void NodeExport::set(const std::string& name, const Tensor& value) {
  export_tensor(value, "", *add(proto_, name, AttributeProto::TENSOR).mutable_t());
}

void NodeExport::set(const std::string& name, const Attribute& value) {
  std::visit(Overloaded{
                 [&](const std::vector<std::string>& list) {
                   AttributeProto& attribute = add(proto_, name, AttributeProto::STRINGS);
                   for (const std::string& entry : list) attribute.add_strings(entry);
                 },
                 [&](const RawAttribute& raw) {
                   if (!proto_.add_attribute()->ParseFromString(raw.bytes))
                     throw Error(Fault::internal, "an attribute's bytes are damaged");
                 },
                 [&](std::int64_t v) { set(name, v); },
                 [&](float v) { set(name, v); },
                 [&](const std::string& v) { set(name, v); },
                 [&](const Tensor& v) { set(name, v); },
                 [&](const std::vector<std::int64_t>& v) { set(name, v); },
                 [&](const std::vector<float>& v) { set(name, v); },
             },
             value);
}

std::optional<Tensor> NodeExport::take_tensor(std::size_t index, std::int64_t first_opset_with_input) {
  if (!has_input(index)) return std::nullopt;
  const auto& value = fact(index).value;
  if (!value) needs_opset(first_opset_with_input, fmt::format("input {} is not constant", index));
  taken_.insert(index);
  return value;
}

std::vector<std::int64_t> NodeExport::take_integers(std::size_t index, std::int64_t first_opset_with_input) {
  const auto known = has_input(index) ? known_integers(fact(index)) : std::nullopt;
  if (known && !fact(index).value) {  // made of constants by other nodes
    taken_.insert(index);
    return *known;
  }
  const auto tensor = take_tensor(index, first_opset_with_input);
  return tensor ? tensor->values_as<std::int64_t>() : std::vector<std::int64_t>{};
}

std::optional<float> NodeExport::take_scalar(std::size_t index, std::int64_t first_opset_with_input) {
  const auto tensor = take_tensor(index, first_opset_with_input);
  if (!tensor) return std::nullopt;
  if (tensor->elements() != 1) {
    needs_opset(first_opset_with_input, fmt::format("input {} is {}, not a scalar", index, tensor->shape().to_string()));
  }
  return tensor->values_as<float>().front();
}

std::optional<std::size_t> NodeExport::rank(std::size_t index) const {
  if (!has_input(index) || !fact(index).has_rank()) return std::nullopt;
  return fact(index).rank();
}

std::int64_t NodeExport::axis(std::int64_t axis, std::optional<std::size_t> rank) const {
  if (axis >= 0 || opset_ >= 11) return axis;
  if (!rank) needs_opset(11, "a negative axis of a value whose rank is not known");
  return static_cast<std::int64_t>(normalize_axis(axis, *rank));
}

std::vector<std::int64_t> NodeExport::axes(std::vector<std::int64_t> axes, std::optional<std::size_t> rank) const {
  for (std::int64_t& entry : axes) entry = axis(entry, rank);
  return axes;
}

void NodeExport::needs_opset_below(std::int64_t opset, const std::string& what) const {
  throw Error(Fault::unsupported,
              fmt::format("cannot be written at opset {}: {}; the highest opset that can is {}", opset_, what, opset - 1));
}

void NodeExport::needs_opset(std::int64_t lowest, const std::string& what) const {
  throw Error(Fault::unsupported,
              fmt::format("cannot be written at opset {}: {}; the lowest opset that can is {}", opset_, what, lowest));
}

const OpRow* find_op(std::string_view domain, std::string_view type) {
  for (const OpRow& row : op_table()) {
    if (row.type == type && row.domain == domain) return &row;
  }
  return nullptr;
}

}  // namespace resnet::onnx

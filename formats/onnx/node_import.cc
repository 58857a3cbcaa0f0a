#include "formats/onnx/node_import.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include "formats/onnx/tensors.h"
#include "lib/base/error.h"
#include "lib/base/overloaded.h"

namespace resnet::onnx {

using ::onnx::AttributeProto;

void NodeImport::set_input(std::size_t index, const std::string& suffix, Tensor value) {
  while (inputs.size() <= index) inputs.push_back(ValueId::none());
  const std::string& base = !name.empty() ? name : outputs.empty() ? name : outputs.front();
  std::string unique = base + "." + suffix;
  while (!used.insert(unique).second) unique += "_";
  inputs[index] = graph.add_constant(unique, std::move(value));
}

void NodeImport::set_input(std::size_t index, const std::string& suffix, const std::vector<std::int64_t>& list) {
  set_input(index, suffix, Tensor::from(Shape{static_cast<std::int64_t>(list.size())}, std::span<const std::int64_t>(list)));
}

void NodeImport::drop_outputs(std::size_t count) {
  for (std::size_t i = count; i < outputs.size(); ++i) {
    if (used.contains(outputs[i]))
      throw Error(ErrorKind::unsupported, fmt::format("output '{}' is used, but cannot be computed", outputs[i]));
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
                     throw Error(ErrorKind::internal, "an attribute's bytes are damaged");
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
  const auto tensor = take_tensor(index, first_opset_with_input);
  return tensor ? tensor->values_as<std::int64_t>() : std::vector<std::int64_t>{};
}

void NodeExport::needs_opset(std::int64_t lowest, const std::string& what) const {
  throw Error(ErrorKind::unsupported,
              fmt::format("cannot be written at opset {}: {}; the lowest opset that can is {}", opset_, what, lowest));
}

const OpRow* find_op(std::string_view type) {
  for (const OpRow& row : op_table()) {
    if (row.type == type) return &row;
  }
  return nullptr;
}

}  // namespace resnet::onnx

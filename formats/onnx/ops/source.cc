#include <fmt/format.h>

#include "formats/onnx/ops/ops.h"
#include "formats/onnx/tensors.h"
#include "lib/base/error.h"

namespace resnet::onnx {

Constant import_op(NodeImport& node, Constant) {
  NodeReader& a = node.attributes;
  if (auto tensor = a.tensor("value")) return Constant{std::move(*tensor)};
  if (a.has_attribute("value_float")) return Constant{Tensor::scalar(a.number("value_float", 0))};
  if (a.has_attribute("value_int")) return Constant{Tensor::scalar(a.integer("value_int", 0))};
  if (a.has_attribute("value_floats")) {
    const auto list = a.numbers("value_floats");
    return Constant{Tensor::from(Shape{static_cast<std::int64_t>(list.size())}, std::span<const float>(list))};
  }
  if (a.has_attribute("value_ints")) {
    const auto list = a.integers("value_ints");
    return Constant{Tensor::from(Shape{static_cast<std::int64_t>(list.size())}, std::span<const std::int64_t>(list))};
  }
  throw Error(Fault::unsupported, "a constant without a value that can be read (strings cannot)");
}

Cast import_op(NodeImport& node, Cast op) {
  node.attributes.ignore("saturate");  // float8 only
  if (node.opset() < 6) {
    const std::string name = node.attributes.text("to", "");
    static const std::pair<const char*, DType> names[] = {
        {"FLOAT", DType::float32}, {"DOUBLE", DType::float64}, {"FLOAT16", DType::float16}, {"INT8", DType::int8},
        {"INT16", DType::int16},   {"INT32", DType::int32},    {"INT64", DType::int64},     {"UINT8", DType::uint8},
        {"UINT16", DType::uint16}, {"UINT32", DType::uint32},  {"UINT64", DType::uint64},   {"BOOL", DType::boolean}};
    for (const auto& [text, dtype] : names) {
      if (name == text) {
        op.to = dtype;
        return op;
      }
    }
    throw Error(Fault::malformed, fmt::format("to is '{}', expected the name of an element type", name));
  }
  const auto to = node.attributes.dtype("to");
  if (!to) throw Error(Fault::malformed, "attribute 'to' is missing");
  op.to = *to;
  return op;
}

Dropout import_op(NodeImport& node, Dropout op) {
  bool training = false;
  if (node.opset() < 12) {
    node.attributes.ignore("consumed_inputs");
    // Versions 1 and 6 say which; version 7 is for inference.
    training = !node.attributes.flag("is_test", node.opset() >= 7);
    if (node.attributes.has_attribute("ratio")) node.set_input(1, "ratio", Tensor::scalar(node.attributes.number("ratio", 0.5f)));
  } else {
    op.seed = node.attributes.optional_integer("seed");
    if (node.has_input(2) && !node.is_read(1)) {
      const auto& mode = node.fact(2).value;
      training = mode && mode->elements() == 1 && mode->values_as<int>().front() != 0;
      if (training) node.inputs[2] = ValueId::none();
    }
  }
  if (training) node.notes.add("exported in training mode; it runs as inference, dropping nothing", node.label);
  if (!node.is_read(1)) node.drop_outputs(1);
  // Before version 10 the mask has the type of the data.
  if (node.opset() < 10) node.drop_outputs(1);
  return op;
}
void export_op(const Dropout& op, NodeExport& node) {
  if (node.node().outputs.size() > 1 && node.opset() < 10) node.needs_opset(10, "a mask of booleans");
  if (node.opset() >= 12) {
    return write_attributes(op, node);
  }
  if (const auto ratio = node.take_scalar(1, 12)) node.set("ratio", *ratio);
  if (const auto training = node.take_scalar(2, 12); training && *training != 0) node.needs_opset(12, "training mode");
}

}  // namespace resnet::onnx

#include "formats/onnx/text.h"

#include <onnx/defs/printer.h>
#include <onnx/onnx_pb.h>

#include <limits>
#include <sstream>

#include "formats/onnx/tensors.h"
#include "lib/base/error.h"

namespace resnet::onnx {

namespace {

// ONNX's printer knows integers of 8 and 16 bits and bools only where they are stored as int32.
void print_as_numbers(::onnx::TensorProto& proto) {
  if (!proto.has_raw_data()) return;
  const Tensor tensor = import_tensor(proto, nullptr);
  switch (proto.data_type()) {
    case ::onnx::TensorProto::INT8:
    case ::onnx::TensorProto::UINT8:
    case ::onnx::TensorProto::INT16:
    case ::onnx::TensorProto::UINT16:
    case ::onnx::TensorProto::BOOL:
      proto.clear_raw_data();
      for (const std::int32_t value : tensor.values_as<std::int32_t>()) proto.add_int32_data(value);
      return;
    case ::onnx::TensorProto::FLOAT16:
    case ::onnx::TensorProto::BFLOAT16:
      throw Error(Fault::unsupported,
                  "constant '" + proto.name() + "' is in 16 bits, which ONNX's text syntax has no way to write");
    default: return;
  }
}

}  // namespace

std::string write_text(const Model& model, const WriteOptions& options) {
  ::onnx::ModelProto proto;
  if (!proto.ParseFromString(serialize(model, options))) throw Error(Fault::internal, "what was written cannot be read");
  for (auto& weight : *proto.mutable_graph()->mutable_initializer()) print_as_numbers(weight);
  for (auto& node : *proto.mutable_graph()->mutable_node()) {
    for (auto& attribute : *node.mutable_attribute()) {
      if (attribute.has_t()) print_as_numbers(*attribute.mutable_t());
    }
  }
  std::ostringstream stream;
  stream.precision(std::numeric_limits<float>::max_digits10);
  stream << proto;
  return stream.str();
}

}  // namespace resnet::onnx

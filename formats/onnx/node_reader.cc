#include "formats/onnx/node_reader.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <limits>

#include "lib/base/error.h"

namespace resnet::onnx {

using ::onnx::AttributeProto;

NodeReader::NodeReader(const ::onnx::NodeProto& node, std::int64_t opset, ExternalFiles* external)
    : opset_(opset), external_(external) {
  for (const AttributeProto& attribute : node.attribute()) {
    if (!attributes_.emplace(attribute.name(), &attribute).second) {
      throw Error(Fault::malformed, fmt::format("attribute '{}' is given twice", attribute.name()));
    }
  }
}

const AttributeProto* NodeReader::find(const std::string& name, int type, const char* type_name) {
  const auto found = attributes_.find(name);
  if (found == attributes_.end()) return nullptr;
  read_.insert(name);
  if (found->second->type() != type) {
    // Files of IR version 1 leave the type out.
    const bool untyped = found->second->type() == AttributeProto::UNDEFINED;
    if (!untyped) {
      throw Error(Fault::malformed, fmt::format("attribute '{}' is of type {}, expected {}", name,
                                                AttributeProto::AttributeType_Name(found->second->type()), type_name));
    }
  }
  return found->second;
}

std::int64_t NodeReader::integer(const std::string& name, std::int64_t otherwise) {
  const auto* attribute = find(name, AttributeProto::INT, "INT");
  return attribute != nullptr ? attribute->i() : otherwise;
}

std::optional<std::int64_t> NodeReader::optional_integer(const std::string& name) {
  const auto* attribute = find(name, AttributeProto::INT, "INT");
  return attribute != nullptr ? std::optional(attribute->i()) : std::nullopt;
}

std::int64_t NodeReader::required_integer(const std::string& name) {
  const auto number = optional_integer(name);
  if (!number) throw Error(Fault::malformed, fmt::format("attribute '{}' is missing", name));
  return *number;
}

float NodeReader::number(const std::string& name, float otherwise) {
  const auto* attribute = find(name, AttributeProto::FLOAT, "FLOAT");
  return attribute != nullptr ? attribute->f() : otherwise;
}

std::string NodeReader::text(const std::string& name, const std::string& otherwise) {
  const auto* attribute = find(name, AttributeProto::STRING, "STRING");
  return attribute != nullptr ? attribute->s() : otherwise;
}

std::vector<std::int64_t> NodeReader::integers(const std::string& name) {
  const auto* attribute = find(name, AttributeProto::INTS, "INTS");
  if (attribute == nullptr) return {};
  return {attribute->ints().begin(), attribute->ints().end()};
}

std::vector<std::int64_t> NodeReader::required_integers(const std::string& name) {
  if (!has_attribute(name)) throw Error(Fault::malformed, fmt::format("attribute '{}' is missing", name));
  return integers(name);
}

std::vector<float> NodeReader::numbers(const std::string& name) {
  const auto* attribute = find(name, AttributeProto::FLOATS, "FLOATS");
  if (attribute == nullptr) return {};
  return {attribute->floats().begin(), attribute->floats().end()};
}

std::optional<Tensor> NodeReader::tensor(const std::string& name) {
  const auto* attribute = find(name, AttributeProto::TENSOR, "TENSOR");
  if (attribute == nullptr) return std::nullopt;
  try {
    return import_tensor(attribute->t(), external_);
  } catch (Error& error) {
    error.in(Frame::attribute(name));
    throw;
  }
}

std::optional<DType> NodeReader::dtype(const std::string& name) {
  const auto number = optional_integer(name);
  if (!number || *number == 0) return std::nullopt;
  // What does not fit is not the number of a type either.
  const bool fits = *number > 0 && *number <= std::numeric_limits<std::int32_t>::max();
  return import_dtype(fits ? static_cast<std::int32_t>(*number) : -1);
}

std::map<std::string, Attribute> NodeReader::all() {
  std::map<std::string, Attribute> result;
  for (const auto& [name, attribute] : attributes_) {
    read_.insert(name);
    const auto raw = [&proto = *attribute] { return RawAttribute{proto.SerializeAsString()}; };
    switch (attribute->type()) {
      case AttributeProto::INT: result[name] = attribute->i(); break;
      case AttributeProto::FLOAT: result[name] = attribute->f(); break;
      case AttributeProto::STRING: result[name] = attribute->s(); break;
      case AttributeProto::INTS:
        result[name] = std::vector<std::int64_t>(attribute->ints().begin(), attribute->ints().end());
        break;
      case AttributeProto::FLOATS:
        result[name] = std::vector<float>(attribute->floats().begin(), attribute->floats().end());
        break;
      case AttributeProto::STRINGS:
        result[name] = std::vector<std::string>(attribute->strings().begin(), attribute->strings().end());
        break;
      case AttributeProto::TENSOR:
        if (is_known_dtype(attribute->t().data_type())) {
          result[name] = *tensor(name);
        } else {
          result[name] = raw();
        }
        break;
      case AttributeProto::UNDEFINED:
      case AttributeProto::GRAPH:
      case AttributeProto::SPARSE_TENSOR:
      case AttributeProto::TYPE_PROTO:
      case AttributeProto::TENSORS:
      case AttributeProto::GRAPHS:
      case AttributeProto::SPARSE_TENSORS:
      case AttributeProto::TYPE_PROTOS: result[name] = raw(); break;
    }
  }
  return result;
}

std::vector<std::string> NodeReader::unread() const {
  std::vector<std::string> names;
  for (const auto& [name, attribute] : attributes_) {
    if (!read_.contains(name)) names.push_back(name);
  }
  return names;
}

}  // namespace resnet::onnx

// Typed access to a node's attributes: owns every error text, and knows what was not read.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "formats/onnx/tensors.h"
#include "lib/graph/graph.h"

namespace onnx {
class NodeProto;
class AttributeProto;
}  // namespace onnx

namespace resnet::onnx {

// The data that an importer of one node works on. Attributes that it does not read end up in the model's notes.
class NodeReader {
 public:
  // `external` serves attributes whose tensors lie in files of their own; both it and `node` outlive the reader.
  NodeReader(const ::onnx::NodeProto& node, std::int64_t opset, ExternalFiles* external);

  std::int64_t opset() const { return opset_; }
  bool has_attribute(const std::string& name) const { return attributes_.contains(name); }

  // An attribute, or `otherwise` where it is left out. Throws Error(malformed) where it has another type.
  std::int64_t integer(const std::string& name, std::int64_t otherwise);
  std::optional<std::int64_t> optional_integer(const std::string& name);
  // Throws Error(malformed) where it is left out.
  std::int64_t required_integer(const std::string& name);
  bool flag(const std::string& name, bool otherwise) { return integer(name, otherwise ? 1 : 0) != 0; }
  float number(const std::string& name, float otherwise);
  std::string text(const std::string& name, const std::string& otherwise);
  std::vector<std::int64_t> integers(const std::string& name);
  std::vector<std::int64_t> required_integers(const std::string& name);
  std::vector<float> numbers(const std::string& name);
  std::optional<Tensor> tensor(const std::string& name);
  // As the dtype that an ONNX type number stands for.
  std::optional<DType> dtype(const std::string& name);
  // Read, but of no use here: not reported.
  void ignore(const std::string& name) { read_.insert(name); }
  // All attributes as they are, for an operator that we do not know.
  std::map<std::string, Attribute> all();

  std::vector<std::string> unread() const;

 private:
  const ::onnx::AttributeProto* find(const std::string& name, int type, const char* type_name);

  std::int64_t opset_;
  ExternalFiles* external_;
  std::map<std::string, const ::onnx::AttributeProto*> attributes_;
  std::set<std::string> read_;
};

}  // namespace resnet::onnx

// The attributes that an operator declares (lib/graph/op_traits.h), read from a node and written to one.
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "formats/onnx/node_import.h"
#include "lib/base/error.h"

namespace resnet::onnx {

inline void read_attribute(NodeReader& reader, const std::string& name, std::int64_t& value) {
  value = reader.integer(name, value);
}
inline void read_attribute(NodeReader& reader, const std::string& name, bool& value) { value = reader.flag(name, value); }
inline void read_attribute(NodeReader& reader, const std::string& name, float& value) { value = reader.number(name, value); }
inline void read_attribute(NodeReader& reader, const std::string& name, std::string& value) { value = reader.text(name, value); }
inline void read_attribute(NodeReader& reader, const std::string& name, std::vector<std::int64_t>& value) {
  if (reader.has_attribute(name)) value = reader.integers(name);
}
inline void read_attribute(NodeReader& reader, const std::string& name, std::vector<float>& value) {
  if (reader.has_attribute(name)) value = reader.numbers(name);
}
inline void read_attribute(NodeReader& reader, const std::string& name, DType& value) {
  value = reader.dtype(name).value_or(value);
}
inline void read_attribute(NodeReader& reader, const std::string& name, std::optional<DType>& value) {
  value = reader.dtype(name);
}
inline void read_attribute(NodeReader& reader, const std::string& name, Tensor& value) {
  if (auto tensor = reader.tensor(name)) value = std::move(*tensor);
}
template <typename T>
void read_attribute(NodeReader& reader, const std::string& name, std::optional<T>& value) {
  if (reader.has_attribute(name)) read_attribute(reader, name, value.emplace());
}
template <HasWords E>
void read_attribute(NodeReader& reader, const std::string& name, E& value) {
  const std::string word = reader.text(name, "");
  if (word.empty()) return;
  const auto found = find_value<E>(word);
  if (!found) throw Error(Fault::malformed, name + " is '" + word + "', expected " + listed_words<E>("or"));
  value = *found;
}

// Throws Error(malformed) for an attribute of another type, or where one is missing that has no default.
template <typename Op>
void read_attributes(NodeReader& reader, Op& op) {
  reader.ignore("consumed_inputs");  // version 1: memory that may be written over
  for_each_attribute<Op>([&]<typename T>(const AttributeOf<Op, T>& attribute) {
    if constexpr (HasAttributes<T>) {
      read_attributes(reader, op.*attribute.member);
    } else if (!attribute.is_own) {
      const std::string name(attribute.name);
      if (attribute.is_required && !reader.has_attribute(name)) {
        throw Error(Fault::malformed, "attribute '" + name + "' is missing");
      }
      read_attribute(reader, name, op.*attribute.member);
    }
  });
}

template <typename T>
void write_attribute(NodeExport& node, const std::string& name, const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    node.set(name, std::int64_t{value});
  } else if constexpr (std::is_same_v<T, DType>) {
    node.set(name, std::int64_t{export_dtype(value)});
  } else if constexpr (HasWords<T>) {
    node.set(name, std::string(word_of(value)));
  } else {
    node.set(name, value);
  }
}
template <typename T>
void write_attribute(NodeExport& node, const std::string& name, const std::optional<T>& value) {
  if (value) write_attribute(node, name, *value);
}

// Only what is not the default, so that files stay small and equal. Throws Error(unsupported) where the node's opset does not
// have it yet.
template <typename Op>
void write_attributes(const Op& op, NodeExport& node) {
  const Op usual;
  for_each_attribute<Op>([&]<typename T>(const AttributeOf<Op, T>& attribute) {
    if constexpr (HasAttributes<T>) {
      write_attributes(op.*attribute.member, node);
    } else if (!attribute.is_own) {
      T value = op.*attribute.member;
      if constexpr (std::is_same_v<T, std::int64_t>) {
        if (attribute.is_axis) value = node.axis(value, node.rank(0));
      }
      if (!attribute.is_required && value == usual.*attribute.member) return;
      if (node.opset() < attribute.since) node.needs_opset(attribute.since, std::string(attribute.name));
      write_attribute(node, std::string(attribute.name), value);
    }
  });
}

}  // namespace resnet::onnx

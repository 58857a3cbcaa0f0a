// The element types of the format, by their names in a header.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "lib/tensor/dtype.h"

namespace resnet::safetensors {

struct ElementType {
  std::string_view name;       // "BF16"
  std::optional<DType> dtype;  // nothing: sound, but not a type of ours
  std::size_t order = 0;       // among all: wider types have higher ones
};

// Nothing where the format has no such type.
std::optional<ElementType> find_element_type(std::string_view name);
ElementType element_type_of(DType dtype);
// Those that are read, for errors: "F64, F32, ...".
std::string names_of_element_types();

}  // namespace resnet::safetensors

#include "formats/safetensors/element_type.h"

#include <algorithm>
#include <array>

namespace resnet::safetensors {

namespace {

struct Row {
  std::string_view name;
  std::optional<DType> dtype;
};

// In the order of the format's own library, by which it sorts what it writes: the last ones first.
constexpr std::array<Row, 22> rows = {{{"BOOL", DType::boolean},
                                       {"F4", {}},
                                       {"F6_E2M3", {}},
                                       {"F6_E3M2", {}},
                                       {"U8", DType::uint8},
                                       {"I8", DType::int8},
                                       {"F8_E5M2", {}},
                                       {"F8_E4M3", {}},
                                       {"F8_E8M0", {}},
                                       {"F8_E4M3FNUZ", {}},
                                       {"F8_E5M2FNUZ", {}},
                                       {"I16", DType::int16},
                                       {"U16", DType::uint16},
                                       {"F16", DType::float16},
                                       {"BF16", DType::bfloat16},
                                       {"I32", DType::int32},
                                       {"U32", DType::uint32},
                                       {"F32", DType::float32},
                                       {"C64", {}},
                                       {"F64", DType::float64},
                                       {"I64", DType::int64},
                                       {"U64", DType::uint64}}};

template <typename Wanted>
std::optional<ElementType> find(const Wanted& wanted) {
  const auto* row = std::find_if(rows.begin(), rows.end(), wanted);
  if (row == rows.end()) return std::nullopt;
  return ElementType{row->name, row->dtype, static_cast<std::size_t>(row - rows.begin())};
}

}  // namespace

std::optional<ElementType> find_element_type(std::string_view name) {
  return find([name](const Row& row) { return row.name == name; });
}

ElementType element_type_of(DType dtype) {
  return *find([dtype](const Row& row) { return row.dtype == dtype; });
}

std::string names_of_element_types() {
  std::string names;
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    if (row->dtype) names += (names.empty() ? "" : ", ") + std::string(row->name);
  }
  return names;
}

}  // namespace resnet::safetensors

#include "lib/graph/ops/check.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/base/error.h"

namespace resnet {

std::optional<DType> common_dtype(const Facts& inputs, std::initializer_list<std::size_t> indices) {
  std::optional<DType> common;
  for (const std::size_t index : indices) {
    if (!inputs.has(index) || !inputs[index].dtype) continue;
    if (common && *common != *inputs[index].dtype) {
      throw Error(ErrorKind::invalid_model, fmt::format("input {} is {}, expected {} as the inputs before it", index,
                                                        name_of(*inputs[index].dtype), name_of(*common)));
    }
    common = inputs[index].dtype;
  }
  return common;
}

void check_dtype(const Fact& fact, const char* what, std::initializer_list<DType> allowed) {
  if (!fact.dtype || std::find(allowed.begin(), allowed.end(), *fact.dtype) != allowed.end()) return;
  std::string names;
  for (const DType dtype : allowed) names += (names.empty() ? "" : " or ") + std::string(name_of(dtype));
  throw Error(ErrorKind::invalid_model, fmt::format("{} is {}, expected {}", what, name_of(*fact.dtype), names));
}

Fact same_as(const Fact& fact) { return {fact.dtype, fact.dims, std::nullopt, std::nullopt}; }

}  // namespace resnet

// Checks that the operators' inference shares.
#pragma once

#include <initializer_list>
#include <optional>

#include "lib/graph/fact.h"

namespace resnet {

// The one dtype of those inputs that are there and known. Throws Error(invalid_model) where two differ.
std::optional<DType> common_dtype(const Facts& inputs, std::initializer_list<std::size_t> indices);

// Throws Error(invalid_model) "`what` is int32, expected int64" where the dtype is known and none of `allowed`.
void check_dtype(const Fact& fact, const char* what, std::initializer_list<DType> allowed);

// A fact of the same dtype and dims, its value not known.
Fact same_as(const Fact& fact);

}  // namespace resnet

// Checks that the operators' inference shares.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <vector>

#include "lib/graph/fact.h"

namespace resnet {

// The one dtype of those inputs that are there and known. Throws Error(malformed) where two differ.
std::optional<DType> common_dtype(const Facts& inputs, std::initializer_list<std::size_t> indices);

// The same over all inputs.
std::optional<DType> common_dtype(const Facts& inputs);

// Throws Error(malformed) "`what` is int32, expected int64" where the dtype is known and none of `allowed`.
void check_dtype(const Fact& fact, const char* what, std::initializer_list<DType> allowed);

// Throws Error(malformed) "min is 3, expected a scalar" where the shape is known and has more than one element, or none.
void check_scalar(const Fact& fact, const char* what);

// Throws Error(malformed) "shape is 2x2, expected a vector" where the rank is known and not 1.
void check_vector(const Fact& fact, const char* what);

// An attribute with an entry for each axis, or so many `usual` ones where it is empty. Throws Error(malformed) where it has
// another number of entries, or one below `least` or above `most`.
std::vector<std::int64_t> checked_list(const std::vector<std::int64_t>& list, std::size_t count, std::int64_t usual,
                                       std::int64_t least, std::int64_t most, const char* name);

// Elements as a fact may hold them: nothing where there are too many to be dims, or where a number does not fit `dtype` (which
// would wrap around).
std::optional<Dims> bounded_elements(std::optional<Dims> elements, std::optional<DType> dtype);

// What an elementwise operator makes: the inputs' one dtype, and their dims broadcast. Throws Error(malformed) where they do not
// fit, or one that is not optional is left out.
Fact broadcast_all(const Facts& inputs);

// A fact of the same dtype and dims, its value not known.
Fact same_as(const Fact& fact);

}  // namespace resnet

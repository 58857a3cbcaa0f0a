// What is left of many floats: sums, products, extremes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace resnet::kernels {

enum class Fold : std::uint8_t { sum, absolutes, squares, product, largest, least };

// Of all values, in double. NaN among them gives NaN; no values give the neutral element.
double fold(Fold fold, const float* x, std::size_t count);
// Of each column of `rows` rows that are `stride` floats apart. A column's bits depend on its own values and their order alone.
void fold_columns(Fold fold, const float* x, std::size_t rows, std::size_t stride, std::size_t columns, double* results);

}  // namespace resnet::kernels

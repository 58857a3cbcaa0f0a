// Sums of rows: what resizes a map along an axis.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace resnet::kernels {

// Which rows are added up, and how much of each.
struct WeightedRows {
  std::span<const std::int64_t> places;
  std::span<const float> weights;
};
// y[j] = sum over k of weights[k] * x[places[k] * length + j], for j below `length`, one row after the other.
void add_rows(const WeightedRows& rows, const float* x, float* y, std::size_t length);

}  // namespace resnet::kernels

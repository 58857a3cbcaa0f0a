// Loops of the normalizations that compute their statistics themselves.
#pragma once

#include <cstddef>

namespace resnet::kernels {

// Sums from which a mean and a variance follow: of x - origin, and of its square. With an origin among the values nothing is lost
// where the mean is far from 0; sums are double.
struct Moments {
  double sum = 0, squares = 0;
};
Moments moments(const float* x, std::size_t count, float origin);
// Of each column of `rows` x `columns` floats. A column's bits depend on its own values alone.
void column_moments(const float* x, std::size_t rows, std::size_t columns, const float* origins, double* sums, double* squares);

// Where values are centred and scaled. The mean is high + low, since one float may be too coarse for it.
struct Centering {
  float high = 0, low = 0, factor = 1;
};
struct Bounds {
  float least, most;
};
// y[i] = clamp((x[i] - mean) * factor + shift). y may be x.
void normalize(const float* x, float* y, std::size_t count, const Centering& centering, float shift, Bounds bounds);
// y[i] = clamp((x[i] - mean) * factor * scale[i] + shift[i]). y may be x.
void normalize_scaled(const float* x, float* y, std::size_t count, const Centering& centering, const float* scale,
                      const float* shift, Bounds bounds);
// The same for each column of `rows` x `columns` floats, of which each has a mean, a factor and a shift of its own.
struct ColumnCentering {
  const float *high, *low, *factor, *shift;
};
void normalize_columns(const float* x, float* y, std::size_t rows, std::size_t columns, const ColumnCentering& centering,
                       Bounds bounds);

}  // namespace resnet::kernels
